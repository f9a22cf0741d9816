"""Depth for poses that have none: every bone leans out of the picture as far as it is shorter there than it should be.

Which way it leans cannot be seen. It is taken from what bodies do most: arms and thighs come forward of the trunk, shins go back, toes and
nose point to the front; the trunk is turned to where nose and toes point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from animato.pose.keypoints import LEFT_HAND, RIGHT_HAND, Point, PoseSequence
from animato.pose.limbs import PERCENTILE

SEEN = 0.1
FULL = 0.95  # of a bone's length: what is longer in the picture lies in its plane
METRES = {"TORSO": 0.5, "SHOULDERS": 0.33, "HIPS": 0.18, "UPPER_ARM": 0.28, "FOREARM": 0.25, "THIGH": 0.40, "SHIN": 0.40}
_FOOT, _EARS, _NOSE = 0.2, 0.145, 0.105
_LIMBS = (  # bone, its ends, whether it comes forward (1) or goes back (-1)
    ("UPPER_ARM", "SHOULDER", "ELBOW", 1.0),
    ("FOREARM", "ELBOW", "WRIST", 1.0),
    ("THIGH", "HIP", "KNEE", 1.0),
    ("SHIN", "KNEE", "ANKLE", -1.0),
)
_TURN = 0.05  # metres by which nose or toes must point aside for the side to be sure


def lifted(poses: PoseSequence) -> PoseSequence:
    """Poses with depth: as they are, or with z made up for every person whose points all have the same."""
    points = poses.points.copy()
    for person in range(poses.people):
        seen = poses.score[:, person] >= SEEN
        depths = points[:, person, :, 2][seen]
        if len(depths) and np.ptp(depths) == 0:
            points[:, person, :, 2] = _Lift.of(points[:, person, :, :2], seen).depth()
    return replace(poses, points=points)


@dataclass(frozen=True, eq=False)
class _Lift:
    """xy F K 2 and seen F K of one person; the length of a metre in pixels, and the bones' lengths."""

    xy: np.ndarray
    seen: np.ndarray
    metre: float

    @staticmethod
    def of(xy: np.ndarray, seen: np.ndarray) -> _Lift:
        ratios = []
        for a, b, metres in _bones():
            both = seen[:, a] & seen[:, b]
            if both.any():
                ratios.append(np.percentile(np.linalg.norm(xy[both, a] - xy[both, b], axis=1), PERCENTILE) / metres)
        return _Lift(xy, seen, float(np.percentile(ratios, PERCENTILE)) if ratios else 0.0)

    def depth(self) -> np.ndarray:
        """F K."""
        z = np.zeros(self.seen.shape)
        aside = self._aside()
        towards = np.where(self._across(Point.R_SHOULDER, Point.L_SHOULDER) >= 0, -1.0, 1.0)  # of the front's z: -1 faces the camera
        for name, bone in (("SHOULDER", "SHOULDERS"), ("HIP", "HIPS")):
            right, left = Point[f"R_{name}"], Point[f"L_{name}"]
            lean = aside * self._lean(right, left, METRES[bone] * self.metre)
            z[:, left], z[:, right] = lean / 2, -lean / 2
        for s, hand in (("L", LEFT_HAND), ("R", RIGHT_HAND)):
            for bone, start, end, forwards in _LIMBS:
                a, b = Point[f"{s}_{start}"], Point[f"{s}_{end}"]
                z[:, b] = z[:, a] + forwards * towards * self._lean(a, b, METRES[bone] * self.metre)
            z[:, hand] = z[:, Point[f"{s}_WRIST"], None]
            ankle, heel, toes = z[:, Point[f"{s}_ANKLE"]], Point[f"{s}_HEEL"], Point[f"{s}_BIG_TOE"]
            lean = towards * self._lean(heel, toes, _FOOT * self.metre)
            z[:, heel], z[:, toes], z[:, Point[f"{s}_SMALL_TOE"]] = ankle - 0.2 * lean, ankle + 0.8 * lean, ankle + 0.8 * lean
        self._face(z, aside)
        return z

    def _face(self, z: np.ndarray, aside: np.ndarray) -> None:
        lean = aside * self._lean(Point.R_EAR, Point.L_EAR, _EARS * self.metre)
        z[:, Point.L_EAR], z[:, Point.R_EAR] = lean / 2, -lean / 2
        both = self.seen[:, Point.R_EAR] & self.seen[:, Point.L_EAR]
        middle = self.xy[:, [Point.R_EAR, Point.L_EAR]].mean(axis=1)
        ahead = np.linalg.norm(self.xy[:, Point.NOSE] - middle, axis=1) / max(self.metre, 1e-9)
        nose = -self.metre * np.sqrt(np.maximum(_NOSE**2 - np.where(both, ahead, 0.0) ** 2, 0))
        z[:, Point.NOSE] = nose
        z[:, Point.L_EYE] = 0.8 * nose + 0.22 * lean
        z[:, Point.R_EYE] = 0.8 * nose - 0.22 * lean

    def _lean(self, a: int, b: int, length: float) -> np.ndarray:
        """F: how far apart in depth two points are that are `length` pixels apart in space; 0 where one is missing."""
        shown = np.linalg.norm(self.xy[:, a] - self.xy[:, b], axis=1)
        lean = np.sqrt(np.maximum((FULL * length) ** 2 - shown**2, 0))
        return np.where(self.seen[:, a] & self.seen[:, b], lean, 0)

    def _across(self, a: int, b: int) -> np.ndarray:
        """F: how far b is to the right of a in the picture; 0 where one is missing."""
        return np.where(self.seen[:, a] & self.seen[:, b], self.xy[:, b, 0] - self.xy[:, a, 0], 0)

    def _aside(self) -> np.ndarray:
        """F: -1 (the front points to the picture's left) .. 1."""
        pointing = self._across(Point.NECK, Point.NOSE)
        pointing = pointing + self._across(Point.L_HEEL, Point.L_BIG_TOE) / 2 + self._across(Point.R_HEEL, Point.R_BIG_TOE) / 2
        return np.clip(pointing / max(_TURN * self.metre, 1e-9), -1, 1)


def _bones() -> list[tuple[int, int, float]]:
    """The ends of the limbs' bones and their lengths in metres."""
    return [(Point[f"{s}_{start}"], Point[f"{s}_{end}"], METRES[bone]) for s in "LR" for bone, start, end, _ in _LIMBS]
