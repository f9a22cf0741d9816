"""Directions of bones: properties of the turns that a body's surface is hung on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animato.pose.keypoints import KEYPOINTS, Point, PoseSequence
from animato.pose.limbs import body
from animato.pose.surface.skull import LANDMARKS, POINTS, nearest_rotation, skull
from animato.pose.surface.stance import across, axes, carried, hinged, pixels_per_metre, stance, unit
from dancers import dancer

directions = st.tuples(*[st.floats(-1, 1)] * 3).map(np.array).filter(lambda v: np.linalg.norm(v) > 0.2).map(unit)


def turn_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The shortest rotation from one unit vector to another (Rodrigues), written out."""
    axis, cos = np.cross(start, end), float(start @ end)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + cos)


@given(directions, directions, directions)
def test_a_side_is_carried_by_the_shortest_turn(start: np.ndarray, end: np.ndarray, other: np.ndarray) -> None:
    side = across(other, start)
    if start @ end < -0.85 or np.linalg.norm(np.cross(other, start)) < 0.05:
        return
    np.testing.assert_allclose(carried(side, start, end), turn_between(start, end) @ side, atol=1e-9)


@given(directions, directions)
def test_axes_are_right_angled_and_the_front_is_towards_the_camera(left: np.ndarray, up: np.ndarray) -> None:
    if np.linalg.norm(np.cross(left, up)) < 0.05:
        return
    made = axes(left, up)
    np.testing.assert_allclose(made @ made.T, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(axes(np.array([1.0, 0, 0]), np.array([0, -1.0, 0]))[2], [0, 0, -1], atol=1e-12)


def test_a_bent_limb_turns_with_its_hinge_and_noise_does_not_turn_it() -> None:
    side, bone = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    hinge = unit(np.array([1.0, 0, 1.0]))
    np.testing.assert_allclose(hinged(side, hinge, bone), hinge, atol=1e-9)
    np.testing.assert_allclose(hinged(side, 0.1 * hinge, bone), side)
    np.testing.assert_allclose(hinged(side, -side, bone), side)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_nearest_rotation_is_found_again(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn = nearest_rotation(rng.normal(size=(1, 3, 3)))[0]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(nearest_rotation((turn * [1.3, 1.3, 1.3])[None])[0], turn, atol=1e-9)
    flipped = nearest_rotation(-turn[None])[0]
    assert np.linalg.det(flipped) == pytest.approx(1)


@pytest.mark.parametrize("missing", [[], [Point.L_EAR], [Point.NOSE, Point.R_EYE]])
def test_a_head_is_found_from_what_is_seen_of_it(missing: list[Point]) -> None:
    turn = nearest_rotation(np.random.default_rng(3).normal(size=(1, 3, 3)) + 2 * np.eye(3))[0]
    centre, points = np.array([40.0, 30.0, -5.0]), np.zeros((1, 1, KEYPOINTS, 3))
    points[0, 0, POINTS] = centre + 1.2 * 100 * LANDMARKS @ turn
    points[0, 0, Point.NECK] = centre + [0, 25, 0]
    score = np.zeros((1, 1, KEYPOINTS))
    score[0, 0, [*POINTS, Point.NECK]] = 1
    score[0, 0, missing] = 0
    found, axes_, size = skull(body(PoseSequence(points, score, (80, 80))), turn[None], centre[None], np.array([100.0]))
    assert size == pytest.approx(1.2, rel=0.02)
    np.testing.assert_allclose(found[0], centre, atol=0.5)
    np.testing.assert_allclose(axes_[0], turn, atol=0.02)


def test_the_scale_is_steady_and_follows_the_size() -> None:
    small, large = (pixels_per_metre(body(dancer(1, height=height))) for height in (300.0, 600.0))
    np.testing.assert_allclose(large / small, 2, rtol=1e-6)
    assert np.ptp(large) < 0.2 * large.mean()


def test_limbs_that_were_never_seen_are_left_out() -> None:
    motion = dancer(2)
    motion.score[:, :, [Point.L_ELBOW, Point.L_WRIST, Point.R_ANKLE]] = 0
    standing = stance(body(motion))
    assert set(standing.arms) == {"R"} == set(standing.hands) and set(standing.legs) == {"L", "R"}
    hip, knee, ankle = standing.legs["R"].joints.swapaxes(0, 1)
    np.testing.assert_allclose(unit(ankle - knee), unit(knee - hip), atol=1e-9)


@pytest.mark.parametrize(("s", "inwards"), [("L", -1.0), ("R", 1.0)])
def test_the_outside_of_an_arm_laid_across_the_belly_faces_the_camera(s: str, inwards: float) -> None:
    motion = dancer(3, frames=1, still=True)
    shoulder = motion.points[0, 0, Point[f"{s}_SHOULDER"]]
    motion.points[0, 0, Point[f"{s}_ELBOW"]] = shoulder + [0, 90, 0]
    motion.points[0, 0, Point[f"{s}_WRIST"]] = shoulder + [inwards * 80, 90, 0]
    assert stance(body(motion)).arms[s].side[0, 0, 2] < -0.9


def test_the_scale_does_not_follow_noise_from_frame_to_frame() -> None:
    motion = dancer(1, frames=60, still=True)
    motion.points[...] *= np.where(np.arange(60) % 2, 1.1, 0.9)[:, None, None, None]
    scale = pixels_per_metre(body(motion))
    assert np.abs(np.diff(scale)).max() < 0.02 * scale.mean()
