"""What commands look at before any work: no input is overwritten, outputs keep apart, and what killed runs left is removed and told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from animato.apps.cli import main
from animato.core.media import Clip, open_clip, write_clip
from animato.core.picture import read_picture
from killed import killed
from material import Material


@pytest.fixture
def place(material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """f: pictures of the character; link to f; v.mp4 and a hard link to it."""
    pixels = read_picture(material.character)
    write_clip(Clip.of([pixels, pixels[:, ::-1], pixels], 25), tmp_path / "f")
    write_clip(Clip.of([pixels, pixels[:, ::-1], pixels], 25), tmp_path / "v.mp4")
    (tmp_path / "link").symlink_to("f")
    os.link(tmp_path / "v.mp4", tmp_path / "hard.mp4")
    (tmp_path / "p.json").write_bytes(material.motion.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        "animate f/000000.png wave -o f",
        "animate f/000000.png wave -o f/",
        "animate link/000000.png wave -o f",
        "animate f/000000.png wave -o link",
        "animate mara f -o f",
        "animate mara link -o f",
        "animate mara v.mp4 -o v.mp4",
        "animate mara v.mp4 -o hard.mp4",
        "animate mara p.json -o a.mp4 --report p.json",
        "animate mara wave -o . ",
        "animate mara wave -o a --report a/b.json",
        "pose f -o f/poses.npz --overlay f",
        "pose v.mp4 -o a.json --overlay v.mp4",
        "pose f --kind densepose -o f/000001.png",
        "pose f --kind densepose -o a.mp4 --overlay link/000001.png",
        "align f/000001.png wave -o a.json --preview f",
        "align mara p.json -o p.json",
        "compare mara v.mp4 --systems puppet -o v.mp4",
        "compare mara f --systems puppet -o f",
        "compare mara wave --systems puppet -o f --truth f",
        "compare mara wave --systems puppet -o a.mp4 --truth v.mp4 --json p.json --frames 1 -o v.mp4",
        "compare mara p.json --systems puppet -o a.mp4 --json p.json",
    ],
)
def test_no_input_is_lost(place: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    before = contents(place)
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    assert contents(place) == before and (place / "link").is_symlink()


def test_outputs_are_looked_at_before_a_system_is_loaded(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["animate", "mara", "wave", "--system", "animate-anyone", "--weights", "nowhere", "-o", "a.xyz"]) == 2
    assert "has the ending '.xyz'" in capsys.readouterr().err
    assert main(["demo", "-o", "p.json/out"]) == 2
    assert "p.json is a file, not a folder" in capsys.readouterr().err
    (place / "out" / "demo.png").mkdir(parents=True)
    assert main(["demo", "-o", "out"]) == 2
    assert "demo.png is a folder" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["pose f/000000.png -o a.json", "pose f/000000.png --kind densepose -o a.png"])
def test_what_killed_runs_left_is_removed_and_told(place: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    left = killed(place / "c", "folder")
    assert main(words.split()) == 0
    said = capsys.readouterr().err
    assert f"note: Removed what an earlier run left unfinished in {place}: {left.name} (5.0 kB).\n" in said
    assert not list(place.glob(".*"))


def test_files_go_into_a_folder_through_a_link(place: Path) -> None:
    (place / "videos").mkdir()
    (place / "out").symlink_to("videos")
    assert main(["pose", "f/000000.png", "-o", "out/a.json"]) == 0
    assert (place / "out").is_symlink() and (place / "videos" / "a.json").is_file()


def test_a_link_to_a_folder_is_not_replaced(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "empty").mkdir()
    (place / "away").symlink_to("empty")
    for out in ("away", "away/", "away/."):
        assert main(["animate", "mara", "wave", "-o", out]) == 2
        assert "away is a link, and a whole folder is to be written" in capsys.readouterr().err
    assert (place / "away").is_symlink() and not list((place / "empty").iterdir())
    assert open_clip(place / "f").length == 3
