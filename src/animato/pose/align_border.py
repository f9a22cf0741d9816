"""Keeping an aligned figure inside the picture in every frame: shift it, shrink it about its feet, shorten its way, in this order.

A figure whose feet are in the picture stays in it whole. One that the lower edge cuts off may leave through that edge
and is shrunk about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.shapes import Size
from animato.pose.align_robust import Target
from animato.pose.keypoints import FACE, FEET, LEFT_HAND, RIGHT_HAND, Point
from animato.pose.limbs import CROWN, HEAD, Body

PREFERRED = 0.85  # shrink so far before the way is shortened
LEAST = 0.6  # a cut-off figure is not shrunk further: its arms leave the picture instead

_HEAD = [Point.NOSE, Point.R_EYE, Point.L_EYE, Point.R_EAR, Point.L_EAR, CROWN, *range(FACE.start, FACE.stop)]
_TORSO = [Point.NECK, Point.R_SHOULDER, Point.L_SHOULDER, Point.R_HIP, Point.L_HIP]
_LEGS = [Point.R_KNEE, Point.L_KNEE, Point.R_ANKLE, Point.L_ANKLE, *range(FEET.start, FEET.stop)]
_ARMS = {
    Point.R_WRIST: [Point.R_ELBOW, Point.R_WRIST, *range(RIGHT_HAND.start, RIGHT_HAND.stop)],
    Point.L_WRIST: [Point.L_ELBOW, Point.L_WRIST, *range(LEFT_HAND.start, LEFT_HAND.stop)],
}


@dataclass(frozen=True, eq=False)
class Fitted:
    """The motion inside the picture, and what that took: 1 = nothing.

    xyz     F J 3  pixels
    scale   of the whole figure about its feet (about the lower edge if that cuts it off)
    travel  of the feet's way across the picture
    """

    xyz: np.ndarray
    scale: float
    travel: float


@dataclass(frozen=True, eq=False)
class _Extent:
    """What has to stay inside the picture.

    path       F 2  the contact point about a pivot on the ground
    low, high  F 2  the figure's box about the contact point; zero in frames without anything to keep
    """

    path: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def spans(self, travel: float) -> tuple[np.ndarray, np.ndarray]:
        """2, 2: the box of all frames about the pivot when the way across is multiplied by `travel`."""
        path = self.path * (travel, 1)
        return (path + self.low).min(axis=0), (path + self.high).max(axis=0)


def fit_into(target: Target, seen: np.ndarray, reference: Body, size: Size, notes: list[str]) -> Fitted:
    """Fit a retargeted motion (`seen` F J: its visible joints) into a picture of `size`; what the user should know goes to `notes`."""
    xyz = _with_visible_crown(target.xyz, reference)
    cut = target.ground is None
    pivot = np.array([np.median(target.anchor[:, 0]), float(size[1]) if cut else target.ground])
    path = target.anchor - pivot
    if not cut:
        path, raised = _above_the_edge(path, xyz, seen, _lower_edge(reference, size) - pivot[1], target.anchor)
        pivot[1] -= raised
    xyz = xyz - _flat(target.anchor)
    everything = _extent(path, xyz, seen, _kept(reference, cut))
    scale, travel = _scale_and_travel(everything, pivot, size)
    if cut and scale < LEAST:
        everything = _extent(path, xyz, seen, _HEAD)
        scale, travel = _scale_and_travel(everything, pivot, size)
        notes.append("The picture is too tight for this motion: arms leave it at the sides. Use a wider picture.")
    xyz = scale * (xyz + _flat(path * (travel, 1))) + _flat(pivot[None])
    low, high = (pivot[0] + scale * span[0] for span in everything.spans(travel))
    xyz[..., 0] += max(0.0, -low) - max(0.0, high - size[0])
    _tell(scale, travel, notes)
    return Fitted(xyz, float(scale), float(travel))


def _scale_and_travel(extent: _Extent, pivot: np.ndarray, size: Size) -> tuple[float, float]:
    """The largest way at which no more than the preferred shrinking is needed; without any, standing still and shrunk as far as needed."""

    def scale(travel: float) -> float:
        low, high = extent.spans(travel)
        wide = size[0] / max(high[0] - low[0], 1e-9)
        return min(1.0, wide, pivot[1] / max(-low[1], 1e-9))

    if scale(1.0) >= PREFERRED:
        return scale(1.0), 1.0
    if scale(0.0) < PREFERRED:
        return scale(0.0), 0.0
    good, bad = 0.0, 1.0
    for _ in range(30):  # the width needed is a convex function of the way, so the ways that fit are an interval from 0
        middle = (good + bad) / 2
        good, bad = (middle, bad) if scale(middle) >= PREFERRED else (good, middle)
    return scale(good), good


def _kept(reference: Body, cut: bool) -> list[int]:
    """The joints that have to stay in the picture: those of the limbs that the picture shows."""
    arms = [joint for wrist, arm in _ARMS.items() if reference.seen[0, wrist] for joint in arm]
    return [*_HEAD, *_TORSO, *arms, *([] if cut else _LEGS)]


def _extent(path: np.ndarray, xyz: np.ndarray, seen: np.ndarray, kept: list[int]) -> _Extent:
    points, visible = xyz[:, kept, :2], seen[:, kept, None]
    empty = ~visible.any(axis=1)
    low = np.where(visible, points, np.inf).min(axis=1)
    high = np.where(visible, points, -np.inf).max(axis=1)
    return _Extent(path, np.where(empty, 0, low), np.where(empty, 0, high))


def _above_the_edge(path: np.ndarray, xyz: np.ndarray, seen: np.ndarray, room: float, anchor: np.ndarray) -> tuple[np.ndarray, float]:
    """The path with its steps below the ground line (towards the camera) shortened until the feet are inside, and how far to raise it."""
    below = _extent(path, xyz - _flat(anchor), seen, _LEGS).high[:, 1]
    down = path[:, 1] > 0
    share = np.clip(((room - below[down]) / path[down, 1]).min(initial=1.0), 0, 1)
    path = path * np.stack([np.ones(len(path)), np.where(down, share, 1.0)], axis=1)
    return path, max(0.0, float((path[:, 1] + below).max()) - room)


def _lower_edge(reference: Body, size: Size) -> float:
    """The lower edge, or the lowest visible foot point of the picture where that is beyond it."""
    feet = reference.xyz[0, _LEGS, 1][reference.seen[0, _LEGS]]
    return max(float(size[1]), float(feet.max()))


def _with_visible_crown(xyz: np.ndarray, reference: Body) -> np.ndarray:
    """The crown lowered as far as the picture itself cuts it off."""
    head, crown = reference.xyz[0, HEAD, 1], reference.xyz[0, CROWN, 1]
    share = np.clip(head / (head - crown), 0, 1) if crown < head else 1.0
    xyz = xyz.copy()
    xyz[:, CROWN] = xyz[:, HEAD] + share * (xyz[:, CROWN] - xyz[:, HEAD])
    return xyz


def _flat(points: np.ndarray) -> np.ndarray:
    """F 2 -> F 1 3 with z = 0."""
    return np.pad(points, ((0, 0), (0, 1)))[:, None]


def _tell(scale: float, travel: float, notes: list[str]) -> None:
    if scale < 0.995:
        notes.append(f"The motion needs more room than the picture has: the figure is shrunk to {scale:.0%}.")
    if travel < 0.995:
        notes.append(f"The motion goes further than the picture is wide: its way is shortened to {travel:.0%}.")
