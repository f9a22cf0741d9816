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
HAND_REACH = 4.0  # half thicknesses of a finger by which an estimated hand may be off
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
    return settle(labels, figure.inside, 0.04 * figure.unit)


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


def settle(labels: np.ndarray, inside: np.ndarray, thin: float) -> np.ndarray:
    """Labels without specks and strands: every pixel that is not in a kept piece takes the nearest kept label.

    Each label keeps its largest piece (limbs also those over 15 % of it), where pieces hang together by more than `thin` pixels:
    else the outline of an arm stays with the body it touches at the shoulder, and hangs in the air when the arm moves away.
    """
    smooth = cv2.medianBlur(labels, 5)
    size = 2 * round(thin / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    kept = np.zeros(labels.shape, bool)
    for label in range(len(LAYERS)):
        region = ((smooth == label) & inside).astype(np.uint8)
        pieces = cv2.morphologyEx(region, cv2.MORPH_OPEN, kernel)
        kept |= _largest(pieces if pieces.any() else region, 1.0 if label == TORSO else 0.15)
    return nearest_value(smooth, kept)


def _largest(region: np.ndarray, share: float) -> np.ndarray:
    """H W bool: the components of a region (H W uint8) of at least `share` of the largest one's area."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(region, connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA].copy()
    area[0] = 0
    return (area >= max(share * area.max(), 1))[pieces]


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
    draped = _draped(figure, name, labels)
    relative = figure.relative[name]
    far = relative > 1.6
    if name in figure.hands:
        far &= figure.hands[name] > HAND_REACH
    hints = np.where(labels == arm, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    hints[far | _certainly_other(figure, name, relative)] = cv2.GC_BGD
    hints[core] = cv2.GC_FGD
    hints[draped | ~figure.inside] = cv2.GC_BGD
    picture = figure.picture.copy()
    picture[~figure.inside] = (255, 0, 255)  # one colour that says "not the person", whatever the background looks like
    cut = grabcut(picture, hints, 3, scale)
    if name in figure.hands:
        cut = _cut_hand(picture, figure.hands[name], hints, cut)
    return _touching(cut, core)


def _cut_hand(picture: np.ndarray, hand: np.ndarray, hints: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """The arm's pixels with those around the hand cut once more, at full size: fingers are few pixels wide."""
    around = hand < HAND_REACH
    left, top, width, height = cv2.boundingRect(around.astype(np.uint8))
    window = slice(max(top - 8, 0), top + height + 8), slice(max(left - 8, 0), left + width + 8)
    local = np.where(cut, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    local[~around] = np.where(cut, np.uint8(cv2.GC_FGD), np.uint8(cv2.GC_BGD))[~around]
    sure = (hints == cv2.GC_FGD) | (hints == cv2.GC_BGD)
    local[sure & around] = hints[sure & around]
    result = cut.copy()
    result[window] = grabcut(np.ascontiguousarray(picture[window]), np.ascontiguousarray(local[window]), 2, 1.0)
    return result


def _arm_core(figure: Figure, name: str) -> np.ndarray:
    """H W bool: what certainly is arm. Near the shoulder that is the half away from the body, whose colours may well be the body's."""
    cores = [each.distance < share * r for each, r, share in zip(figure.bones[name], figure.radii[name], ARM_CORE, strict=True)]
    upper = figure.bones[name][0]
    shoulder = (upper.t > 0) & (upper.distance < 0.8 * figure.radii[name][0]) & outer_side(figure, name)
    core = cores[0] & (upper.t > 0.1) | shoulder | cores[1]
    core |= figure.hands[name] < 0.6 if name in figure.hands else cores[2] | cores[3]
    return core & figure.inside


def _draped(figure: Figure, name: str, labels: np.ndarray) -> np.ndarray:
    """H W bool: hair or cloth of the body that lies over the inner half of an upper arm.

    Its colour is the nearest body pixel's and far from that of the arm's outer half at the same height.
    """
    upper = figure.bones[name][0]
    outer = outer_side(figure, name)
    zone = figure.inside & (upper.distance < 1.4 * figure.radii[name][0]) & (upper.t > 0) & (upper.t < 1)
    body = figure.inside & (labels == TORSO) & (figure.relative[name] > 1.2)
    if not (zone & outer).any() or not body.any():
        return np.zeros(figure.shape, bool)
    lab = cv2.cvtColor(figure.picture, cv2.COLOR_RGB2LAB)
    rows = np.clip(upper.t * 12, 0, 11).astype(np.int32)
    usual = np.zeros((12, 3), np.float32)
    everywhere = np.median(lab[zone & outer], axis=0)
    for row in range(12):
        here = lab[zone & outer & (rows == row)]
        usual[row] = np.median(here, axis=0) if len(here) else everywhere
    to_arm = np.linalg.norm(lab - usual[rows], axis=2)
    to_body = np.linalg.norm(lab - nearest_value(lab, body).astype(np.float32), axis=2)
    alike = ((to_arm > 25) & (to_body < 0.6 * to_arm)).astype(np.float32)
    return zone & ~outer & (cv2.boxFilter(alike, -1, (5, 5)) > 0.5)


def outer_side(figure: Figure, name: str) -> np.ndarray:
    """H W bool: the side of an upper arm's line that looks away from the middle of the trunk."""
    upper, spine = figure.bones[name][0], figure.bones["torso"][0]
    x, y = (np.arange(n, dtype=np.float32) + 0.5 for n in figure.shape[::-1])
    along = upper.b - upper.a
    middle = (spine.a + spine.b) / 2 - upper.a
    side = (x - upper.a[0]) * along[1] - ((y - upper.a[1]) * along[0])[:, None]
    return (side < 0) if middle[0] * along[1] - middle[1] * along[0] > 0 else (side > 0)


def _certainly_other(figure: Figure, name: str, relative: np.ndarray) -> np.ndarray:
    """Pixels that belong to the spine, the head, another limb's core, or lie behind the shoulder."""
    spine, neck = figure.bones["torso"]
    other = (spine.distance < 0.12 * figure.unit) | (distance_to_point(neck.b, figure.shape) < 0.35 * max(neck.length, 0.2 * figure.unit))
    beside = (figure.hands[name] > HAND_REACH) if name in figure.hands else True
    for leg in ("leg_l", "leg_r"):
        other |= (figure.relative[leg] < 0.35) & (relative > 0.6) & beside
    other |= _arm_core(figure, "arm_r" if name == "arm_l" else "arm_l")
    upper = figure.bones[name][0]
    return other | ((upper.t < -0.1) & (relative > 0.3))


def _touching(region: np.ndarray, core: np.ndarray) -> np.ndarray:
    _, pieces = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    keep = np.zeros(pieces.max() + 1, bool)
    keep[np.unique(pieces[core & region])] = True
    keep[0] = False
    return keep[pieces]
