"""Keeping an aligned figure inside the picture in every frame: shift it, shrink it about its feet, shorten its way, in this order.

A figure whose feet are in the picture stays in it whole. One that the lower edge cuts off may leave through that edge
and is shrunk about it; if that asks for too much, only its head is kept inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.shapes import Size
from animato.pose.align_robust import ANKLES, Target
from animato.pose.keypoints import FACE, FEET, LEFT_HAND, RIGHT_HAND, Point
from animato.pose.limbs import CROWN, HEAD, Body

PREFERRED = 0.85  # shrink so far before the way is shortened
LEAST = 0.75  # a figure that the edge cuts off is not shrunk further: it would sink
HEAD_ONLY = 0.95  # shrink so far for the head alone before the way is shortened

_HEAD = [Point.NOSE, Point.R_EYE, Point.L_EYE, Point.R_EAR, Point.L_EAR, CROWN, *range(FACE.start, FACE.stop)]
_TORSO = [Point.NECK, Point.R_SHOULDER, Point.L_SHOULDER, Point.R_HIP, Point.L_HIP]
_LEGS = [Point.R_KNEE, Point.L_KNEE, *ANKLES, *range(FEET.start, FEET.stop)]
_ARMS = {
    Point.R_WRIST: [Point.R_ELBOW, Point.R_WRIST, *range(RIGHT_HAND.start, RIGHT_HAND.stop)],
    Point.L_WRIST: [Point.L_ELBOW, Point.L_WRIST, *range(LEFT_HAND.start, LEFT_HAND.stop)],
}


@dataclass(frozen=True, eq=False)
class Fitted:
    """The motion inside the picture, and what that took: 1 = nothing.

    xyz     F J 3  pixels
    scale   of the whole figure about its feet (about the lower edge if that cuts it off)
    travel  of its way across the picture
    """

    xyz: np.ndarray
    scale: float
    travel: float


@dataclass(frozen=True, eq=False)
class _Room:
    """What has to stay inside the picture, about a pivot on the ground or on the lower edge.

    home       2    where the contact point usually is
    way        F 2  its way from there
    damped     2    the axes (1 or 0) on which the way can be shortened
    low, high  F 2  the figure's box about the contact point; zero in frames without anything to keep
    """

    home: np.ndarray
    way: np.ndarray
    damped: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def path(self, travel: float) -> np.ndarray:
        """F 2: the contact point when its way is shortened to `travel`."""
        return self.home + self.way * (1 + (travel - 1) * self.damped)

    def box(self, travel: float) -> tuple[np.ndarray, np.ndarray]:
        """2, 2: the corners of the box of all frames."""
        return (self.path(travel) + self.low).min(axis=0), (self.path(travel) + self.high).max(axis=0)

    def scale(self, travel: float, width: float, height: float) -> float:
        """The largest scale, up to 1, at which the box is no wider than `width` and no higher above the pivot than `height`."""
        low, high = self.box(travel)
        return float(min(1.0, width / max(high[0] - low[0], 1e-9), height / max(-low[1], 1e-9)))


def fit_into(target: Target, seen: np.ndarray, reference: Body, size: Size, notes: list[str]) -> Fitted:
    """Fit a retargeted motion (`seen` F J: its visible joints) into a picture of `size`; what the user should know goes to `notes`."""
    xyz = _with_visible_crown(target.xyz, reference) - _flat(target.anchor)
    cut = target.ground is None
    pivot = np.array([np.median(target.anchor[:, 0]), size[1] if target.ground is None else target.ground])
    path = target.anchor - pivot
    if not cut:
        path, raised = _above_the_edge(path, xyz, seen, _lower_edge(reference, size) - pivot[1])
        pivot[1] -= raised
    room = _room(path, xyz, seen, _kept(reference, cut, size), cut)
    scale, travel = _scale_and_travel(room, size[0], pivot[1], PREFERRED)
    if cut and scale < LEAST:
        room = _room(path, xyz, seen, _HEAD, cut)
        scale, travel = _scale_and_travel(room, size[0], pivot[1], HEAD_ONLY)
        notes.append("The picture is too tight for this motion: arms leave it at the sides. Use a wider picture.")
    xyz = scale * (xyz + _flat(room.path(travel))) + _flat(pivot[None])
    low, high = (pivot[0] + scale * corner[0] for corner in room.box(travel))
    xyz[..., 0] += max(0.0, -low) - max(0.0, high - size[0])
    _tell(scale, travel, notes)
    return Fitted(xyz, scale, travel)


def _scale_and_travel(room: _Room, width: float, height: float, preferred: float) -> tuple[float, float]:
    """The longest way that needs no more shrinking than `preferred`; without any, standing still and as much shrinking as that needs."""
    for travel in (1.0, 0.0):
        if (room.scale(travel, width, height) >= preferred) == (travel == 1.0):
            return room.scale(travel, width, height), travel
    fits, does_not = 0.0, 1.0
    for _ in range(30):  # the space needed is a convex function of the way, so the ways that fit are an interval from 0
        middle = (fits + does_not) / 2
        fits, does_not = (middle, does_not) if room.scale(middle, width, height) >= preferred else (fits, middle)
    return room.scale(fits, width, height), fits


def _kept(reference: Body, cut: bool, size: Size) -> list[int]:
    """The joints that have to stay in the picture: those of the limbs that the picture shows."""
    inside = reference.seen[0] & ((reference.xyz[0, :, :2] >= 0) & (reference.xyz[0, :, :2] <= size)).all(axis=1)
    arms = [joint for wrist, arm in _ARMS.items() if inside[wrist] for joint in arm]
    return [*_HEAD, *_TORSO, *arms, *([] if cut else _LEGS)]


def _room(path: np.ndarray, xyz: np.ndarray, seen: np.ndarray, kept: list[int], cut: bool) -> _Room:
    low, high = _boxes(xyz, seen, kept)
    home = np.median(path, axis=0)
    return _Room(home, path - home, np.array([1.0, float(cut)]), low, high)


def _boxes(xyz: np.ndarray, seen: np.ndarray, kept: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """F 2, F 2: the corners of the box of the visible ones of some joints in each frame; zero where none is."""
    points, visible = xyz[:, kept, :2], seen[:, kept, None]
    none = ~visible.any(axis=1)
    low = np.where(visible, points, np.inf).min(axis=1)
    high = np.where(visible, points, -np.inf).max(axis=1)
    return np.where(none, 0, low), np.where(none, 0, high)


def _above_the_edge(path: np.ndarray, xyz: np.ndarray, seen: np.ndarray, space: float) -> tuple[np.ndarray, float]:
    """The path with its steps below the ground line (towards the camera) shortened until the feet are inside, and how far to raise it."""
    _, feet = _boxes(xyz, seen, _LEGS)
    down = path[:, 1] > 0
    share = np.clip(((space - feet[down, 1]) / path[down, 1]).min(initial=1.0), 0, 1)
    path = path * np.stack([np.ones(len(path)), np.where(down, share, 1.0)], axis=1)
    return path, max(0.0, float((path[:, 1] + feet[:, 1]).max()) - space)


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
