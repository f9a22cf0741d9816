"""Poses over time: short gaps bridged, long ones marked, and jitter smoothed away without ever mixing in what was not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np

from animato.core.errors import InputError
from animato.pose.choices import SMOOTHINGS, STEADY
from animato.pose.keypoints import PoseSequence
from animato.pose.limbs import body, torso
from animato.pose.steady import steady

_REACH = 2  # frames looked at on each side

# One-euro filter (Casiez et al. 2012), in Hz and in picture heights a second, so that neither frame rate nor resolution matters.
_LOWEST_CUTOFF = 1.5  # Hz, for a point at rest
_CUTOFF_BY_SPEED = 12.0  # Hz for each picture height a second
_SPEED_CUTOFF = 1.0  # Hz, for the speed itself
_FPS_UNKNOWN = 25.0
_LONGEST_GAP = 1 / 3  # seconds


def longest_gap(fps: float) -> int:
    """How many frames in a row a point may be missing and still be bridged: a third of a second, at least one."""
    return max(1, round(_LONGEST_GAP * (fps or _FPS_UNKNOWN)))


def fill_gaps(sequence: PoseSequence, longest: int = 8, threshold: float = 0.3) -> PoseSequence:
    """Points missing (score below `threshold`) for at most `longest` frames are interpolated linearly between the frames around the gap.

    They get the lower score of the two ends. Points of longer gaps, and of gaps at the start or end of the clip, get score 0: they are
    missing for good.
    """
    present = sequence.present(threshold)  # F P K
    frame = np.arange(len(sequence))[:, None, None]
    before = np.maximum.accumulate(np.where(present, frame, -1), axis=0)
    after = np.minimum.accumulate(np.where(present, frame, len(sequence))[::-1], axis=0)[::-1]
    bridged = ~present & (before >= 0) & (after < len(sequence)) & (after - before - 1 <= longest)
    first, last = np.where(bridged, before, frame), np.where(bridged, after, frame)
    weight = ((frame - first) / np.maximum(last - first, 1))[..., None]
    ends = [np.take_along_axis(sequence.points, at[..., None], axis=0) for at in (first, last)]
    lower = np.minimum(*(np.take_along_axis(sequence.score, at, axis=0) for at in (first, last)))
    return replace(
        sequence,
        points=np.where(bridged[..., None], ends[0] + weight * (ends[1] - ends[0]), sequence.points),
        score=np.where(present | bridged, lower, 0.0),
    )


def smooth(sequence: PoseSequence, how: str = STEADY, threshold: float = 0.3) -> PoseSequence:
    """The sequence with less jitter; scores, and points that are missing (score below `threshold`), stay as they are.

    steady    by time, not by frames: parabolas over a tenth of a second, longer ones where a joint is at rest (steady.py)
    binomial  5-tap mean with the weights 1 4 6 4 1
    savgol    the middle of a parabola fitted to 5 frames (Savitzky and Golay 1964): keeps peaks better, smooths less
    one-euro  looks at past frames only; smooths points at rest more than fast ones (Casiez, Roussel and Vogel 2012)
    none      nothing

    Raises InputError for another `how`.
    """
    check_smoothing(how)
    if how == "none":
        return sequence
    present = sequence.present(threshold)  # F P K
    points = np.where(present[..., None], sequence.points, 0.0)
    if how == STEADY:
        units = np.array([torso(body(sequence.person(index), threshold)) for index in range(sequence.people)])
        smoothed = steady(points, present, sequence.fps or _FPS_UNKNOWN, units)
    elif how == "binomial":
        smoothed = _five_taps(points, present, _binomial_weights)
    elif how == "savgol":
        smoothed = _five_taps(points, present, _savgol_weights)
    else:
        smoothed = _one_euro(points / sequence.size[1], present, sequence.fps or _FPS_UNKNOWN) * sequence.size[1]
    return replace(sequence, points=np.where(present[..., None], smoothed, sequence.points))


def check_smoothing(how: str) -> None:
    """Raises InputError unless `how` names a way of smoothing."""
    if how not in SMOOTHINGS:
        raise InputError(f"There is no smoothing '{how}': choose {', '.join(SMOOTHINGS)}.")


def _five_taps(points: np.ndarray, present: np.ndarray, weights: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """F P K 3: each frame a weighted sum over itself and two frames on each side, with `weights` for their pattern of presence."""
    table = np.array([weights(np.array(pattern, bool)) for pattern in product((0, 1), repeat=5)])  # 32 5
    spread = ((_REACH, _REACH), (0, 0), (0, 0))
    padded, seen = np.pad(points, (*spread, (0, 0))), np.pad(present, spread)
    frames = len(points)
    code = sum(seen[tap : tap + frames].astype(int) << (4 - tap) for tap in range(5))  # F P K, a row of the table
    return sum(table[code, tap, None] * padded[tap : tap + frames] for tap in range(5))


def _binomial_weights(present: np.ndarray) -> np.ndarray:
    """5 weights 1 4 6 4 1 over those of 5 frames that are present, adding up to 1."""
    weights = np.array([1, 4, 6, 4, 1]) * present
    return weights / max(weights.sum(), 1)


def _savgol_weights(present: np.ndarray) -> np.ndarray:
    """5 weights that give the middle of a parabola fitted to the frames present; of a line if they are 3, the middle frame if fewer."""
    times = np.arange(-_REACH, _REACH + 1)[present]
    weights = np.zeros(5)
    if len(times) < 3:
        weights[_REACH] = 1
    else:
        order = min(2, len(times) - 2)  # one more point than coefficients, or nothing would be smoothed
        weights[present] = np.linalg.pinv(np.vander(times, order + 1, increasing=True))[0]
    return weights


def _one_euro(points: np.ndarray, present: np.ndarray, fps: float) -> np.ndarray:
    """F P K 3 in picture heights; each axis is filtered alone, a gap only makes the next step longer."""
    smoothed = points.copy()
    value = points[0]
    speed = np.zeros_like(points[0])
    started, idle = present[0], np.ones(present.shape[1:])  # frames since the point was last seen
    for frame in range(1, len(points)):
        seen = present[frame, ..., None]
        step = idle[..., None] / fps
        new_speed = _low_pass(speed, (points[frame] - value) / step, _SPEED_CUTOFF, step)
        new_value = _low_pass(value, points[frame], _LOWEST_CUTOFF + _CUTOFF_BY_SPEED * np.abs(new_speed), step)
        running = seen & started[..., None]
        speed = np.where(running, new_speed, speed)
        value = np.where(running, new_value, np.where(seen, points[frame], value))
        smoothed[frame] = value
        idle = np.where(present[frame], 1.0, idle + 1)
        started = started | present[frame]
    return smoothed


def _low_pass(old: np.ndarray, new: np.ndarray, cutoff: float | np.ndarray, step: np.ndarray) -> np.ndarray:
    weight = 1 / (1 + 1 / (2 * np.pi * cutoff * step))
    return old + weight * (new - old)
