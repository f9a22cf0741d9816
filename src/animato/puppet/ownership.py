"""Which layer owns a pixel: the torso with the head, an arm or a leg."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.body import LAYERS
from animato.puppet.bones import LIMBS
from animato.puppet.figure import Figure, distance_to, distance_to_point, trunk
from animato.puppet.fill import nearest_value
from animato.puppet.grabcut import grabcut

TORSO, ARMS, LEGS = 0, (1, 2), (3, 4)  # labels are places in body.LAYERS
ARM_CORE = (0.40, 0.45, 0.40, 0.40)  # what certainly is arm, in half thicknesses of each of its bones


def owners(figure: Figure, scale: float = 0.5) -> np.ndarray:
    """The layer that owns each pixel, also outside the person, where it is the layer of the nearest owner (specs/puppet.md, section 4).

    scale    size at which GrabCut works
    returns  H W  uint8  a place in body.LAYERS
    """
    costs = part_costs(figure)
    labels = np.argmin(costs, axis=0).astype(np.uint8)
    costs[list(ARMS)] = np.inf
    without_arms = np.argmin(costs, axis=0).astype(np.uint8)
    for arm in ARMS:
        mine = _cut_arm(figure, labels, arm, scale)
        labels = np.where(mine, np.uint8(arm), np.where(labels == arm, without_arms, labels))
    return settle(labels, figure.inside)


def part_costs(figure: Figure) -> np.ndarray:
    """5 H W float32: how badly each layer explains each pixel; below 1 it lies within the part."""
    costs = [_torso_cost(figure)]
    for layer in LIMBS:
        cost = figure.relative[layer]
        if layer.startswith("arm"):
            costs.append(np.where(cost < 1, np.float32(0.55) * cost, cost + np.float32(0.4)))
        else:
            costs.append(cost + np.where(figure.bones[layer][0].t < 0, np.float32(2), np.float32(0)))
    return np.stack(costs)


def settle(labels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Labels without specks: each keeps its largest piece (limbs also those over 15 % of it), every other pixel takes the nearest kept label."""
    smooth = cv2.medianBlur(labels, 5)
    kept = np.zeros(labels.shape, bool)
    for label in range(len(LAYERS)):
        region = ((smooth == label) & inside).astype(np.uint8)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(region, connectivity=4)
        area = stats[:, cv2.CC_STAT_AREA].copy()
        area[0] = 0
        kept |= (area >= max((1.0 if label == TORSO else 0.15) * area.max(), 1))[pieces]
    return nearest_value(smooth, kept)


def _torso_cost(figure: Figure) -> np.ndarray:
    spine, neck = figure.bones["torso"]
    unit = np.float32(figure.unit)
    below = np.maximum(-spine.t * np.float32(spine.length), 0)  # pixels under the hip line
    body = 0.6 + (distance_to(trunk(figure.xy, figure.shape, 0.9)) + below) / (np.float32(0.16) * unit)
    head = distance_to_point(neck.b, figure.shape) / np.float32(max(0.62 * neck.length, 0.2 * figure.unit))
    return np.minimum(np.minimum(body, head), neck.distance / (np.float32(0.16) * unit))


def _cut_arm(figure: Figure, labels: np.ndarray, arm: int, scale: float) -> np.ndarray:
    """H W bool: the pixels of an arm, told from what lies behind it by colour."""
    name = LAYERS[arm]
    core = _arm_core(figure, name)
    relative = figure.relative[name]
    hints = np.where(labels == arm, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    hints[(relative > 1.6) | _certainly_other(figure, name, relative)] = cv2.GC_BGD
    hints[core] = cv2.GC_FGD
    picture = figure.picture.copy()
    picture[~figure.inside] = (255, 0, 255)  # one colour that says "not the person", whatever the background looks like
    hints[~figure.inside] = cv2.GC_BGD
    cut = grabcut(picture, hints, 3, scale)
    return _touching(cut, core)


def _arm_core(figure: Figure, name: str) -> np.ndarray:
    fields = zip(figure.bones[name], figure.radii[name], ARM_CORE, strict=True)
    core = np.zeros(figure.shape, bool)
    for index, (each, radius, share) in enumerate(fields):
        if index < 2 or name not in figure.hands:
            core |= (each.distance < share * radius) & ((each.t > 0.1) | (index > 0))
    if name in figure.hands:
        core |= figure.hands[name] < 0.6
    return core & figure.inside


def _certainly_other(figure: Figure, name: str, relative: np.ndarray) -> np.ndarray:
    """Pixels that belong to the spine, the head, another limb's core, or lie behind the shoulder."""
    spine, neck = figure.bones["torso"]
    other = (spine.distance < 0.12 * figure.unit) | (distance_to_point(neck.b, figure.shape) < 0.35 * max(neck.length, 0.2 * figure.unit))
    for leg in ("leg_l", "leg_r"):
        other |= (figure.relative[leg] < 0.35) & (relative > 0.6)
    other |= _arm_core(figure, "arm_r" if name == "arm_l" else "arm_l")
    upper = figure.bones[name][0]
    return other | ((upper.t < -0.1) & (relative > 0.3))


def _touching(region: np.ndarray, core: np.ndarray) -> np.ndarray:
    _, pieces = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    keep = np.zeros(pieces.max() + 1, bool)
    keep[np.unique(pieces[core & region])] = True
    keep[0] = False
    return keep[pieces]
