"""The gusset between the thighs: how far it reaches, and that no wedge opens where the legs part."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from animato.pose.keypoints import Point
from animato.pose.skeleton import skeleton
from animato.puppet.bones import bones_of
from animato.puppet.figure import Figure, measure
from animato.puppet.gusset import GAP, LONGEST, gusset
from animato.puppet.prepare import take_apart
from animato.puppet.stage import perform
from puppet_figure import HEIGHT, STANDING, TROUSERS, WIDTH, draw, pose_of

WALL = (228, 232, 235)
UNIT = 76.0
APART = STANDING | {Point.L_KNEE: (140, 206), Point.L_ANKLE: (150, 256), Point.R_KNEE: (52, 206), Point.R_ANKLE: (42, 256)}


def figure_with(gap_from: float, wide: float) -> Figure:
    """The drawn person as a block from the waist down, with a gap `wide` pixels between the legs from a share of the thigh on."""
    picture, mask = draw(WALL)
    hip, knee = STANDING[Point.L_HIP][1], STANDING[Point.L_KNEE][1]
    mask[hip - 10 :, 70:122] = 255
    from_row = round(hip + gap_from * (knee - hip))
    mask[from_row:, round(96 - wide / 2) : round(96 + wide / 2)] = 0
    joints = skeleton(pose_of())
    return measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], UNIT, bones_of(joints, (HEIGHT, WIDTH)), {})


@pytest.mark.parametrize(("gap_from", "reach"), [(0.1, 0.1), (0.2, 0.2), (0.8, LONGEST)])
def test_it_ends_at_the_first_gap_or_at_its_longest(gap_from: float, reach: float) -> None:
    rows = np.flatnonzero(gusset(figure_with(gap_from, 10)).any(axis=1))
    hip, knee = STANDING[Point.L_HIP][1], STANDING[Point.L_KNEE][1]
    assert abs(rows[-1] - (hip + reach * (knee - hip))) <= 2


def test_a_narrow_gap_is_none() -> None:
    narrow = gusset(figure_with(0.1, GAP * UNIT - 1))
    assert narrow.sum() > gusset(figure_with(0.1, 3 * GAP * UNIT)).sum()


def test_no_wedge_opens_between_parted_legs() -> None:
    """Legs that touch down to the knees, then spread: right under the trunk stays cloth."""
    picture, mask = draw(WALL)
    picture[150:190, 76:116] = TROUSERS
    mask[150:190, 76:116] = 255
    parts = take_apart(picture, pose_of(mask=mask))
    frame, _ = next(perform(parts, skeleton(pose_of(APART))))
    under = frame[158:164, 92:101].reshape(-1, 3).astype(int)
    assert np.abs(under - TROUSERS).max(axis=1).max() < 40
    assert cv2.norm(frame[230, 96].astype(int) - np.array(WALL), cv2.NORM_INF) < 12  # farther down the wall shows between the legs
