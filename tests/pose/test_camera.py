"""A pan is taken out where it moves a standing person; a camera that stands, follows or sees nothing changes nothing."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from animato.pose.camera import steadied, watched
from animato.pose.keypoints import Point, PoseSequence
from dancers import dancer

SIZE = (240, 320)
FRAMES = 24


def room(width: int = 700, height: int = 400) -> np.ndarray:
    """A wall with marks, H W 3."""
    noise = np.random.default_rng(0).normal(0, 1, (height, width)).astype(np.float32)
    marks = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.repeat(np.clip(128 + 400 * marks, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def person(way: np.ndarray) -> PoseSequence:
    """Somebody 200 px high whose place in the picture is given for each frame, F 2."""
    one = dancer(3, FRAMES, 200, still=True)
    points = one.points - one.points[:1, :1, [Point.NECK]] + [120, 100, 0]
    points[..., :2] += way[:, None, None]
    return PoseSequence(points, one.score, SIZE, 24.0)


def filmed(left: np.ndarray, poses: PoseSequence, wall: np.ndarray) -> list[np.ndarray]:
    """What a camera sees whose left edge is there in each frame: the wall and, before it, somebody as a grey block."""
    frames = []
    for index, x in enumerate(left):
        shot = np.array([[1, 0, -x], [0, 1, -40]], float)
        frame = cv2.warpAffine(wall, shot, SIZE)
        xy = poses.points[index, 0, :, :2]
        low = np.maximum(xy.min(axis=0), 0).astype(int)
        high = np.maximum(xy.max(axis=0), 0).astype(int)
        frame[low[1] : high[1], low[0] : high[0]] = 90
        frames.append(frame)
    return frames


def along(pixels: float) -> np.ndarray:
    return pixels * np.linspace(0, 1, FRAMES) ** 2


def test_a_pan_over_somebody_who_stands_leaves_them_standing():
    pan = along(90)
    poses = person(np.stack([-pan, np.zeros(FRAMES)], axis=1))
    seen = steadied(poses, filmed(pan, poses, room()))
    moved = np.ptp(seen.points[:, 0, Point.NECK, :2], axis=0)
    assert np.ptp(poses.points[:, 0, Point.NECK, 0]) == pytest.approx(90)
    assert (moved < 3).all()


def test_a_camera_that_follows_leaves_the_walk_on_the_spot():
    poses = person(np.zeros((FRAMES, 2)))
    frames = filmed(along(200), poses, room())
    camera = watched(poses, frames)
    assert camera is not None and camera[-1, 0, 2] == pytest.approx(200, abs=4)
    assert steadied(poses, frames) is poses


def test_who_walks_before_a_camera_that_stands_walks():
    poses = person(np.stack([along(80), np.zeros(FRAMES)], axis=1))
    assert watched(poses, filmed(np.zeros(FRAMES), poses, room())) is None


def test_a_plain_wall_tells_nothing():
    poses = person(np.stack([-along(80), np.zeros(FRAMES)], axis=1))
    assert steadied(poses, filmed(along(80), poses, np.full_like(room(), 120))) is poses


def test_a_pan_in_a_larger_frame_is_measured_in_its_pixels():
    pan = along(90)
    poses = person(np.stack([-pan, np.zeros(FRAMES)], axis=1))
    large = [cv2.resize(frame, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) for frame in filmed(pan, poses, room())]
    scaled = poses.scaled((720, 960))
    seen = steadied(replace(scaled, fps=24.0), large)
    assert np.ptp(seen.points[:, 0, Point.NECK, 0]) < 9
