"""A camera that moves, told from a person who walks: by the background, whose corners are tracked outside the person.

A pan moves a standing person through the picture. Where it is taken out and the person's way becomes shorter by that, the camera made the
way. Where the way becomes longer, the camera followed somebody who walks: then nothing is changed, and they walk on the spot as shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.pose.keypoints import BODY, Point, PoseSequence
from animato.pose.limbs import SEEN

SIDE = 360  # px; frames are tracked no larger than this
CORNERS = 240
LEAST = 16  # corners that must agree
AGREE = 0.5  # of the corners tracked
MISS = 1.0  # px of the small frame
AROUND = 0.15  # of the person's height, left out around them
STILL = 0.02  # of the frame's longer side: a camera that moves no more stands
BLIND = 0.2  # of the frames: with more that tell nothing, the camera's way is not known
SHORTER = 0.8  # of the person's way, which must be left at most

_EYE = np.eye(3)


def steadied(poses: PoseSequence, frames: Iterable[np.ndarray], progress: Progress = silent) -> PoseSequence:
    """The poses as a camera that stands would have seen them; `poses` themselves where the camera stands, follows, or cannot be told.

    frames  H W 3 uint8 each, those in which the poses were seen
    """
    camera = watched(poses, frames, progress)
    if camera is None:
        return poses
    scale = np.sqrt(np.abs(np.linalg.det(camera[:, :2, :2])))
    flat = np.einsum("fij,fpkj->fpki", camera[:, :2, :2], poses.points[..., :2]) + camera[:, None, None, :2, 2]
    points = np.concatenate([flat, poses.points[..., 2:] * scale[:, None, None, None]], axis=-1)
    still = replace(poses, points=points)
    return still if _way(still) < SHORTER * _way(poses) else poses


def watched(poses: PoseSequence, frames: Iterable[np.ndarray], progress: Progress = silent) -> np.ndarray | None:
    """F 3 3: what brings the pixels of each frame onto those of the first; None where the camera stands or the background does not tell."""
    eye = _Eye()
    camera = []
    blind = 0
    for index, frame in zip(range(len(poses)), frames, strict=False):
        seen = eye.see(frame, _box(poses, index))
        blind += seen is None
        if blind > BLIND * len(poses):
            progress("camera", len(poses), len(poses))
            return None
        camera.append(eye.last if seen is None else seen)
        progress("camera", index + 1, len(poses))
    found = np.array(camera)
    return None if len(found) < len(poses) or _stands(found, poses.size) else found


@dataclass
class _Key:
    """A frame from which corners are tracked: what brings it onto the first frame, the corners in it (N 1 2) and where they are now."""

    onto_first: np.ndarray
    corners: np.ndarray
    now: np.ndarray


class _Eye:
    """Is shown one frame after the other."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._key: _Key | None = None
        self._last = _EYE  # in pixels of small frames
        self.last = _EYE  # in those of the frames that are shown

    def see(self, frame: np.ndarray, person: np.ndarray | None) -> np.ndarray | None:
        """3 3 in the pixels of H W 3 uint8, or None where it cannot be told. person: x0 y0 x1 y1 in the frame's pixels."""
        shrink = min(1.0, SIDE / max(frame.shape[:2]))
        size = (max(1, round(frame.shape[1] * shrink)), max(1, round(frame.shape[0] * shrink)))
        grey = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        free = np.full(grey.shape, 255, np.uint8)
        if person is not None:
            x0, y0, x1, y1 = np.rint(person * shrink).astype(int)
            free[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = 0
        moved = self._tracked(grey, free)
        self._last = self._last if moved is None else moved
        if moved is None or self._key is None or len(self._key.now) < CORNERS // 3:
            self._key = _corners(grey, free, self._last)
        self._before = grey
        if moved is None:
            return None
        zoom = np.diag([shrink, shrink, 1.0])
        self.last = np.linalg.inv(zoom) @ moved @ zoom
        return self.last

    def _tracked(self, grey: np.ndarray, free: np.ndarray) -> np.ndarray | None:
        """3 3 in small pixels; the first frame is where it is."""
        if self._before is None:
            return _EYE
        key = self._key
        if key is None:
            return None
        there, found, _ = cv2.calcOpticalFlowPyrLK(self._before, grey, key.now, np.empty_like(key.now), winSize=(15, 15), maxLevel=3)
        at = np.rint(there[:, 0]).astype(int)
        inside = (at >= 0).all(axis=1) & (at < grey.shape[::-1]).all(axis=1) & (found[:, 0] > 0)
        inside[inside] = free[at[inside, 1], at[inside, 0]] > 0
        if inside.sum() < LEAST:
            return None
        matrix, agree = cv2.estimateAffinePartial2D(there[inside], key.corners[inside], method=cv2.RANSAC, ransacReprojThreshold=MISS)
        if matrix is None or agree.sum() < max(LEAST, AGREE * len(agree)):
            return None
        kept = np.flatnonzero(inside)[agree[:, 0] > 0]
        key.corners = key.corners[kept]
        key.now = there[kept]
        return key.onto_first @ np.vstack([matrix, [0, 0, 1]])


def _corners(grey: np.ndarray, free: np.ndarray, onto_first: np.ndarray) -> _Key | None:
    corners = cv2.goodFeaturesToTrack(grey, CORNERS, 0.01, 6, mask=free)
    return None if corners is None or len(corners) < LEAST else _Key(onto_first, corners, corners)


def _box(poses: PoseSequence, frame: int) -> np.ndarray | None:
    """x0 y0 x1 y1 around the first person, widely; None where nobody is seen."""
    seen = poses.score[frame, 0] >= SEEN
    if not seen.any():
        return None
    points = poses.points[frame, 0, seen, :2]
    low = points.min(axis=0)
    high = points.max(axis=0)
    room = AROUND * (high - low).max()
    return np.concatenate([low - room, high + room])


def _stands(camera: np.ndarray, size: Size) -> bool:
    """Whether no corner of a frame is moved by more than STILL."""
    corners = np.array([[0, 0, 1], [size[0], 0, 1], [0, size[1], 1], [*size, 1]], float)
    moved = np.einsum("fij,cj->fci", camera, corners)[..., :2] - corners[:, :2]
    return bool(np.abs(moved).max(initial=0) <= STILL * max(size))


def _way(poses: PoseSequence) -> float:
    """How far the trunk of the first person goes through the picture, in sizes of that person."""
    seen = poses.score[:, 0, Point.NECK] >= SEEN
    if not seen.any():
        return 0.0
    necks = poses.points[seen, 0, Point.NECK, :2]
    low, high = np.percentile(necks, (5, 95), axis=0)
    extent = np.median(np.ptp(poses.points[seen, 0, BODY, 1], axis=1))
    return float(np.linalg.norm(high - low) / max(extent, 1e-9))
