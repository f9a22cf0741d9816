"""Is the asked-for pose in the picture? The pose is estimated again on finished frames and compared with the target."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from animato.evaluation.pose import inside, pck
from animato.pose.estimator.blaze import MIN_SCORE, BodyLandmarks
from animato.pose.estimator.convert import keypoints_of
from animato.pose.estimator.region import Region
from animato.pose.estimator.whole import Whole
from animato.pose.keypoints import BODY, Point, PoseSequence

HEADROOM = 1.2  # the circle around a body reaches this much farther from the hips than its farthest joint
MARGIN = 2.5  # sides of a region per radius of that circle, as in blaze.body_region
ROUNDS = 2


class Accuracy:
    """Shown every frame of a result in order, it estimates the pose again on some of them.

    The target's own joints say in which region the estimator works: costumed figures that a detector misses still count.
    """

    def __init__(self, target: PoseSequence, frames: int = 24, models: Path | None = None) -> None:
        self._target = target
        self._landmarks = BodyLandmarks(models)
        self._wanted = set(np.linspace(0, len(target) - 1, min(frames, len(target))).round().astype(int).tolist())
        self._fractions: list[float] = []

    def see(self, index: int, frame: np.ndarray) -> None:
        """Frame `index` (H W 3 uint8) of the result."""
        if index in self._wanted and (self._target.score[index, 0, BODY] > 0).any():
            self._fractions.append(self._fraction(index, frame))

    @property
    def value(self) -> float:
        """PCK@.1T over all checked frames: the fraction of body joints within a tenth of the torso length of their target."""
        known = [fraction for fraction in self._fractions if np.isfinite(fraction)]
        return float(np.mean(known)) if known else float("nan")

    def _fraction(self, index: int, frame: np.ndarray) -> float:
        wanted = self._target.frames(slice(index, index + 1))
        region = target_region(wanted)
        for _ in range(ROUNDS):
            body = self._landmarks(frame, region)
            region = body.next if body.presence >= MIN_SCORE else region
        points, score = keypoints_of(Whole(body))
        found = PoseSequence(points[None, None], score[None, None], wanted.size)
        return pck(found, wanted, counts=inside(wanted))


def target_region(pose: PoseSequence) -> Region:
    """The square that holds the first person of the first frame."""
    points, seen = pose.points[0, 0, BODY, :2], pose.score[0, 0, BODY] > 0
    hips = points[[Point.R_HIP, Point.L_HIP]]
    centre = hips.mean(axis=0) if seen[[Point.R_HIP, Point.L_HIP]].all() else points[seen].mean(axis=0)
    radius = HEADROOM * float(np.linalg.norm(points[seen] - centre, axis=1).max())
    return Region(float(centre[0]), float(centre[1]), max(MARGIN * radius, 1.0))
