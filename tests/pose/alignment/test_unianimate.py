"""UniAnimate's alignment: against its steps written out one by one, and where the published code has no answer."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animato.core.errors import InputError
from animato.pose.alignment import unianimate
from animato.pose.alignment.align import align, published
from animato.pose.keypoints import FACE, LEFT_HAND, RIGHT_HAND, Point, PoseSequence
from dancers import SIZE, dancer

R_HAND, L_HAND, R_FOOT, L_FOOT = range(113, 134), range(92, 113), range(21, 24), range(18, 21)
STEPS = (  # parent, child, and all that moves with the child
    (1, 0, [0, 14, 15, 16, 17]),
    (1, 2, [2, 3, 4, *R_HAND]),
    (1, 5, [5, 6, 7, *L_HAND]),
    (2, 3, [3, 4, *R_HAND]),
    (3, 4, [4, *R_HAND]),
    (5, 6, [6, 7, *L_HAND]),
    (6, 7, [7, *L_HAND]),
    (0, 14, [14, 16]),
    (0, 15, [15, 17]),
    (14, 16, [16]),
    (15, 17, [17]),
    (8, 9, [9, 10, *R_FOOT]),
    (9, 10, [10, *R_FOOT]),
    (11, 12, [12, 13, *L_FOOT]),
    (12, 13, [13, *L_FOOT]),
)


def stepped(reference: PoseSequence, motion: PoseSequence) -> np.ndarray:  # F K 2
    """The published steps, one after the other, in shares of width and height."""
    ours, theirs = (pose.points[:, 0, :, :2] / pose.size for pose in (reference, motion))
    x = (ours[0, 5] - ours[0, 2])[0] / (theirs[0, 5] - theirs[0, 2])[0]
    y = ((ours[0, 8] + ours[0, 11]) - (ours[0, 2] + ours[0, 5]))[1] / ((theirs[0, 8] + theirs[0, 11]) - (theirs[0, 2] + theirs[0, 5]))[1]
    points = theirs * (x, y)
    for parent, child, moving in STEPS:
        ratio = np.linalg.norm(ours[0, parent] - ours[0, child]) / np.linalg.norm(points[0, parent] - points[0, child])
        shift = (points[:, parent] - points[:, child]) * (1 - ratio)
        points[:, moving] += shift[:, None]
    return (points + ours[0, 1] - points[0, 1]) * reference.size


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(200, 600), st.tuples(st.integers(300, 1500), st.integers(300, 1500)))
def test_against_the_published_steps_written_out(seed: int, height: float, size: tuple[int, int]) -> None:
    reference, motion = replace(dancer(seed, 1, height, still=True), size=size), dancer(seed + 1)
    aligned = align(reference, motion, published(unianimate.NAME, unianimate.align))
    np.testing.assert_allclose(aligned.pose.points[:, 0, :, :2], stepped(reference, motion), atol=1e-6)
    assert aligned.pose.size == size and np.array_equal(aligned.pose.score, motion.score)


def hidden(pose: PoseSequence, points: list[int], frames: slice = slice(None)) -> PoseSequence:
    hidden = replace(pose, points=pose.points.copy(), score=pose.score.copy())
    hidden.score[frames, :, points], hidden.points[frames, :, points] = 0, 1e6
    return hidden


def test_a_motion_stays_on_its_own_body() -> None:
    motion = dancer(2)
    pose, ratios = unianimate.align(motion.frames(slice(1)), motion)
    np.testing.assert_allclose(pose.points[:, 0, :, :2], motion.points[:, 0, :, :2], atol=1e-9)
    np.testing.assert_allclose(list(ratios.values()), 1)


def test_the_first_frame_with_a_neck_measures() -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2)
    late = hidden(motion, [Point.NECK], slice(0, 2))
    assert unianimate.align(reference, late)[1] == unianimate.align(reference, motion, frame=2)[1]
    for pair in ((reference, hidden(motion, [Point.NECK])), (hidden(reference, [Point.NECK]), motion)):
        with pytest.raises(InputError, match="both shoulders"):
            unianimate.align(*pair)


def test_points_that_were_not_seen_enter_no_ratio_and_stay_nowhere() -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2)
    whole, all_ratios = unianimate.align(reference, motion)
    pose, ratios = unianimate.align(reference, hidden(motion, [Point.L_ELBOW]))
    assert ratios == all_ratios | {"l_upper_arm": 1, "l_forearm": 1}
    same = [*range(6), *range(8, 92), *range(RIGHT_HAND.start, RIGHT_HAND.stop)]
    np.testing.assert_allclose(pose.points[:, 0, same], whole.points[:, 0, same], atol=1e-9)
    assert (pose.points[:, 0, Point.L_ELBOW] == 0).all() and np.abs(pose.points[:, 0, LEFT_HAND]).max() < 3000


@pytest.mark.parametrize("way", ["a shoulder hidden", "seen from the side", "hips hidden"])
def test_a_ratio_that_cannot_be_measured_keeps_the_shape(way: str) -> None:
    """In pixels the figure is as much wider as it is higher."""
    reference, motion = replace(dancer(3, 1, 400, still=True), size=(SIZE[0], 900)), dancer(2)
    if way == "a shoulder hidden":
        reference = hidden(reference, [Point.L_SHOULDER])
    elif way == "seen from the side":
        motion.points[:, :, Point.L_SHOULDER, 0] = motion.points[:, :, Point.R_SHOULDER, 0]
    else:
        motion = hidden(motion, [Point.L_HIP, Point.R_HIP])
    ratios = unianimate.align(reference, motion)[1]
    assert np.isfinite(list(ratios.values())).all()
    assert abs(ratios["width"]) == pytest.approx(abs(ratios["height"]) * 900 / SIZE[1])  # the widths of both pictures are equal


def test_somebody_seen_from_behind_is_mirrored_as_published() -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2)
    turned = replace(motion, points=motion.points * (-1, 1, 1) + (SIZE[0], 0, 0))
    pose, ratios = unianimate.align(reference, turned)
    assert ratios["width"] < 0
    np.testing.assert_allclose(pose.points[:, 0], unianimate.align(reference, motion)[0].points[:, 0], atol=1e-6)


def test_the_face_keeps_its_shape() -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2)
    pose, ratios = unianimate.align(reference, motion)
    before, after = (np.ptp(one.points[0, 0, FACE, :2], axis=0) / one.size for one in (motion, pose))
    np.testing.assert_allclose(after / before, (abs(ratios["width"]), abs(ratios["height"])))
