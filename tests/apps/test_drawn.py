"""A DensePose video drives MagicAnimate as it is, on the command line and in Python; whatever else is asked of it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import animato
from animato.apps.cli import main
from animato.core.errors import InputError
from animato.core.media import Clip, open_clip, write_clip
from animato.core.picture import write_picture
from animato.pose.surface.densepose import coloured
from animato.systems.load import load
from extras import DIFFUSION

magic_files = pytest.importorskip("magic_files", reason=DIFFUSION)
official = pytest.importorskip("animato.weights.magic_animate", reason=DIFFUSION)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights, a picture and a DensePose video, which a codec has blurred."""
    root = tmp_path_factory.mktemp("drawn")
    official.convert(magic_files.official(root / "official", magic_files.tiny_parts()), root / "weights")
    labels = np.zeros((5, 96, 96), np.uint8)
    for index, frame in enumerate(labels):
        frame[20 + index : 60, 30:60], frame[60:90, 36:52], frame[8:20, 40:52] = 2, 9, 23
    write_clip(Clip.of(coloured(labels), 25), root / "parts.mp4")
    y, x = np.mgrid[:96, :64]
    write_picture(np.stack([x * 3, y * 2, (x + y) % 255], axis=2).astype(np.uint8), root / "picture.png")
    return root


def command(folder: Path, *words: str) -> list[str]:
    system = ["--system", "magic-animate", "--weights", str(folder / "weights"), "--size", "64x96"]
    return ["animate", str(folder / "picture.png"), str(folder / "parts.mp4"), *system, "--set", "steps=1", "--set", "canvas=64x64", *words]


def test_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No estimator is asked, so that its models need not be there; nothing is said of poses."""
    assert main(command(folder, "--frames", "3", "--out", str(tmp_path / "out.mp4"), "--report", str(tmp_path / "out.json"))) == 0
    clip = open_clip(tmp_path / "out.mp4")
    assert (clip.size, clip.length) == ((64, 96), 3)
    told = capsys.readouterr()
    assert "DensePose video: it is followed as it is" in told.out + told.err and "PCK" not in told.out
    assert json.loads((tmp_path / "out.json").read_text())["pck_at_tenth_torso"] is None


def test_in_python(folder: Path) -> None:
    animator = load("magic-animate", weights=folder / "weights", settings={"steps": 1, "canvas": (64, 64), "seed": 3})
    clip = animato.animate(folder / "picture.png", folder / "parts.mp4", system=animator, size=(64, 96))
    assert (clip.size, clip.length, clip.fps) == ((64, 96), 5, 25)
    frames = np.stack(list(clip))
    assert frames.shape == (5, 96, 64, 3) and frames.std() > 0


def test_other_systems_refuse_it(folder: Path) -> None:
    with pytest.raises(InputError, match="DensePose video, which only magic-animate can follow"):
        animato.animate(folder / "picture.png", folder / "parts.mp4", system="puppet")


def test_settings_are_the_published_ones_of_the_system(folder: Path) -> None:
    tuned = load("magic-animate", weights=folder / "weights", settings={"guidance": 2.0})
    assert (tuned.settings.steps, tuned.settings.guidance, tuned.settings.noise_period) == (25, 2.0, 16)


def test_without_weights_it_is_the_preview_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANIMATO_CACHE", str(tmp_path))
    tuned = load("magic-animate")
    assert tuned.name == "magic-animate" and tuned.settings.steps == 1
    assert "preview model of MagicAnimate" in tuned.notes[0] and "animato fetch magic-animate" in tuned.notes[0]
