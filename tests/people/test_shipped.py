"""The shipped files are what the code makes, small, and fit to be used."""

from pathlib import Path

import numpy as np
import pytest

from animato.core.picture import read_picture
from animato.people.shipped import (
    ASSETS,
    background_path,
    character_path,
    characters,
    make_background,
    make_character,
    make_motion,
    motion_path,
    motions,
)
from animato.pose.io import load_poses
from animato.pose.keypoints import LEFT_HAND, RIGHT_HAND


def test_the_folder_holds_the_shipped_files_and_no_others() -> None:
    assert {path.name for path in (ASSETS / "characters").iterdir()} == {f"{name}.png" for name in characters()}
    assert {path.name for path in (ASSETS / "backgrounds").iterdir()} == {f"{name}.png" for name in characters()}
    assert {path.name for path in (ASSETS / "motions").iterdir()} == {f"{name}.json" for name in motions()}
    assert len(characters()) >= 4 and len(motions()) >= 6


def test_unknown_names_have_no_path() -> None:
    assert character_path("nobody") is None and background_path("nobody") is None and motion_path("../shipped") is None


def test_files_are_small() -> None:
    assert max(_path(character_path(name)).stat().st_size for name in characters()) < 400_000
    assert sum(_path(motion_path(name)).stat().st_size for name in motions()) < 2_500_000


def _path(path: Path | None) -> Path:
    assert path is not None
    return path


def test_a_shipped_character_is_what_the_code_makes() -> None:
    shipped = read_picture(_path(character_path("ines")))
    assert np.abs(shipped.astype(int) - make_character("ines")).max() <= 2


@pytest.mark.parametrize("name", characters())
def test_a_shipped_background_is_the_picture_without_the_character(name: str) -> None:
    picture, behind = read_picture(_path(character_path(name))).astype(int), read_picture(_path(background_path(name))).astype(int)
    assert np.abs(behind - make_background(name)).max() <= 2
    assert np.abs(picture - behind)[:, [0, 1, -2, -1]].max() <= 1
    assert 0.15 < (np.abs(picture - behind).max(axis=2) > 1).mean() < 0.4


def test_a_shipped_motion_is_what_the_code_makes() -> None:
    shipped, made = load_poses(_path(motion_path("kick"))), make_motion("kick")
    assert (shipped.size, shipped.fps, len(shipped)) == (made.size, made.fps, len(made))
    seen = (made.score > 0) & (shipped.score > 0)
    assert np.abs(shipped.points - made.points)[seen].max() < 0.2
    assert (shipped.score == made.score).mean() > 0.999


@pytest.mark.parametrize("name", motions())
def test_a_shipped_motion_is_whole_and_loops(name: str) -> None:
    poses = load_poses(_path(motion_path(name)))
    assert poses.people == 1 and 72 <= len(poses) <= 120 and poses.fps == 24
    body = poses.points[:, 0, :14, :2]
    assert (poses.score[:, 0, 1:14] >= 0.5).all() and (body >= 0).all() and (body < poses.size).all()
    hands = np.r_[LEFT_HAND, RIGHT_HAND]
    assert (poses.score[:, 0, hands] > 0).all()
    steps = np.linalg.norm(np.diff(body[:, 1:], axis=0), axis=-1).max(axis=1)
    assert np.linalg.norm(body[0, 1:] - body[-1, 1:], axis=-1).max() <= 1.1 * steps.max()
