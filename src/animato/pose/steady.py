"""Smoothing by time: what a joint does within a tenth of a second, fitted by a parabola, so that no frame rate changes the result.

A fit over a short time keeps quick movements, one over a longer time takes away the trembling of joints at rest. Where both agree, the
joint is at rest and the calm one counts; where they differ, it moves and the quick one counts.
"""

from __future__ import annotations

import numpy as np

QUICK = 0.065  # seconds, sigma of the weights of a fit: 1.6 frames at 24 a second
CALM = 0.15  # seconds
APART = 0.02  # T; fits that differ by this count by half each
_REACH = 3  # sigmas looked at on each side
_BLOCK = 256  # frames smoothed at once: long clips take no more memory
_RIDGE = 1e-6  # keeps a fit to one or two points finite, and through them


def steady(points: np.ndarray, present: np.ndarray, fps: float, unit: np.ndarray) -> np.ndarray:
    """F P K 3: points that move over time, smoothed; what is not present takes no part.

    points   F P K 3  pixels
    present  F P K    bool
    unit     P        T of each person in pixels; 0 where it is not known: nothing is then known to be at rest
    """
    room = int(_REACH * QUICK * fps) + int(_REACH * CALM * fps)
    smoothed = points.copy()
    for start in range(0, len(points), _BLOCK):
        first = max(0, start - room)
        near = slice(first, start + _BLOCK + room)
        done = _block(points[near], present[near], fps, unit)[start - first :]
        smoothed[start : start + _BLOCK] = done[:_BLOCK]
    return smoothed


def _block(points: np.ndarray, present: np.ndarray, fps: float, unit: np.ndarray) -> np.ndarray:
    quick = _fitted(points, present, QUICK * fps)
    calm = _fitted(points, present, CALM * fps)
    apart = np.linalg.norm((quick - calm)[..., :2], axis=-1)  # F P K
    scaled = np.divide(apart, unit[:, None], out=np.full_like(apart, np.inf), where=unit[:, None] > 0)
    scaled = _mean(np.minimum(scaled, 10 * APART), present, QUICK * fps)  # or the change from one to the other would itself be a jump
    share = 1 / (1 + (scaled / APART) ** 4)
    return quick + share[..., None] * (calm - quick)


def _mean(values: np.ndarray, present: np.ndarray, sigma: float) -> np.ndarray:
    """F P K: the weighted mean over time; `sigma` in frames."""
    total = np.zeros(values.shape)
    weights = np.zeros(values.shape)
    for here, there, _, weight in _taps(len(values), sigma):
        total[here] += weight * present[there] * values[there]
        weights[here] += weight * present[there]
    return total / np.maximum(weights, 1e-12)


def _fitted(points: np.ndarray, present: np.ndarray, sigma: float) -> np.ndarray:
    """F P K 3: in each frame the middle of the parabola fitted to the points around it, those near in time counting most."""
    moments = np.zeros((*present.shape, 5))  # sums of weight x time^n
    sums = np.zeros((*present.shape, 3, 3))  # power of time, axis
    for here, there, time, weight in _taps(len(points), sigma):
        powers = weight * time ** np.arange(5)
        seen = present[there]
        moments[here] += seen[..., None] * powers
        sums[here] += np.where(seen, 1.0, 0.0)[..., None, None] * powers[:3, None] * points[there][..., None, :]
    matrix = moments[..., np.arange(3)[:, None] + np.arange(3)] + _RIDGE * np.diag([0.0, 1.0, 1.0])
    matrix[~present] = np.eye(3)
    return np.where(present[..., None], np.linalg.solve(matrix, sums)[..., 0, :], points)


def _taps(frames: int, sigma: float) -> list[tuple[slice, slice, float, float]]:
    """(frames that look, frames they look at, how far off in sigmas, the weight) for every distance within reach."""
    reach = min(int(_REACH * sigma), frames - 1)
    taps = []
    for step in range(-reach, reach + 1):
        time = step / sigma if step else 0.0
        taps.append((slice(max(0, -step), frames - max(0, step)), slice(max(0, step), frames + min(0, step)), time, np.exp(-0.5 * time**2)))
    return taps
