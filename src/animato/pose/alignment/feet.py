"""Feet that stand: a foot whose ankle and toes hardly move is held where it stands, and the leg and the pelvis give way.

Estimated feet tremble, and a trembling foot slides over the floor. The motion tells when a foot stands. In the picture it is then held at
its mean place. The pelvis moves along the legs, softly, so that they keep their length; the leg turns about the hip by what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.pose.alignment.soft import softened
from animato.pose.keypoints import Point
from animato.pose.limbs import Body, torso

STILL = 0.24  # T a second (1 % of T a frame at 24 a second): below it a foot stands
SLIDING = 0.1  # T a second: a foot that goes on in one direction as fast as this is drawn over the floor on purpose
REACH = 0.05  # T: how far a foot may drift before it stands at another place
SHORTEST = 4 / 24  # seconds
EASE = 4 / 24  # seconds in which a foot is let go
CALM = 4 / 24  # seconds, sigma of the pelvis' way
STIFF = 0.1  # how little the pelvis moves across the legs

_FPS_UNKNOWN = 24.0
_LEGS = {side: [Point[f"{side}_{name}"] for name in ("HIP", "KNEE", "ANKLE", "BIG_TOE", "SMALL_TOE", "HEEL")] for side in ("R", "L")}


@dataclass(frozen=True, eq=False)
class _Foot:
    """weight  F      1 while the foot is held, 0 while it is free
    shift   F 4 2  how far ankle, big toe, small toe and heel are moved then"""

    weight: np.ndarray
    shift: np.ndarray


def planted(xyz: np.ndarray, motion: Body, fps: float) -> np.ndarray:
    """F J 3: an aligned motion (pixels of the picture) with its standing feet held; `motion` is what it was made of, at its own size."""
    rate = fps or _FPS_UNKNOWN
    feet = {side: _foot(xyz[:, leg[2:], :2], standing(motion, leg, rate), rate) for side, leg in _LEGS.items()}
    if not any(foot.weight.any() for foot in feet.values()):
        return xyz
    pelvis = softened(_along_the_legs(xyz, feet), CALM * rate)
    out = xyz.copy()
    out[..., :2] += pelvis[:, None]
    for side, (hip, knee, *ends) in _LEGS.items():
        foot = feet[side]
        out[:, ends, :2] = xyz[:, ends, :2] + foot.shift + ((1 - foot.weight)[:, None] * pelvis)[:, None]
        out[:, knee, :2] = _turned(xyz, out, (hip, knee, ends[0]))
    return out


def standing(motion: Body, leg: list[Point], fps: float) -> list[tuple[int, int]]:
    """The spans (first frame, frame after the last) in which the foot of a leg stands at one place."""
    unit = torso(motion)
    ankle, toe = leg[2], leg[3]
    seen = motion.seen[:, ankle]
    steps = np.linalg.norm(np.diff(motion.xyz[:, [ankle, toe], :2], axis=0), axis=-1)  # F-1 2
    steps[:, 1] *= motion.seen[1:, toe] & motion.seen[:-1, toe]
    still = (steps < STILL * unit / fps).all(axis=1) & seen[1:] & seen[:-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(int)))
    runs = [(start, stop + 1) for start, stop in edges.reshape(-1, 2).tolist()]
    places = motion.xyz[:, ankle, :2]
    return [span for run in runs for span in _at_one_place(places, run, unit, fps)]


def _at_one_place(places: np.ndarray, run: tuple[int, int], unit: float, fps: float) -> list[tuple[int, int]]:
    """A run of still frames, cut where the foot has drifted too far; without pieces that are too short or through which it slides."""
    first, end = run
    pieces = []
    while first < end:
        away = np.linalg.norm(places[first:end] - places[first], axis=1) > REACH * unit
        stop = first + int(np.argmax(away)) if away.any() else end
        slides = stop < end and REACH * fps > SLIDING * (stop - first)
        if stop - first > SHORTEST * fps and not slides:
            pieces.append((first, stop))
        first = stop
    return pieces


def _foot(points: np.ndarray, spans: list[tuple[int, int]], fps: float) -> _Foot:
    """points: F 4 2, the foot in the picture."""
    frames = len(points)
    weights = np.zeros((frames, len(spans)))
    shift = np.zeros((frames, 4, 2))
    numbers = np.arange(frames)
    for column, (first, stop) in enumerate(spans):
        before = np.maximum(first - numbers, numbers - (stop - 1))  # frames outside the span
        weights[:, column] = _eased(1 - np.maximum(before, 0) / (EASE * fps + 1))
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    for column, (first, stop) in enumerate(spans):
        held = points[first:stop].mean(axis=0) - points[np.clip(numbers, first, stop - 1)]
        shift += weights[:, column, None, None] * held
    return _Foot(weights.sum(axis=1), shift)


def _along_the_legs(xyz: np.ndarray, feet: dict[str, _Foot]) -> np.ndarray:
    """F 2: how the pelvis has to move for the legs that are held to keep their length."""
    matrix = np.tile(STIFF * np.eye(2), (len(xyz), 1, 1))
    wanted = np.zeros((len(xyz), 2))
    for side, foot in feet.items():
        leg = (xyz[:, _LEGS[side][2]] - xyz[:, _LEGS[side][0]])[:, :2]
        along = leg / np.maximum(np.linalg.norm(leg, axis=1, keepdims=True), 1e-9)
        outer = foot.weight[:, None, None] * along[:, :, None] * along[:, None]
        matrix += outer
        wanted += (along[:, :, None] * along[:, None] @ foot.shift[:, 0, :, None])[..., 0]
    return np.linalg.solve(matrix, wanted[..., None])[..., 0]


def _turned(xyz: np.ndarray, out: np.ndarray, leg: tuple[int, int, int]) -> np.ndarray:
    """F 2: the knee after its leg was turned about the hip onto the new ankle."""
    hip, knee, ankle = leg
    before = _complex(xyz[:, ankle] - xyz[:, hip])
    after = _complex(out[:, ankle] - out[:, hip])
    turn = np.where(np.abs(before) > 1e-9, after / np.where(before == 0, 1, before), 1)
    moved = _complex(out[:, hip]) + turn * _complex(xyz[:, knee] - xyz[:, hip])
    return np.stack([moved.real, moved.imag], axis=1)


def _complex(points: np.ndarray) -> np.ndarray:
    """... 2 or 3 -> ... x + iy."""
    return points[..., 0] + 1j * points[..., 1]


def _eased(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
