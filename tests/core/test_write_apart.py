"""No result takes the place of what it is made from: by whatever name, through links, inside folders, from Python."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import animato
import videos
from animato.core.apart import check_apart, check_trees_apart
from animato.core.errors import AnimatoError, InputError, OutputError
from animato.core.media import Clip, check_output, open_clip, write_clip
from animato.core.output import check_filled

FRAMES = [videos.frame(index) for index in range(4)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """f/000000.png ... and a video beside it, and other names for them."""
    write_clip(Clip.of(FRAMES, 25), tmp_path / "f")
    write_clip(Clip.of(FRAMES, 25), tmp_path / "v.mp4")
    (tmp_path / "link").symlink_to("f")
    (tmp_path / "link.mp4").symlink_to("v.mp4")
    os.link(tmp_path / "v.mp4", tmp_path / "hard.mp4")
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "0.png").symlink_to(tmp_path / "f" / "000000.png")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("given", "out"),
    [
        ("f/000000.png", "f"),
        ("f/000000.png", "f/"),
        ("f/000000.png", "link"),
        ("link/000000.png", "f"),
        ("f/../f/000000.png", "f"),
        ("f", "f"),
        ("f", "./f/."),
        ("f", "link"),
        ("link", "f"),
        ("g", "f"),  # its picture is a link into f
        ("g", "g"),
        ("g/0.png", "f"),
        ("g/0.png", "g"),
        ("f", "f/000002.png"),
        ("f", "."),
        ("v.mp4", "v.mp4"),
        ("link.mp4", "v.mp4"),
        ("v.mp4", "link.mp4"),
        ("hard.mp4", "v.mp4"),
    ],
)
def test_an_input_is_no_output(place: Path, monkeypatch: pytest.MonkeyPatch, given: str, out: str) -> None:
    monkeypatch.chdir(place)
    for absolute in (given, place / given):
        with pytest.raises(InputError, match="another name"):
            check_apart([Path(absolute)], [Path(out)])
        with pytest.raises(InputError):
            check_apart([Path(absolute)], [place / out])


@pytest.mark.parametrize(
    ("given", "out"), [("f", "f/out.mp4"), ("f", "f/sub"), ("f/000000.png", "f/a.mp4"), ("v.mp4", "w.mp4"), ("f", "ff")]
)
def test_what_overwrites_nothing_is_allowed(place: Path, given: str, out: str) -> None:
    check_apart([place / given], [place / out])


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (("a", "a"), "twice"),
        (("a", "b/../a"), "twice"),
        (("A.json", "a.json"), "twice"),
        (("a", "a/b.json"), "way"),
        (("x/y/b.json", "x"), "way"),
    ],
)
def test_outputs_do_not_get_in_each_others_way(tmp_path: Path, outputs: tuple[str, str], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        check_apart([], [tmp_path / name for name in outputs])


def test_names_that_mean_nothing_are_no_inputs(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    check_apart([Path("mara"), Path("a\0b"), tmp_path / ("x" * 300), tmp_path / "loop"], [tmp_path / "out.mp4", tmp_path / "loop2"])


@pytest.mark.parametrize(
    ("source", "out"), [("w", "w"), ("w", "w/own"), ("w/own", "w"), ("w", "link/own"), ("link", "w"), ("w", "w/new/er")]
)
def test_weights_and_what_they_become_lie_apart(tmp_path: Path, source: str, out: str) -> None:
    (tmp_path / "w" / "own").mkdir(parents=True)
    (tmp_path / "link").symlink_to("w")
    with pytest.raises(InputError, match="one lies in the other"):
        check_trees_apart(tmp_path / source, tmp_path / out)
    check_trees_apart(tmp_path / "w", tmp_path / "w2")
    check_trees_apart(tmp_path / "nowhere", tmp_path / "new")


@pytest.mark.parametrize(
    ("source", "out"), [("v.mp4", "v.mp4"), ("v.mp4", "hard.mp4"), ("f", "f"), ("f", "link"), ("v.mp4", "link.mp4"), ("g", "f")]
)
def test_a_clip_is_not_written_over_its_own_source(place: Path, source: str, out: str) -> None:
    before = contents(place)
    with pytest.raises((InputError, OutputError)):
        write_clip(open_clip(place / source).take(2).every(2).map(lambda frame: frame[::-1]), place / out)
    assert contents(place) == before


def test_from_python_the_inputs_stay(place: Path) -> None:
    """The picture and the driving poses are known to the clip that comes out."""
    (place / "p").mkdir()
    picture = place / "p" / "000001.png"
    picture.write_bytes((Path(animato.__file__).parent / "assets" / "characters" / "mara.png").read_bytes())
    clip = animato.animate(picture, "wave", size=(128, 192), frames=2)
    before = contents(place)
    with pytest.raises(InputError, match="000001.png, which would be lost"):
        write_clip(clip, place / "p")
    assert contents(place) == before
    assert write_clip(clip, place / "new.mp4").is_file()


def test_a_link_to_a_folder_is_not_written_through(place: Path) -> None:
    (place / "empty").mkdir()
    (place / "link2").symlink_to("empty")
    (place / "link3").symlink_to("nowhere")
    for name in ("link2", "link2/", "link3"):
        with pytest.raises(OutputError, match="is a link"):
            check_output(f"{place}/{name}")
    assert (place / "link2").is_symlink() and not any((place / "empty").iterdir())


def test_a_link_to_a_file_is_replaced_itself(place: Path) -> None:
    before = (place / "v.mp4").read_bytes()
    write_clip(Clip.of(FRAMES[:2], 25), place / "link.mp4")
    assert not (place / "link.mp4").is_symlink() and open_clip(place / "link.mp4").length == 2
    assert (place / "v.mp4").read_bytes() == before


def test_a_folder_that_files_are_added_to_may_be_a_link(place: Path) -> None:
    assert check_filled(place / "link") == place / "link"
    (place / "link3").symlink_to("nowhere")
    for name, reason in (("link3", "leads nowhere"), ("v.mp4", "is a file"), ("v.mp4/x", "is a file")):
        with pytest.raises(OutputError, match=reason):
            check_filled(place / name)


def test_the_folder_that_one_is_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for name in (".", "", "../empty", str(tmp_path / "empty"), "./"):
        with pytest.raises(OutputError, match="the folder that you are in"):
            check_output(name)
    with pytest.raises(AnimatoError):
        check_output("..")
    with pytest.raises(AnimatoError):
        check_output("/")


def test_files_that_come_into_the_folder_meanwhile_stay(place: Path) -> None:
    def frames():
        yield np.zeros_like(FRAMES[0])
        (place / "f" / "letter.txt").write_text("dear")

    with pytest.raises(OutputError, match=r"Other files have come into .*f meanwhile: the result is in .*f-2 instead"):
        write_clip(Clip(frames, videos.SIZE, Fraction(25)), place / "f")
    assert (place / "f" / "letter.txt").read_text() == "dear" and len(list((place / "f").iterdir())) == 5
    assert open_clip(place / "f-2").length == 1


def test_a_folder_that_comes_to_a_files_name_meanwhile_stays(tmp_path: Path) -> None:
    def frames():
        yield FRAMES[0]
        (tmp_path / "a.mp4").mkdir()
        (tmp_path / "a.mp4" / "letter.txt").write_text("dear")

    with pytest.raises(OutputError, match="directory"):
        write_clip(Clip(frames, videos.SIZE, Fraction(25)), tmp_path / "a.mp4")
    assert [path.name for path in tmp_path.rglob("*")] == ["a.mp4", "letter.txt"]
