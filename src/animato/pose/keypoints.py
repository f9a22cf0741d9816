"""PoseSequence: the one form in which a motion travels through animato, and the layout of its 134 keypoints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from animato.core.errors import InputError
from animato.core.shapes import Size

KEYPOINTS = 134
BODY = slice(0, 18)
FEET = slice(18, 24)
FACE = slice(24, 92)
LEFT_HAND = slice(92, 113)
RIGHT_HAND = slice(113, 134)


class Point(IntEnum):
    """Body and foot keypoints in OpenPose order; left and right are the person's own. Faces have iBUG's 68 points, hands the usual 21."""

    NOSE = 0
    NECK = 1
    R_SHOULDER = 2
    R_ELBOW = 3
    R_WRIST = 4
    L_SHOULDER = 5
    L_ELBOW = 6
    L_WRIST = 7
    R_HIP = 8
    R_KNEE = 9
    R_ANKLE = 10
    L_HIP = 11
    L_KNEE = 12
    L_ANKLE = 13
    R_EYE = 14
    L_EYE = 15
    R_EAR = 16
    L_EAR = 17
    L_BIG_TOE = 18
    L_SMALL_TOE = 19
    L_HEEL = 20
    R_BIG_TOE = 21
    R_SMALL_TOE = 22
    R_HEEL = 23


def _other_side() -> np.ndarray:
    """K: the number that each keypoint has in a mirror. The face is iBUG's 68 points."""
    order = np.arange(RIGHT_HAND.stop)
    names = {point.name: int(point) for point in Point}
    for name, point in names.items():
        if name[:2] in ("R_", "L_"):
            order[point] = names[("L_" if name[0] == "R" else "R_") + name[2:]]
    turned = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40)]
    turned += [*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1)]
    order[FACE] = FACE.start + np.array(turned)
    order[LEFT_HAND], order[RIGHT_HAND] = np.arange(RIGHT_HAND.start, RIGHT_HAND.stop), np.arange(LEFT_HAND.start, LEFT_HAND.stop)
    return order


OTHER_SIDE = _other_side()


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """The keypoints of every person in every frame of a clip (or, with one frame, of a picture).

    points  F P 134 3  float64  x, y, z in pixels of a `size` picture; z is 0 at the middle of the hips and smaller nearer the camera
    score   F P 134    float64  0..1; a point with score 0 is missing and its coordinates mean nothing
    size    (width, height) in pixels
    fps     frames per second; 0 for a picture
    mask    F h w      uint8    probability (0..255) of a pixel of the whole picture to show the person, in any resolution; or None
    """

    points: np.ndarray
    score: np.ndarray
    size: Size
    fps: float = 0.0
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.points.ndim != 4 or self.points.shape[2:] != (KEYPOINTS, 3):
            raise InputError(f"A pose sequence holds F x P x {KEYPOINTS} x 3 coordinates, not {' x '.join(map(str, self.points.shape))}.")
        if self.score.shape != self.points.shape[:3]:
            raise InputError(
                f"The scores of a pose sequence have the shape {self.score.shape}, its points {self.points.shape[:3]}: make them equal."
            )
        if self.mask is not None and (self.mask.ndim != 3 or len(self.mask) != len(self.points)):
            raise InputError("The mask of a pose sequence is F x h x w with one picture a frame.")

    def __len__(self) -> int:
        return len(self.points)

    @staticmethod
    def nobody(frames: int, size: Size, fps: float = 0.0) -> PoseSequence:
        """Frames in which nobody is seen."""
        return PoseSequence(np.zeros((frames, 1, KEYPOINTS, 3)), np.zeros((frames, 1, KEYPOINTS)), size, fps)

    @property
    def people(self) -> int:
        return self.points.shape[1]

    def frames(self, which: slice | np.ndarray) -> PoseSequence:
        """The frames of a slice, as views, or of F numbers, in their order."""
        mask = None if self.mask is None else self.mask[which]
        return replace(self, points=self.points[which], score=self.score[which], mask=mask)

    def held(self, more: int) -> PoseSequence:
        """The same with its last frame repeated `more` times."""
        return self.frames(np.minimum(np.arange(len(self) + more), len(self) - 1))

    def person(self, index: int) -> PoseSequence:
        """One person alone, as views."""
        return replace(self, points=self.points[:, index : index + 1], score=self.score[:, index : index + 1])

    def scaled(self, size: Size) -> PoseSequence:
        """The same poses in the pixels of a picture of another size; z follows x."""
        factor = np.array([size[0] / self.size[0], size[1] / self.size[1], size[0] / self.size[0]])
        return replace(self, points=self.points * factor, size=size)

    def present(self, threshold: float = 0.3) -> np.ndarray:
        """F P 134 bool: which points can be used."""
        return self.score >= threshold
