"""Keeping an aligned figure inside the picture in every frame: shift it, shrink it about its feet, shorten its way, in this order.

A figure whose feet are in the picture stays in it whole. One that the lower edge cuts off may leave through that edge;
if keeping the rest inside asks for too much, only its head is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.shapes import Size
from animato.pose.alignment.robust import ANKLES, Target
from animato.pose.edge import NEAR, inside, is_portrait
from animato.pose.keypoints import FACE, FEET, LEFT_HAND, RIGHT_HAND, Point
from animato.pose.limbs import CROWN, HEAD, Body, torso

PREFERRED = 0.85  # shrink so far before the way is shortened
LEAST = 0.75  # a figure that the edge cuts off is not shrunk further: its arms leave the picture instead
PROLONGED = 0.3  # torso lengths by which the cut end of a shrunk figure may show above the edge, so that the head does not sink too far
RAISED = 0.02  # of the picture's height: no further are feet that reach below the lower edge lifted into the picture
HEAD_ONLY = 0.95  # shrink so far for the head alone before the way is shortened

_HEAD = [Point.NOSE, Point.R_EYE, Point.L_EYE, Point.R_EAR, Point.L_EAR, CROWN, *range(FACE.start, FACE.stop)]
_TORSO = [Point.NECK, Point.R_SHOULDER, Point.L_SHOULDER, Point.R_HIP, Point.L_HIP]
_LEGS = [Point.R_KNEE, Point.L_KNEE, *ANKLES, *range(FEET.start, FEET.stop)]
_HIPS = [Point.R_HIP, Point.L_HIP]
_ARMS = {
    Point.R_WRIST: [Point.R_ELBOW, Point.R_WRIST, *range(RIGHT_HAND.start, RIGHT_HAND.stop)],
    Point.L_WRIST: [Point.L_ELBOW, Point.L_WRIST, *range(LEFT_HAND.start, LEFT_HAND.stop)],
}


@dataclass(frozen=True, eq=False)
class Fitted:
    """The motion inside the picture, and what that took: 1 = nothing.

    xyz     F J 3  pixels
    scale   of the whole figure
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


@dataclass(frozen=True, eq=False)
class _Placement:
    """How the figure is put into the picture: scaled by `scale` about `pivot`, its way shortened to `travel`."""

    room: _Room
    pivot: np.ndarray
    scale: float
    travel: float


def fit_into(target: Target, seen: np.ndarray, reference: Body, size: Size, notes: list[str]) -> Fitted:
    """Fit a retargeted motion (`seen` F J: its visible joints) into a picture of `size`; what the user should know goes to `notes`."""
    xyz = _with_visible_crown(target.xyz, reference) - _flat(target.anchor)
    if target.ground is None:
        placement = _cut_off(target.anchor, xyz, seen, reference, size, notes)
    else:
        placement = _standing(target.anchor, target.ground, xyz, seen, reference, size)
    xyz = placement.scale * (xyz + _flat(placement.room.path(placement.travel))) + _flat(placement.pivot[None])
    low, high = (placement.pivot[0] + placement.scale * corner[0] for corner in placement.room.box(placement.travel))
    xyz[..., 0] += max(0.0, -low) - max(0.0, high - size[0])
    _note(placement, notes)
    return Fitted(xyz, placement.scale, placement.travel)


def _standing(anchor: np.ndarray, ground: float, xyz: np.ndarray, seen: np.ndarray, reference: Body, size: Size) -> _Placement:
    """A figure that the picture shows down to its feet: all of it stays inside."""
    pivot = np.array([np.median(anchor[:, 0]), ground])
    path, raised = _above_the_edge(anchor - pivot, xyz, seen, _lower_edge(reference, size) - ground)
    pivot[1] -= raised
    room = _room(path, xyz, seen, [*_HEAD, *_TORSO, *sum(_arms_inside(reference, size), []), *_LEGS], (1, 0))
    return _Placement(room, pivot, *_scale_and_travel(room, size[0], pivot[1], PREFERRED))


def _cut_off(anchor: np.ndarray, xyz: np.ndarray, seen: np.ndarray, reference: Body, size: Size, notes: list[str]) -> _Placement:
    """A figure that the lower edge cuts off: its upper body stays inside or, in a tight picture, its head."""
    pivot = np.array([np.median(anchor[:, 0]), float(size[1])])
    arms = _arms_inside(reference, size)
    crown = float(reference.xyz[0, CROWN, 1])
    cut_head = crown < NEAR * torso(reference)  # hair goes on beyond the skull
    head = [joint for joint in _HEAD if joint != CROWN or not cut_head]  # what the upper edge cuts off need not stay inside
    room = _room(anchor - pivot, xyz, seen, [*head, *_TORSO, *sum(arms, [])], (1, 1))
    scale, travel = _scale_and_travel(room, size[0], size[1], PREFERRED)
    if scale < LEAST or len(arms) < 2:
        room = _room(anchor - pivot, xyz, seen, head, (1, 1))
        scale, travel = _scale_and_travel(room, size[0], size[1], HEAD_ONLY)
        if arms:
            notes.append("The picture is too tight for this motion: arms leave it at the sides. Use a wider picture.")
    sunk, headroom = -(1 - scale) * room.home[1], size[1] + scale * room.box(travel)[0][1]
    if cut_head:  # its upper end must not come into the picture
        sunk = size[1] + scale * _room(anchor - pivot, xyz, seen, [CROWN], (1, 1)).box(travel)[1][1] - max(crown, 0.0)
    pivot[1] -= max(0.0, min(sunk, headroom, PROLONGED * scale * torso(reference)))
    return _Placement(room, pivot, scale, travel)


def _scale_and_travel(room: _Room, width: float, height: float, preferred: float) -> tuple[float, float]:
    """The longest way that needs no more shrinking than `preferred`; without any, about the one that needs least.

    That need not be the shortest: arms often reach out against the way the body goes.
    """
    travels = np.linspace(1, 0, 41)
    scales = np.array([room.scale(travel, width, height) for travel in travels])
    best = int(np.argmax(scales >= min(preferred, 0.99 * scales.max())))
    return float(scales[best]), float(travels[best])


def _arms_inside(reference: Body, size: Size) -> list[list[int]]:
    """The joints of each arm whose wrist is in the picture (of a portrait, the whole arm): only these have to stay in it."""
    xy, seen = reference.xyz[0, :, :2], reference.seen[0]
    if not is_portrait(xy[_HIPS], seen[_HIPS], size):
        return [arm for wrist, arm in _ARMS.items() if seen[wrist] and inside(xy[wrist], size)]
    margin = NEAR * torso(reference)
    return [arm for wrist, arm in _ARMS.items() if seen[arm[:2]].all() and inside(xy[arm], size, margin)[seen[arm]].all()]


def _room(path: np.ndarray, xyz: np.ndarray, seen: np.ndarray, kept: list[int], damped: tuple[int, int]) -> _Room:
    low, high = _boxes(xyz, seen, kept)
    home = np.median(path, axis=0)
    return _Room(home, path - home, np.array(damped, float), low, high)


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
    fraction = np.clip(((space - feet[down, 1]) / path[down, 1]).min(initial=1.0), 0, 1)
    path = path * np.stack([np.ones(len(path)), np.where(down, fraction, 1.0)], axis=1)
    return path, max(0.0, float((path[:, 1] + feet[:, 1]).max()) - space)


def _lower_edge(reference: Body, size: Size) -> float:
    """The lower edge; lower down if the picture cuts off so much of the feet that raising them into it would show."""
    feet = reference.xyz[0, _LEGS, 1][reference.seen[0, _LEGS]]
    return max(float(size[1]), float(feet.max()) - RAISED * size[1])


def _with_visible_crown(xyz: np.ndarray, reference: Body) -> np.ndarray:
    """The crown lowered as far as the picture itself cuts it off."""
    head, crown = reference.xyz[0, HEAD, 1], reference.xyz[0, CROWN, 1]
    fraction = np.clip(head / (head - crown), 0, 1) if crown < head else 1.0
    xyz = xyz.copy()
    xyz[:, CROWN] = xyz[:, HEAD] + fraction * (xyz[:, CROWN] - xyz[:, HEAD])
    return xyz


def _flat(points: np.ndarray) -> np.ndarray:
    """F 2 -> F 1 3 with z = 0."""
    return np.pad(points, ((0, 0), (0, 1)))[:, None]


def _note(placement: _Placement, notes: list[str]) -> None:
    if placement.scale < 0.995:
        notes.append(f"The motion needs more room than the picture has: the figure is shrunk to {placement.scale:.0%}.")
    if placement.travel < 0.995:
        notes.append(f"The motion goes further than the picture is wide: its way is shortened to {placement.travel:.0%}.")
