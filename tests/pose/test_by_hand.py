"""The pose of a picture by hand: scaled, checked against the picture, and hands that were left behind."""

from dataclasses import replace

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.by_hand import pose_by_hand, spoken
from animato.pose.io import save_poses
from animato.pose.keypoints import FACE, LEFT_HAND, Point, PoseSequence
from puppet_figure import HEIGHT, STANDING, WIDTH, pose_of

SIZE = (WIDTH, HEIGHT)


def standing(**moved: tuple[float, float]) -> PoseSequence:
    pose = pose_of(STANDING)
    for name, place in moved.items():
        pose.points[0, 0, Point[name.upper()], :2] = place
        pose.score[0, 0, Point[name.upper()]] = 1
    return pose


def test_a_file_for_a_larger_copy_is_scaled(tmp_path):
    large = standing().scaled((3 * WIDTH, 3 * HEIGHT))
    pose = pose_by_hand(save_poses(large, tmp_path / "large.json"), SIZE)
    seen = standing().score > 0
    assert pose.size == SIZE and np.abs(pose.points - standing().points)[seen].max() < 0.01


def test_openposes_own_file_counts_in_the_pictures_pixels(tmp_path):
    folder = save_poses(standing(), tmp_path / "openpose")
    pose = pose_by_hand(next(folder.iterdir()), SIZE)
    assert pose.size == SIZE and np.allclose(pose.points[0, 0, :18, :2], standing().points[0, 0, :18, :2], atol=0.01)


def test_of_several_people_the_largest():
    small = standing().scaled((WIDTH // 2, HEIGHT // 2))
    both = [np.concatenate([getattr(small, name), getattr(standing(), name)], axis=1) for name in ("points", "score")]
    pose = pose_by_hand(PoseSequence(*both, SIZE), SIZE)
    assert pose.people == 1 and np.array_equal(pose.points[0, 0, Point.L_KNEE], standing().points[0, 0, Point.L_KNEE])


@pytest.mark.parametrize(
    "pose, says",
    [
        (standing().scaled((WIDTH, WIDTH)), "is of a picture of"),
        (standing().held(2), "has 3 frames"),
        (PoseSequence.nobody(1, SIZE), "holds nobody"),
        (standing(l_shoulder=(-4, 80)), r"outside the picture of \d+x\d+ pixels \(left shoulder\)"),
        (standing(r_wrist=(30, 3 * HEIGHT)), r"outside.*\(right wrist\)"),
        (replace(standing(), points=standing().points + [0, HEIGHT * 0.7, 0]), r"outside.*and \d+ more"),
    ],
)
def test_poses_of_something_else_are_refused(pose, says):
    with pytest.raises(InputError, match=says):
        pose_by_hand(pose, SIZE)


def test_legs_that_the_edge_cuts_off_may_lie_below_it():
    below = standing(l_ankle=(100, HEIGHT + 20), r_ankle=(80, HEIGHT + 20))
    assert pose_by_hand(below, SIZE).points[0, 0, Point.L_ANKLE, 1] == HEIGHT + 20


def test_a_hand_left_behind_is_dropped_and_a_face_goes_along():
    pose = standing()
    pose.points[0, 0, LEFT_HAND, :2] = pose.points[0, 0, Point.L_WRIST, :2]
    pose.points[0, 0, FACE, :2] = pose.points[0, 0, Point.NOSE, :2]
    pose.score[0, 0, [*range(LEFT_HAND.start, LEFT_HAND.stop), *range(FACE.start, FACE.stop)]] = 1
    same = pose_by_hand(pose, SIZE)
    assert np.array_equal(same.score, pose.score) and np.array_equal(same.points, pose.points)
    pose.points[0, 0, [Point.L_WRIST, Point.NOSE], :2] += [0, -40]
    moved = pose_by_hand(pose, SIZE)
    assert not moved.score[0, 0, LEFT_HAND].any() and moved.score[0, 0, Point.L_WRIST] == 1
    assert np.allclose(moved.points[0, 0, FACE, :2], moved.points[0, 0, Point.NOSE, :2])


def test_joints_have_names():
    assert [spoken(point) for point in (Point.L_WRIST, Point.NOSE, Point.R_BIG_TOE)] == ["left wrist", "nose", "right big toe"]
