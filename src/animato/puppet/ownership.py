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
THIN = 0.04  # T: what is thinner does not hold a piece to its part
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
    labels = settle(labels, figure)
    for name in figure.hands:
        labels[_left_fingers(figure, name, labels)] = LAYERS.index(name)
    return labels


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


def settle(labels: np.ndarray, figure: Figure) -> np.ndarray:
    """Labels without specks and strands: every pixel that is not in a kept piece takes the nearest kept label.

    Each label keeps its largest piece and those over 15 % of it. Pieces of body and legs hang together by more than THIN:
    else the outline of an arm stays with the body it touches at the shoulder, and hangs in the air when the arm moves away.
    """
    smooth = cv2.medianBlur(labels, 5)
    size = 2 * round(THIN * figure.unit / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    kept, loose = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    for label in range(len(LAYERS)):
        region = ((smooth == label) & figure.inside).astype(np.uint8)
        pieces = region if label in ARMS else cv2.morphologyEx(region, cv2.MORPH_OPEN, kernel)
        mine = _largest(pieces if pieces.any() else region, 0.15)
        kept |= mine
        if label not in ARMS:
            loose |= (region > 0) & ~mine
    kept |= _cut_off(figure, smooth, kept, loose)
    return nearest_value(smooth, kept)


def _cut_off(figure: Figure, labels: np.ndarray, kept: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """H W bool: the loose pieces of body and legs that an arm in front cuts off: they have the colour of their own part, not the arm's."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(loose.astype(np.uint8), connectivity=4)
    found, reach = np.zeros(labels.shape, bool), round(0.15 * figure.unit)
    for piece in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] > 5e-4 * figure.unit**2):
        x, y, width, height = stats[piece, :4]
        window = slice(max(y - reach, 0), y + height + reach), slice(max(x - reach, 0), x + width + reach)
        here, colours, near = pieces[window] == piece, figure.picture[window].astype(np.float32), kept[window]
        own, arms = near & (labels[window] == labels[window][here][0]), near & np.isin(labels[window], ARMS)
        if piece and own.any() and arms.any():
            usual = np.median(colours[here], axis=0)
            to_own, to_arm = (np.linalg.norm(np.median(colours[region], axis=0) - usual) for region in (own, arms))
            found[window] |= here & (to_own < 0.5 * to_arm)
    return found


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
    if (result & around).sum() > 1.5 * (hand < 1.6).sum():  # skin on skin: colour cannot tell, so the estimate has to
        result &= ~around | (hand < 1.6)
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
    row, column = np.clip(t * 10, 0, 9).astype(int), np.clip(away * 4, 0, 3).astype(int)
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


def _left_fingers(figure: Figure, name: str, labels: np.ndarray) -> np.ndarray:
    """H W bool: pixels beside a hand that have its colour and lie on clothes of another colour: fingers that the cut left behind."""
    hand, arm = figure.hands[name], labels == LAYERS.index(name)
    skin, beside = arm & (hand < 1) & figure.inside, ~arm & (hand < 1.5 * HAND_REACH) & figure.inside
    around = ~arm & (hand >= 1.5 * HAND_REACH) & (hand < 3 * HAND_REACH) & figure.inside
    if not (skin.any() and beside.any() and around.any()):
        return np.zeros(figure.shape, bool)
    lab = cv2.cvtColor(figure.picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    colour, cloth = np.median(lab[skin], axis=0), np.median(lab[around], axis=0)
    if np.linalg.norm(colour - cloth) < 40:
        return np.zeros(figure.shape, bool)
    spread = float(np.median(np.linalg.norm(lab[skin] - colour, axis=1)))
    left = beside & (np.linalg.norm(lab - colour, axis=2) < min(2.5 * spread, 0.5 * float(np.linalg.norm(colour - cloth))))
    return _touching(left | (arm & (hand < 1.5 * HAND_REACH)), skin) & left


def _touching(region: np.ndarray, core: np.ndarray) -> np.ndarray:
    _, pieces = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    keep = np.zeros(pieces.max() + 1, bool)
    keep[np.unique(pieces[core & region])] = True
    keep[0] = False
    return keep[pieces]
