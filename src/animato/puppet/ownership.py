"""Which layer owns a pixel: the torso with the head, an arm or a leg."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.skeleton import LAYERS
from animato.puppet.arms import cut_arm
from animato.puppet.bones import ARMS, LIMBS
from animato.puppet.figure import Figure, distance_to, distance_to_point, opened, trunk
from animato.puppet.fill import nearest_value
from animato.puppet.hands import left_fingers

THIN = 0.04  # T: what is thinner does not hold a piece to its part


def owners(figure: Figure, scale: float = 0.5) -> np.ndarray:
    """The layer that owns each pixel, also outside the person, where it is the layer of the nearest owner (docs/puppet.md, 4).

    scale    size at which GrabCut works
    returns  H W  uint8  a place in skeleton.LAYERS
    """
    costs = part_costs(figure)
    for name, hidden in figure.hidden.items():
        costs[LAYERS.index(name)][hidden] = np.inf
    labels = np.argmin(costs, axis=0).astype(np.uint8)
    costs[list(ARMS)] = np.inf
    without_arms = np.argmin(costs, axis=0).astype(np.uint8)
    for arm in ARMS:
        mine = cut_arm(figure, labels, arm, scale)
        labels = np.where(mine, np.uint8(arm), np.where(labels == arm, without_arms, labels))
    labels = settle(labels, figure)
    for name in figure.hands:
        labels[left_fingers(figure, name, labels)] = LAYERS.index(name)
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
    kept, loose = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    for label in range(len(LAYERS)):
        region = ((smooth == label) & figure.inside).astype(np.uint8)
        pieces = region if label in ARMS else opened(region, THIN * figure.unit).astype(np.uint8)
        mine = _largest(pieces if pieces.any() else region, 0.15)
        kept |= mine
        if label not in ARMS:
            loose |= (region > 0) & ~mine
    kept |= _cut_off(figure, smooth, kept, loose)
    return nearest_value(smooth, kept)


def _cut_off(figure: Figure, labels: np.ndarray, kept: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """H W bool: the loose pieces of body and legs that an arm in front cuts off: they have the colour of their own part, not the arm's."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(loose.astype(np.uint8), connectivity=4)
    found = np.zeros(labels.shape, bool)
    reach = round(0.3 * figure.unit)
    for piece in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] > 5e-4 * figure.unit**2):
        x, y, width, height = stats[piece, :4]
        window = slice(max(y - reach, 0), y + height + reach), slice(max(x - reach, 0), x + width + reach)
        here = pieces[window] == piece
        colours = figure.picture[window].astype(np.float32)
        near = kept[window]
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
