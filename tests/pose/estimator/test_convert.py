"""From the networks' joints to the 134 keypoints."""

from __future__ import annotations

import numpy as np
import pytest

from animato.pose.estimator.convert import OURS, keypoints_of
from animato.pose.estimator.face import SUBSET, Face
from animato.pose.estimator.hands import Hand
from animato.pose.estimator.region import Region
from animato.pose.estimator.whole import Whole
from animato.pose.keypoints import FACE, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point
from seen import body

REGION = Region(0.0, 0.0, 1.0)
TRUNK = {11: (140.0, 100.0), 12: (60.0, 100.0), 23: (130.0, 220.0), 24: (70.0, 220.0)}


def trunk_world() -> np.ndarray:
    """The trunk of TRUNK at 100 pixels a metre."""
    world = np.zeros((33, 3))
    for joint, (x, y) in TRUNK.items():
        world[joint, :2] = (x - 100) / 100, (y - 220) / 100
    return world


def test_joints_go_where_they_belong_left_and_right() -> None:
    points, score = keypoints_of(Whole(body(TRUNK | {15: (180.0, 210.0), 32: (60.0, 400.0), 8: (80.0, 40.0)}, trunk_world())))
    assert tuple(points[Point.L_SHOULDER, :2]) == TRUNK[11] and tuple(points[Point.R_HIP, :2]) == TRUNK[24]
    assert tuple(points[Point.L_WRIST, :2]) == tuple(points[LEFT_HAND.start, :2]) == (180.0, 210.0)
    assert tuple(points[Point.R_BIG_TOE, :2]) == tuple(points[Point.R_SMALL_TOE, :2]) == (60.0, 400.0)
    assert tuple(points[Point.R_EAR, :2]) == (80.0, 40.0)
    assert score[Point.L_WRIST] == 0.9 and score[FACE].max() == 0.0
    assert len(set(OURS)) == len(OURS) == 23 + 8  # every body and foot point but the neck, and four of each hand


def test_the_neck_is_between_the_shoulders_and_as_sure_as_the_less_sure_one() -> None:
    seen = body(TRUNK, trunk_world())
    seen.score[12] = 0.2
    points, score = keypoints_of(Whole(seen))
    np.testing.assert_allclose(points[Point.NECK, :2], [100, 100])
    assert score[Point.NECK] == 0.2


def test_z_is_the_worlds_in_pixels() -> None:
    world = trunk_world()
    world[15, 2] = -0.5
    points, _ = keypoints_of(Whole(body(TRUNK, world)))
    assert points[Point.L_WRIST, 2] == pytest.approx(-50.0)
    doubled, _ = keypoints_of(Whole(body({joint: (2 * x, 2 * y) for joint, (x, y) in TRUNK.items()}, world)))
    assert doubled[Point.L_WRIST, 2] == pytest.approx(-100.0)


def test_hands_and_face_start_at_the_bodys_depth_and_replace_its_knuckles() -> None:
    world = trunk_world()
    world[16, 2], world[0, 2] = -0.3, -0.2
    hand = Hand(np.arange(63.0).reshape(21, 3), 0.8, 0.9, REGION)
    face = Face(np.ones((len(SUBSET), 3)), 0.7, REGION)
    points, score = keypoints_of(Whole(body(TRUNK, world), right=hand, face=face))
    np.testing.assert_allclose(points[RIGHT_HAND] - hand.points, [[0, 0, -30]] * 21)
    np.testing.assert_allclose(points[FACE, 2], 1 - 20)
    assert (score[RIGHT_HAND] == 0.8).all() and (score[FACE] == 0.7).all()
    np.testing.assert_allclose(points[Point.R_WRIST], (points[RIGHT_HAND.start] + [0, 0, -30]) / 2)
    assert tuple(points[Point.L_WRIST]) == tuple(points[LEFT_HAND.start])
    known = [k for k in range(LEFT_HAND.start, LEFT_HAND.stop) if score[k] > 0]
    assert known == [LEFT_HAND.start + k for k in (0, 2, 5, 17)]
    assert points.shape == (KEYPOINTS, 3)


@pytest.mark.parametrize(("nose_behind_ears", "expected"), [(-0.1, 0.9), (0.0, 0.9), (0.03, 0.45), (0.1, 0.0)])
def test_a_head_from_behind_shows_no_eyes_and_nose(nose_behind_ears: float, expected: float) -> None:
    world = trunk_world()
    world[0, 2] = nose_behind_ears
    _, score = keypoints_of(Whole(body(TRUNK, world)))
    np.testing.assert_allclose(score[[Point.NOSE, Point.L_EYE, Point.R_EYE]], expected, atol=1e-9)
    assert score[Point.L_EAR] == 0.9
