"""Hinges: where elbows and knees really bend, and how a limb is cut there in two pieces that turn like paper on a pin.

Estimated elbows lie on the crook of a bent arm as often as inside it; a forearm turned about such a point leaves its upper arm. So
a hinge is the middle of the flesh. Both pieces hold the whole disc about it, and their bands go on to it where the picture's bend
hides them: whatever the angle, each keeps its thickness, and no hole opens.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.pose.skeleton import BONES, J
from animato.puppet.affine import unit, wrap
from animato.puppet.parts import Layer, Parts

_ARM_REACH, _LEG_REACH = 0.12, 0.05  # T: how far from the estimated joint the middle of the flesh is sought; thighs may be cloth only
_CLIMB = 0.7  # how many pixels thicker a limb must be for each pixel away from the estimated joint
_BAND = 1.5  # radii: how far from the hinge a piece is widened to its full band
_FLARE = 0.7  # how fast a piece may grow wider than the disc, one radius from it on: before that it is web of the picture's crook
_FADE = 0.9  # radii
_FOLDED = 0.2  # a limb bent so sharply that no line halves its angle
_BESIDE = 1.8  # depths at the joint: where along the limb its own thickness is measured, for a bent joint is thicker
_THIN = 0.6  # of the depth at the joint: no hinge is smaller
_LAP = 1.0  # pixels by which the pieces of one skin overlap, lest their soft edges let the background through
_SOLID = 127
_SUPPLE, _STIFF = np.deg2rad(25), np.deg2rad(60)  # difference to the picture's angle: bends like skin below, like paper above


@dataclass(frozen=True, eq=False)
class Shares:
    """One piece's share of every pixel, H W float32, 0..1.

    joined  while the limb is one skin: all on its side of the hinge, its band and the disc
    under   when it has come apart: without the corner of the picture's bend
    over    the same where it lies on the other piece: the disc fades out, for what lies below holds the same disc
    """

    joined: np.ndarray
    under: np.ndarray
    over: np.ndarray


@dataclass(frozen=True, eq=False)
class Hinge:
    """An elbow or knee in the picture.

    centre  x + iy     radius  half the thickness there, in pixels     root, tip  unit steps towards shoulder or hip, and wrist or ankle
    """

    centre: complex
    radius: float
    root: complex
    tip: complex

    def stiffness(self, root: np.ndarray, tip: np.ndarray) -> float:
        """0..1: how much the limb is two pieces rather than one skin, from the maps (3 complex, affine.py) of the bones that meet."""
        shown = np.angle(_turned(tip, self.tip) * np.conj(_turned(root, self.root)))
        mirrored = abs(root[1]) > abs(root[0])
        own = np.angle(self.tip * np.conj(self.root)) * (-1 if mirrored else 1)
        share = float(np.clip((abs(wrap(shown - own)) - _SUPPLE) / (_STIFF - _SUPPLE), 0, 1))
        return share * share * (3 - 2 * share)

    def shares(self, shape: tuple[int, int], corner: complex = 0) -> tuple[Shares, Shares]:
        """How much of every pixel of a picture whose first pixel lies at `corner` belongs to ROOT and TIP (order.py)."""
        across = self.tip - self.root
        across = unit(across) if abs(across) > _FOLDED else unit(1j * self.tip)
        x, y = np.arange(shape[1], dtype=np.float32) + 0.5, np.arange(shape[0], dtype=np.float32)[:, None] + 0.5
        place = (x + np.float32((corner - self.centre).real), y + np.float32((corner - self.centre).imag))
        return self._shares(place, self.root, -across), self._shares(place, self.tip, across)

    def _shares(self, place: tuple[np.ndarray, np.ndarray], step: complex, side: complex) -> Shares:
        own = _ahead(place, side)
        along = _ahead(place, step)
        off = np.abs(_ahead(place, 1j * step))
        band = self.radius - np.hypot(along - np.clip(along, 0, _BAND * self.radius), off)
        trimmed = np.minimum(np.minimum(own, along), self.radius + _FLARE * np.maximum(along - self.radius, 0) - off)
        apart = _soft(np.maximum(trimmed, band))
        return Shares(_soft(np.maximum(own + _LAP, band)), apart, apart * np.clip(1 + along / (_FADE * self.radius), 0, 1))


def bends(layer: Layer) -> bool:
    """Whether the layer has a hinge: the torso has none, nor has what keeps the picture's shape."""
    return layer.name != "torso" and not layer.frozen


def hinge(layer: Layer, parts: Parts) -> Hinge:
    """The hinge of a limb."""
    (start, bend), (_, end) = BONES[layer.name][:2]
    depth = _depth(layer.texture[..., 3])
    first, middle, last = (complex(*parts.skeleton.xyz[0, J[name], :2]) for name in (start, bend, end))
    reach = _reach(layer, parts)
    corner, deep = _middle(depth, middle, reach)
    last, _ = _middle(depth, last, reach)
    root, tip = unit(first - corner), unit(last - corner)
    thick = [_middle(depth, corner + _BESIDE * deep * step, deep / 2)[1] for step in (root, tip)]
    radius = float(np.clip(np.mean(thick), _THIN * deep, deep))
    return Hinge(corner - (deep - radius) / 2 * (root + tip), max(radius, 1.0), root, tip)


def centred_joints(parts: Parts) -> np.ndarray:
    """J complex: the picture's joints, those inside a limb (elbow and wrist, knee and ankle) in the middle of the flesh."""
    joints = parts.skeleton.xyz[0, :, 0] + 1j * parts.skeleton.xyz[0, :, 1]
    for layer in parts.layers.values():
        if bends(layer):
            depth = _depth(layer.texture[..., 3])
            (_, bend), (_, end) = BONES[layer.name][:2]
            joints[J[bend]] = hinge(layer, parts).centre
            joints[J[end]], _ = _middle(depth, joints[J[end]], _reach(layer, parts))
    return joints


def _reach(layer: Layer, parts: Parts) -> float:
    return (_ARM_REACH if layer.name.startswith("arm") else _LEG_REACH) * parts.torso


def _depth(alpha: np.ndarray) -> np.ndarray:
    """H W float32: how far every pixel lies inside the opaque part."""
    padded = cv2.copyMakeBorder((alpha > _SOLID).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]


def _middle(depth: np.ndarray, joint: complex, reach: float) -> tuple[complex, float]:
    """The point near a joint in the middle of the flesh, and how deep in it lies. The joint itself where there is no flesh."""
    left, top = (max(int(np.floor(v - reach)), 0) for v in (joint.real, joint.imag))
    window = depth[top : max(int(joint.imag + reach) + 1, 0), left : max(int(joint.real + reach) + 1, 0)]
    if not window.size or not window.any():
        return joint, 0.0
    y, x = np.mgrid[: window.shape[0], : window.shape[1]]
    places = x + left + 0.5 + 1j * (y + top + 0.5)
    away = np.abs(places - joint)
    best = int(np.argmax(np.where((window > 0) & (away <= reach), window - _CLIMB * away, -np.inf)))
    if not window.flat[best]:
        return joint, 0.0
    return complex(places.flat[best]), float(window.flat[best])


def _ahead(place: tuple[np.ndarray, np.ndarray], step: complex) -> np.ndarray:
    """H W: how far places, given as x and y from the hinge, lie ahead in the direction of a unit step."""
    return place[0] * np.float32(step.real) + place[1] * np.float32(step.imag)


def _soft(inside: np.ndarray) -> np.ndarray:
    return np.clip(inside + 0.5, 0, 1).astype(np.float32)


def _turned(one: np.ndarray, step: complex) -> complex:
    return unit(one[0] * step + one[1] * np.conj(step))
