"""An arm told from what lies behind and over it: by colour, within what its bones allow; the biggest single gain of the puppet."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.skeleton import LAYERS
from animato.puppet.bones import TORSO
from animato.puppet.figure import Figure, distance_to_point, touching, trunk
from animato.puppet.fill import nearest_value
from animato.puppet.grabcut import grabcut
from animato.puppet.hands import HAND_REACH, cut_hand

CORE = (0.40, 0.45, 0.40, 0.40)  # what certainly is arm, in half thicknesses of each of its bones


def cut_arm(figure: Figure, labels: np.ndarray, arm: int, scale: float) -> np.ndarray:
    """H W bool: the pixels of an arm (docs/puppet.md, 4).

    labels  H W  uint8  owners by distance alone
    arm     its place in skeleton.LAYERS
    scale   size at which GrabCut works
    """
    name = LAYERS[arm]
    core = arm_core(figure, name)
    draped = draped_over(figure, name, labels)
    relative = figure.relative[name]
    far = relative > np.where(trunk(figure.xy, figure.shape, 0.9), np.float32(1.3), np.float32(1.6))
    if name in figure.hands:
        far &= figure.hands[name] > HAND_REACH
    hints = np.where(labels == arm, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    hints[far | _certainly_other(figure, name, relative)] = cv2.GC_BGD
    hints[core] = cv2.GC_FGD
    hints[draped | ~figure.inside | figure.hidden.get(name, False)] = cv2.GC_BGD
    picture = figure.picture.copy()
    picture[~figure.inside] = (255, 0, 255)  # one colour that says "not the person", whatever the background looks like
    cut = grabcut(picture, hints, 3, scale)
    if name in figure.hands:
        cut = cut_hand(figure, name, hints, cut)
    return touching(cut, core)


def arm_core(figure: Figure, name: str) -> np.ndarray:
    """H W bool: what certainly is arm. Near the shoulder that is the half away from the body, whose colours may well be the body's."""
    cores = [each.distance < share * r for each, r, share in zip(figure.bones[name], figure.radii[name], CORE, strict=True)]
    upper = figure.bones[name][0]
    shoulder = (upper.t > 0) & (upper.distance < 0.8 * figure.radii[name][0]) & outer_side(figure, name)
    core = cores[0] & (upper.t > 0.1) | shoulder | cores[1]
    core |= figure.hands[name] < 0.6 if name in figure.hands else cores[2] | cores[3]
    return core & figure.inside & ~figure.hidden.get(name, np.False_)


def _certainly_other(figure: Figure, name: str, relative: np.ndarray) -> np.ndarray:
    """H W bool: pixels that belong to the spine, the head, another limb's core, or lie behind the shoulder."""
    spine, neck = figure.bones["torso"]
    other = (spine.distance < 0.12 * figure.unit) | (distance_to_point(neck.b, figure.shape) < 0.35 * max(neck.length, 0.2 * figure.unit))
    beside = (figure.hands[name] > HAND_REACH) if name in figure.hands else True
    for leg in ("leg_l", "leg_r"):
        other |= (figure.relative[leg] < 0.35) & (relative > 0.6) & beside
    other |= arm_core(figure, "arm_r" if name == "arm_l" else "arm_l")
    upper = figure.bones[name][0]
    return other | ((upper.t < -0.1) & (relative > 0.3) & beside)


def draped_over(figure: Figure, name: str, labels: np.ndarray) -> np.ndarray:
    """H W bool: hair or cloth of the body that lies over the inner half of an upper arm.

    Its colour is the nearest body pixel's, and nowhere to be found in the arm's outer half at about the same height.
    """
    upper = figure.bones[name][0]
    outer = outer_side(figure, name)
    zone = figure.inside & (upper.distance < 1.4 * figure.radii[name][0]) & (upper.t > 0) & (upper.t < 1)
    body = figure.inside & (labels == TORSO) & (figure.relative[name] > 1.2)
    if not (zone & outer).any() or not body.any():
        return np.zeros(figure.shape, bool)
    lab = cv2.cvtColor(figure.picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    inner = zone & ~outer
    away = upper.distance / figure.radii[name][0]
    to_arm = _from_stripes(lab, zone & outer & (away > 0.4), inner, upper.t, away)
    to_body = np.linalg.norm(lab[inner] - nearest_value(lab, body)[inner], axis=1)
    alike = np.zeros(figure.shape, np.float32)
    alike[inner] = (to_arm > 25) & (to_body < 0.6 * to_arm)
    return inner & (cv2.boxFilter(alike, -1, (5, 5)) > 0.5)


def _from_stripes(lab: np.ndarray, outer: np.ndarray, inner: np.ndarray, t: np.ndarray, away: np.ndarray) -> np.ndarray:
    """For each inner pixel, the distance of its colour from the nearest of the outer half (medians of 10 x 4 cells) at about its height."""
    cells = np.full((12, 4, 3), np.inf, np.float32)
    row = np.clip(t * 10, 0, 9).astype(int)
    column = np.clip(away * 4, 0, 3).astype(int)
    for place in np.unique(row[outer] * 4 + column[outer]):
        cells[place // 4 + 1, place % 4] = np.median(lab[outer & (row * 4 + column == place)], axis=0)
    around = np.stack([cells[:-2], cells[1:-1], cells[2:]], axis=1).reshape(10, 12, 3)[row[inner]]  # N 12 3
    away = np.linalg.norm(lab[inner][:, None] - around, axis=2).min(axis=1)
    return np.where(np.isfinite(away), away, 0)


def outer_side(figure: Figure, name: str) -> np.ndarray:
    """H W bool: the side of an upper arm's line that looks away from the middle of the trunk."""
    upper, spine = figure.bones[name][0], figure.bones["torso"][0]
    x, y = (np.arange(n, dtype=np.float32) + 0.5 for n in figure.shape[::-1])
    along = upper.b - upper.a
    middle = (spine.a + spine.b) / 2 - upper.a
    side = (x - upper.a[0]) * along[1] - ((y - upper.a[1]) * along[0])[:, None]
    return (side < 0) if middle[0] * along[1] - middle[1] * along[0] > 0 else (side > 0)
