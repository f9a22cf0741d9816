"""Zoom told from growth: a camera that comes nearer makes everybody larger, and the figure in the picture must not grow with it.

What all of a body does at once is no movement of a limb. In each frame eight segments are measured against their own medians over the clip;
the median of the eight, smoothed, says how much larger the person is shown. Where that changes enough, it is taken out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from animato.pose.alignment.soft import softened
from animato.pose.keypoints import Point, PoseSequence
from animato.pose.limbs import SEEN

SPAN = 1.25  # the largest over the smallest size: below it, the person only leans and turns
SIGMA = 8 / 24  # seconds
_FPS_UNKNOWN = 24.0
_NOTE = "The driving video shows the person larger and smaller, by a camera or by their way: the figure keeps one size."

_SEGMENTS = (
    (Point.R_SHOULDER, Point.L_SHOULDER),
    (Point.R_HIP, Point.L_HIP),
    (Point.R_EYE, Point.L_EYE),
    (Point.R_EAR, Point.L_EAR),
    (Point.NECK, Point.NOSE),
    (Point.R_SHOULDER, Point.R_ELBOW),
    (Point.L_SHOULDER, Point.L_ELBOW),
)


def of_one_size(motion: PoseSequence, notes: list[str]) -> PoseSequence:
    """The first person without what a zoom did, about the middle of the picture; as they are where there is none."""
    size = sizes(motion)
    if size.max() <= SPAN * size.min():
        return motion
    notes.append(_NOTE)
    middle = np.array([motion.size[0] / 2, motion.size[1] / 2, 0])
    return replace(motion, points=middle + (motion.points - middle) / size[:, None, None, None])


def sizes(motion: PoseSequence) -> np.ndarray:
    """F: how large the first person is shown, 1 on average; frames that show too little of them take it from their neighbours."""
    lengths = _lengths(motion.points[:, 0], motion.score[:, 0] >= SEEN)  # F 8, nan where not seen
    usable = np.isfinite(lengths).any(axis=0)
    if not usable.any():
        return np.ones(len(motion))
    relative = lengths[:, usable] / np.nanmedian(lengths[:, usable], axis=0)
    known = np.isfinite(relative).sum(axis=1) >= min(3, usable.sum())
    if not known.any():
        return np.ones(len(motion))
    found = np.nanmedian(relative[known], axis=1)
    frames = np.arange(len(motion))
    sigma = SIGMA * (motion.fps or _FPS_UNKNOWN)
    return softened(_calm(np.interp(frames, frames[known], found), sigma)[:, None], sigma)[:, 0]


def _calm(values: np.ndarray, sigma: float) -> np.ndarray:
    """F: the running median, so that a frame or two of nonsense count for nothing."""
    reach = max(1, round(sigma / 2))
    padded = np.pad(values, reach, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)


def _lengths(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """F 8 from points F K 3 (with their depth, so that a turn shortens nothing) and seen F K; nan where not seen."""
    hips = [Point.R_HIP, Point.L_HIP]
    spine = np.linalg.norm(points[:, Point.NECK] - points[:, hips].mean(axis=1), axis=-1)
    columns = [np.where(seen[:, [Point.NECK, *hips]].all(axis=1), spine, np.nan)]
    for a, b in _SEGMENTS:
        length = np.linalg.norm(points[:, a] - points[:, b], axis=-1)
        columns.append(np.where(seen[:, a] & seen[:, b] & (length > 0), length, np.nan))
    return np.stack(columns, axis=1)
