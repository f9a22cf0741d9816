"""The person's mask where the joints are known already: the landmark network looks at the square around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from animato.pose.estimator.blaze import MIN_SCORE, Body, body_region
from animato.pose.estimator.estimate import mask_of
from animato.pose.estimator.models import missing_pose_models
from animato.pose.estimator.people import People
from animato.pose.keypoints import BODY, Point, PoseSequence

COVERED = 0.7  # share of the joints that a mask must hold to be theirs
_TRUNK = [Point.L_SHOULDER, Point.R_SHOULDER, Point.L_HIP, Point.R_HIP]
HEAD = 1.15  # how much farther from the hips than the farthest joint the body ends


def mask_around(picture: np.ndarray, pose: PoseSequence, models: Path | None = None) -> np.ndarray | None:
    """1 h w uint8: the mask of the figure whose joints are `pose` (one frame, in the picture's pixels).

    None where the network sees nobody there or somebody else, as in many drawings, and without models.
    """
    if missing_pose_models(models):
        return None
    seen = pose.present()[0, 0, BODY]
    xy = pose.points[0, 0, BODY, :2]
    if not seen[_TRUNK].all():
        return None
    neck, hips = (xy[pair].mean(axis=0) for pair in (_TRUNK[:2], _TRUNK[2:]))
    up = (neck - hips) / max(float(np.hypot(*(neck - hips))), 1.0)
    reach = HEAD * float(np.linalg.norm(xy[seen] - hips, axis=1).max())
    body = People(models).settled(picture, body_region(hips, hips + reach * up))
    mask = mask_of(body, pose.size)
    return mask[None] if _theirs(body, mask, xy[seen], pose) else None


def _theirs(body: Body, mask: np.ndarray, xy: np.ndarray, pose: PoseSequence) -> bool:
    """Whether the mask is that of these joints."""
    size = np.array(pose.size)
    inside = xy[((xy >= 0) & (xy < size)).all(axis=1)]
    at = (inside * mask.shape[::-1] / size).astype(int)
    return body.presence >= MIN_SCORE and len(at) > 0 and float((mask[at[:, 1], at[:, 0]] > 127).mean()) >= COVERED
