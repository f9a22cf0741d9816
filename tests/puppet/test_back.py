"""The head from behind."""

import numpy as np
import pytest

from animato.pose.keypoints import FACE, Point
from animato.puppet.back import face_region, seen_from_behind
from puppet_figure import HAIR, HEIGHT, SKIN, STANDING, WIDTH, draw, pose_of


def texture():
    picture, mask = draw((230, 230, 235))
    return np.dstack([picture, mask])


def with_face(pose):
    """The 68 points of a face of the drawn size: chin 8 below, brows 17..26 above the nose."""
    turn = np.linspace(np.pi, 0, 17)
    points = np.zeros((68, 2))
    points[:17] = np.column_stack([96 + 10 * np.cos(turn), 50 + 13 * np.sin(turn)])
    points[17:27] = np.column_stack([np.linspace(88, 104, 10), np.full(10, 43)])
    points[27:] = (96, 50)
    pose.points[0, 0, FACE, :2], pose.score[0, 0, FACE] = points, 1.0
    return pose


@pytest.mark.parametrize("pose", [pose_of(), with_face(pose_of())])
def test_the_face_is_covered_with_hair(pose):
    front = texture()
    back = seen_from_behind(front, pose)
    face = (np.hypot((np.arange(WIDTH) - 96) / 9, (np.arange(HEIGHT)[:, None] - 49) / 12) < 1) & (front[..., :3] == SKIN).all(axis=2)
    assert face.sum() > 200
    assert np.abs(back[face][:, :3].astype(int) - HAIR).max(axis=1).mean() < 30


def test_nothing_but_the_head_changes():
    front = texture()
    back = seen_from_behind(front, pose_of())
    assert np.array_equal(back[80:], front[80:])
    assert np.array_equal(back[..., 3], front[..., 3])


def test_a_face_that_was_not_seen_needs_no_back():
    pose = pose_of({point: place for point, place in STANDING.items() if point != Point.NOSE})
    assert seen_from_behind(texture(), pose) is None
    assert face_region(pose, (HEIGHT, WIDTH)) is None


def test_a_face_without_anything_around_it_stays():
    bald = texture()
    bald[:44, :, 3] = 0
    assert seen_from_behind(bald, with_face(pose_of())) is None
