"""How close poses are to the truth: distances in torso lengths, and the percentage of correct keypoints (PCK)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.errors import InputError
from animato.pose.keypoints import KEYPOINTS, Point, PoseSequence
from animato.pose.skeleton import skeleton, torso_length

LIMBS = tuple(Point)[: Point.L_ANKLE + 1]  # nose, neck, arms and legs
ALPHA = 0.1


@dataclass(frozen=True)
class Correct:
    """PCK.

    fraction  of all joints that count, in all frames: 0..1, nan if none counts
    by_joint  the same for each joint
    count     how many joints counted
    """

    fraction: float
    by_joint: dict[Point, float]
    count: int


def distances(pose: PoseSequence, truth: PoseSequence, threshold: float = 0.3) -> np.ndarray:
    """F K: distance in the picture of every keypoint of the first person from the truth, in T (skeleton.torso_length) of the true frame.

    inf where the truth has a point (score >= threshold) and `pose` has not; nan where the truth has none.
    Raises InputError for sequences that differ in length or size.
    """
    if len(pose) != len(truth):
        raise InputError(f"Poses of {len(pose)} and {len(truth)} frames cannot be compared: cut them to one length.")
    if pose.size != truth.size:
        raise InputError(f"Poses in pictures of {pose.size} and {truth.size} pixels cannot be compared: scale one of them.")
    bones = skeleton(truth, threshold)
    unit = np.array([torso_length(bones, frame) for frame in range(len(truth))])  # F
    apart = np.linalg.norm(pose.points[:, 0, :, :2] - truth.points[:, 0, :, :2], axis=-1)  # F K
    apart = np.divide(apart, unit[:, None], out=np.full_like(apart, np.nan), where=unit[:, None] > 0)
    apart[~pose.present(threshold)[:, 0]] = np.inf
    apart[~truth.present(threshold)[:, 0]] = np.nan
    return apart


def pck(pose: PoseSequence, truth: PoseSequence, alpha: float = ALPHA, counts: np.ndarray | None = None) -> float:
    """PCK@alpha T of all LIMBS together, see `correct`."""
    return correct(pose, truth, alpha, counts).fraction


def correct(pose: PoseSequence, truth: PoseSequence, alpha: float = ALPHA, counts: np.ndarray | None = None) -> Correct:
    """Which fraction of LIMBS lies within alpha T of the truth.

    counts   F K bool, which joints count where the truth has them (such as those inside the picture); None: all
    Raises InputError as `distances` does.
    """
    apart = distances(pose, truth)
    if counts is not None:
        if counts.shape != (len(truth), KEYPOINTS):
            raise InputError(f"The mask of joints that count must have the shape {(len(truth), KEYPOINTS)}, not {counts.shape}.")
        apart = np.where(counts, apart, np.nan)
    joints = apart[:, list(LIMBS)]
    valid, right = ~np.isnan(joints), joints <= alpha
    by_joint = {point: _fraction(right[:, k], valid[:, k]) for k, point in enumerate(LIMBS)}
    return Correct(_fraction(right, valid), by_joint, int(valid.sum()))


def inside(poses: PoseSequence, margin: float = 0.0) -> np.ndarray:
    """F K bool: which points of the first person lie inside the picture, at least `margin` pixels from its edge."""
    xy = poses.points[:, 0, :, :2]
    return np.all((xy >= margin) & (xy <= np.array(poses.size) - margin), axis=-1)


def _fraction(right: np.ndarray, valid: np.ndarray) -> float:
    return float(right[valid].mean()) if valid.any() else float("nan")
