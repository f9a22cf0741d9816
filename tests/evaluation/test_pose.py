"""PCK against counts done by hand."""

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.evaluation.pose import LIMBS, correct, distances, inside, pck
from animato.pose.keypoints import KEYPOINTS, Point, PoseSequence

T = 60.0  # max of a torso of 60 and 1.2 shoulder widths of 40


def _truth(frames: int = 2) -> PoseSequence:
    points = np.random.default_rng(0).uniform(20, 180, (frames, 1, KEYPOINTS, 3))
    for name, point in (
        ("NECK", (100, 50, 0)),
        ("R_HIP", (90, 110, 0)),
        ("L_HIP", (110, 110, 0)),
        ("R_SHOULDER", (80, 50, 0)),
        ("L_SHOULDER", (120, 50, 0)),
    ):
        points[:, 0, Point[name]] = point
    return PoseSequence(points, np.ones((frames, 1, KEYPOINTS)), (200, 200), 10.0)


def _moved(truth: PoseSequence, moves: dict[Point, tuple[float, float]]) -> PoseSequence:
    points = truth.points.copy()
    for point, by in moves.items():
        points[:, 0, point, :2] += by
    return PoseSequence(points, truth.score, truth.size, truth.fps)


def test_distances_are_in_torso_lengths_of_the_truth() -> None:
    apart = distances(_moved(_truth(), {Point.NOSE: (3, 4)}), _truth())
    assert apart[:, Point.NOSE] == pytest.approx(5 / T)
    assert apart[:, Point.NECK] == pytest.approx(0)


def test_the_torso_is_measured_in_depth_too() -> None:
    truth = _truth(1)
    truth.points[0, 0, [Point.R_HIP, Point.L_HIP], 2] = 80.0  # leaning: 60 high, 80 deep
    assert distances(_moved(truth, {Point.NOSE: (10, 0)}), truth)[0, Point.NOSE] == pytest.approx(10 / 100)


def test_pck_counts_the_joints_within_a_tenth() -> None:
    pose = _moved(_truth(), {Point.R_WRIST: (5.9, 0), Point.L_WRIST: (6.1, 0), Point.L_KNEE: (0, 40)})
    result = correct(pose, _truth())
    assert result.fraction == pytest.approx(12 / 14) and result.count == 28 and len(LIMBS) == 14
    assert result.by_joint[Point.R_WRIST] == 1 and result.by_joint[Point.L_WRIST] == 0
    assert pck(pose, _truth(), alpha=0.2) == pytest.approx(13 / 14)


def test_a_joint_the_truth_has_and_the_pose_has_not_is_wrong() -> None:
    truth = _truth(1)
    score = np.ones((1, 1, KEYPOINTS))
    score[0, 0, Point.R_ELBOW] = 0.1
    assert pck(PoseSequence(truth.points, score, truth.size), truth) == pytest.approx(13 / 14)


def test_a_joint_the_truth_has_not_does_not_count() -> None:
    truth = _truth(1)
    truth.score[0, 0, Point.R_ELBOW] = 0.0
    result = correct(_moved(truth, {Point.R_ELBOW: (99, 0)}), truth)
    assert result.fraction == 1 and result.count == 13 and np.isnan(result.by_joint[Point.R_ELBOW])


def test_a_mask_says_which_joints_count() -> None:
    truth = _moved(_truth(1), {Point.R_WRIST: (900, 0)})
    pose = _moved(truth, {Point.R_WRIST: (50, 0)})
    assert pck(pose, truth) == pytest.approx(13 / 14)
    assert pck(pose, truth, counts=inside(truth)) == 1
    assert not inside(truth)[0, Point.R_WRIST] and inside(truth, 40)[0, Point.NECK] and not inside(truth, 60)[0, Point.NECK]
    assert np.isnan(pck(pose, truth, counts=np.zeros((1, KEYPOINTS), bool)))
    with pytest.raises(InputError, match="must have the shape"):
        pck(pose, truth, counts=np.ones((2, KEYPOINTS), bool))


def test_sequences_that_do_not_match_are_refused() -> None:
    with pytest.raises(InputError, match="2 and 1 frames"):
        pck(_truth(2), _truth(1))
    with pytest.raises(InputError, match="scale one"):
        pck(_truth(1).scaled((100, 100)), _truth(1))
