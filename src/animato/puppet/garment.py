"""Garment: how far down the legs a skirt or shorts hang together, and which leg pixels therefore move with the torso."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.pose.skeleton import PRIOR
from animato.puppet.bones import ARMS, LEGS, TORSO
from animato.puppet.figure import Figure, with_radii
from animato.puppet.grabcut import grabcut

HEM = 14.0  # Lab by which the colour changes at a hem
STRETCH = 0.12  # of a thigh, above and below a hem
SHARP = 0.7  # of the whole change of colour: what a hem changes from one stretch to the next
HEM_ABOVE, HEM_BELOW = (-0.25, 0.0), (0.25, 0.6)  # of a thigh: where colours are compared
STEP = 0.05  # of a thigh, between the heights that are looked at
# How far out from both legs the body must reach to be a skirt, in prior half thicknesses of a thigh: at the thighs, and below the knees.
FLARE = ((0.7, 1.1), (1.4, 1.0))


@dataclass(frozen=True)
class Garment:
    """How far it reaches along the legs (0 the hip, 1 the knee, 2 the ankle) and whether it is one sheet over both legs."""

    reach: float = 0.0
    skirt: bool = False


def garment_of(figure: Figure, labels: np.ndarray) -> Garment:
    """The garment of a figure whose pixels have owners (docs/puppet.md, 4)."""
    body = figure.inside & ~np.isin(labels, ARMS)
    heights = np.arange(0.3, 2.0, STEP)
    joined = np.array([_joined(figure, body, t) for t in heights])
    wide = joined & np.array([_flared(figure, body, t) for t in heights])
    wide &= np.convolve(wide, np.ones(3), mode="same") >= 2  # a hand beside the thigh is not a skirt
    if wide.any():
        return Garment(float(heights[wide][-1]), True)
    apart = float(heights[~joined][0]) if (~joined).any() else 2.0
    reach = apart - 0.12
    cut_off = max(_point(figure, side, apart)[1] for side in "lr") >= figure.shape[0]
    return Garment(reach) if 0.34 < apart < 0.95 and (cut_off or _has_hem(figure, labels, reach)) else Garment()


def _has_hem(figure: Figure, labels: np.ndarray, reach: float) -> bool:
    """Whether the legs' colour changes about there: trousers go on, and need no sheet over both legs, for the gusset lies between them."""
    lab = cv2.cvtColor(figure.picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    found = []
    for label, leg in zip(LEGS, ("leg_l", "leg_r"), strict=True):
        down = along_leg(figure, leg) - reach
        mine = (labels == label) & figure.inside & (down > HEM_ABOVE[0]) & (down < HEM_BELOW[1])
        above, below = (mine & (down > low) & (down < high) for low, high in (HEM_ABOVE, HEM_BELOW))
        if above.any() and below.any():
            change = float(np.linalg.norm(np.median(lab[above], axis=0) - np.median(lab[below], axis=0)))
            found.append(change > HEM and _sharpest(lab[mine], down[mine]) > SHARP * _change(lab, above, below))
    return not found or any(found)


def _change(lab: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(lab[one].mean(axis=0) - lab[other].mean(axis=0)))


def _sharpest(lab: np.ndarray, down: np.ndarray) -> float:
    """How far the mean colour (N 3) of a stretch of leg is at most from that of the next: a pattern that runs aslant changes slowly."""
    away = [0.0]
    for hem in np.arange(HEM_ABOVE[0] + STRETCH, HEM_BELOW[1] - STRETCH, STEP):
        above, below = (down > hem - STRETCH) & (down < hem - STEP / 2), (down > hem + STEP / 2) & (down < hem + STRETCH)
        if above.any() and below.any():
            away.append(_change(lab, above, below))
    return max(away)


def with_garment(figure: Figure, labels: np.ndarray, garment: Garment, scale: float = 0.5) -> np.ndarray:
    """Labels (H W uint8) in which the torso owns the garment."""
    if not garment.reach:
        return labels
    mine = _skirt(figure, labels, garment.reach, scale) if garment.skirt else _down_to(figure, labels, garment.reach + 0.15)
    return np.where(mine, np.uint8(TORSO), labels)


def under_skirt(figure: Figure) -> Figure:
    """The figure with thighs as thick as the shins below them suggest: a skirt hides how thick they are."""
    radii = dict(figure.radii)
    for leg in ("leg_l", "leg_r"):
        thigh = float(np.clip(1.3 * radii[leg][1], 0.6 * PRIOR[leg][0] * figure.unit, PRIOR[leg][0] * figure.unit))
        radii[leg] = (thigh, *radii[leg][1:])
    return with_radii(figure, radii)


def along_leg(figure: Figure, leg: str) -> np.ndarray:
    """H W float32: how far down a leg every pixel lies: 0 at the hip, 1 at the knee, 2 at the ankle."""
    thigh, shin = figure.bones[leg][:2]
    return np.where(shin.t > 0, np.maximum(1 + shin.t, thigh.t), np.minimum(thigh.t, 1))


def _point(figure: Figure, side: str, t: float) -> np.ndarray:
    names = ("hip", "knee") if t < 1 else ("knee", "ankle")
    a, b = (figure.joint(f"{name}_{side}") for name in names)
    return a + (t % 1) * (b - a)


def _flared(figure: Figure, body: np.ndarray, t: float) -> bool:
    across = figure.joint("hip_l") - figure.joint("hip_r")
    across = across / max(float(np.hypot(*across)), 1e-6)
    thickness = PRIOR["leg_l"][0] * figure.unit
    out = np.array([_reach(body, _point(figure, side, t), sign * across) for side, sign in (("l", 1), ("r", -1))]) / thickness
    limit = np.interp(t, *FLARE)
    return bool(out.mean() >= limit and out.min() >= 0.75 * limit)


def _reach(body: np.ndarray, point: np.ndarray, direction: np.ndarray) -> int:
    """Pixels from a point to the first one in a direction that is not body."""
    steps = 0
    while _is(body, point + steps * direction):
        steps += 1
    return steps


def _joined(figure: Figure, body: np.ndarray, t: float) -> bool:
    left, right = _point(figure, "l", t), _point(figure, "r", t)
    return all(_is(body, left + share * (right - left)) for share in np.linspace(0, 1, 15))


def _is(region: np.ndarray, point: np.ndarray) -> bool:
    x, y = int(np.floor(point[0])), int(np.floor(point[1]))
    return 0 <= y < region.shape[0] and 0 <= x < region.shape[1] and bool(region[y, x])


def _down_to(figure: Figure, labels: np.ndarray, reach: float) -> np.ndarray:
    legs = {LEGS[0]: "leg_l", LEGS[1]: "leg_r"}
    return np.logical_or.reduce([(labels == label) & (along_leg(figure, name) < reach) for label, name in legs.items()])


def _skirt(figure: Figure, labels: np.ndarray, reach: float, scale: float) -> np.ndarray:
    """H W bool: the leg pixels that show a skirt, told from the legs by colour around its hem."""
    legs = np.isin(labels, LEGS)
    down = np.where(labels == LEGS[0], along_leg(figure, "leg_l"), along_leg(figure, "leg_r"))
    thickness = np.float32(PRIOR["leg_l"][0] * figure.unit)
    away = np.minimum(*(np.minimum(*(each.distance for each in figure.bones[leg][:2])) for leg in ("leg_l", "leg_r"))) / thickness
    hints = np.where(down < reach + 0.15, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    hints[(away > 1.35) & (down < reach + 0.5)] = cv2.GC_PR_FGD
    hints[((away < 0.45) & (down > reach + 0.2)) | (down > reach + 0.5)] = cv2.GC_BGD
    hints[(down < reach - 0.15) | (labels == TORSO)] = cv2.GC_FGD
    hints[~figure.inside | np.isin(labels, ARMS)] = cv2.GC_BGD
    picture = figure.picture.copy()
    picture[~figure.inside] = (255, 0, 255)
    return legs & (grabcut(picture, hints, 2, scale) | ~figure.inside & (down < reach + 0.15))
