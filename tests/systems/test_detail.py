"""Detail that a small network never saw comes along from where the network fetched."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from animato.evaluation.frames import psnr
from animato.systems.detail import Source, detailed, enlarged

SIDE, SMALL = 128, 32
BOX = (0.0, 0.0, float(SIDE), float(SIDE))


def picture() -> np.ndarray:  # SIDE SIDE 3
    """Stripes that are too fine for the small canvas, on a slope of colour that is not."""
    x = np.arange(SIDE)
    row = 100 + 0.4 * x + 20 * (x // 2 % 2)
    return np.repeat(np.repeat(row[None, :, None], SIDE, 0), 3, 2).astype(np.uint8)


def fetched_from(shift: int, share: float = 1.0, variance: float = 0.0) -> Source:
    """Every place was fetched from so many pixels farther right."""
    place = (np.mgrid[:SMALL, :SMALL][::-1] + 0.5) / SMALL
    place[0] += shift / SIDE
    return Source(place.astype(np.float32), np.full((SMALL, SMALL), variance, np.float32), np.full((SMALL, SMALL), share, np.float32))


def result(source: Source, frame: np.ndarray) -> np.ndarray:
    canvas = cv2.resize(picture(), (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    (made,) = detailed([frame], [source], picture(), canvas, BOX)
    return made


def test_what_stays_is_as_sharp_as_the_picture() -> None:
    canvas = cv2.resize(picture(), (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    assert np.abs(result(fetched_from(40, share=0), canvas).astype(int) - picture()).max() <= 1


def test_what_was_fetched_brings_its_detail() -> None:
    moved = np.roll(picture(), -16, axis=1)
    frame = cv2.resize(moved, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    inner = slice(8, -24)
    with_detail, without = (result(fetched_from(16, variance=v), frame)[:, inner] for v in (0, 1))
    assert psnr(with_detail, moved[:, inner]) > psnr(without, moved[:, inner]) + 15
    np.testing.assert_array_equal(without, enlarged(frame.astype(np.float32), BOX, (SIDE, SIDE)).round().astype(np.uint8)[:, inner])


def test_detail_of_another_colour_is_left_out() -> None:
    """A frame that shows something else than the place its detail would come from gets none: old outlines do not stay behind."""
    canvas = cv2.resize(picture(), (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    other = canvas - 60
    plain = enlarged(other.astype(np.float32), BOX, (SIDE, SIDE)).round().clip(0, 255)
    for source in (fetched_from(0, share=0), fetched_from(0, share=1)):
        assert np.abs(result(source, other) - plain).mean() < 1


def test_enlarging_undoes_the_cut() -> None:
    """A small frame comes to lie on the box it was cut from."""
    small = np.zeros((8, 8, 3), np.uint8)
    small[2:4, 3:5] = 255  # rows 20 to 40 and columns 30 to 50 of an 80 x 80 box that begins 20 to the left of the picture
    large = enlarged(small, (-20.0, 0.0, 80.0, 80.0), (40, 80))[..., 0].astype(float)
    rows, columns = np.mgrid[:80, :40] + 0.5
    assert (rows * large).sum() / large.sum() == pytest.approx(30, abs=0.3)
    assert (columns * large).sum() / large.sum() == pytest.approx(20, abs=0.3)
