"""Small real files for the command-line tests, made once from a shipped character and motion."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from animato.core.media import Clip, write_clip
from animato.core.picture import read_picture
from animato.people.shipped import character_path
from material import Material, make_material


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return make_material(tmp_path_factory.mktemp("material"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A result that is already there: bad input must leave it as it is."""
    target = tmp_path / "result.mp4"
    target.write_bytes(b"an older result")
    return target


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of two people: a small and darkened one at the left, a larger one at the right."""
    path = character_path("ines")
    assert path is not None
    person = cv2.resize(read_picture(path), (320, 480), interpolation=cv2.INTER_AREA)
    frame = np.full((480, 560, 3), 228, np.uint8)
    frame[120:, :240] = cv2.resize(person, (240, 360), interpolation=cv2.INTER_AREA) // 10 * 8
    frame[:, 240:] = person
    return write_clip(Clip.still(frame, 2, 12), tmp_path_factory.mktemp("company") / "company.mp4")
