"""Hands that were estimated: their fingers cut out at full size, and those that were left behind fetched."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.skeleton import LAYERS, PRIOR
from animato.puppet.figure import Figure, touching
from animato.puppet.grabcut import grabcut

WRIST = 1.5  # half thicknesses of a forearm within which its colours are its own business
HAND_REACH = 4.0  # half thicknesses of a finger by which an estimated hand may be off


def cut_hand(figure: Figure, name: str, hints: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """H W bool: the arm's pixels, those around the hand cut once more, at full size, because fingers are few pixels wide.

    hints  H W  uint8  what the arm's cut started from
    cut    H W  bool   what it found
    """
    hand = figure.hands[name]
    around = hand < HAND_REACH
    local = np.where(cut, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    local[~around] = np.where(cut, np.uint8(cv2.GC_FGD), np.uint8(cv2.GC_BGD))[~around]
    sure = (hints == cv2.GC_FGD) | (hints == cv2.GC_BGD)
    local[sure & around] = hints[sure & around]
    local[around & _not_hand(figure, name)] = cv2.GC_BGD
    left, top, width, height = cv2.boundingRect(around.astype(np.uint8))
    window = slice(max(top - 8, 0), top + height + 8), slice(max(left - 8, 0), left + width + 8)
    result = cut.copy()
    result[window] = grabcut(np.ascontiguousarray(figure.picture[window]), np.ascontiguousarray(local[window]), 2, 1.0)
    return result


def _not_hand(figure: Figure, name: str) -> np.ndarray:
    """H W bool: what is not of the hand's colour, or is of its colour but goes on farther than a hand may: bare skin of the body."""
    hand, forearm = figure.hands[name], figure.bones[name][1]
    core = (hand < 0.6) & figure.inside
    if not core.any():
        return np.zeros(figure.shape, bool)
    lab = cv2.cvtColor(figure.picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    away = np.linalg.norm(lab - np.median(lab[core], axis=0), axis=2)
    alike = (away < max(2.5 * float(np.median(away[core])), 25)) & figure.inside
    arm = forearm.distance < WRIST * max(figure.radii[name][1], PRIOR[name][1] * figure.unit)
    body = touching((hand > 1.6) & (hand < HAND_REACH + 3) & ~arm & alike, hand > HAND_REACH + 1)
    return ((hand > 1.2) & ~arm & ~alike) | body


def left_fingers(figure: Figure, name: str, labels: np.ndarray) -> np.ndarray:
    """H W bool: pieces beside a hand that have its colour and lie on clothes of another colour: fingers that the cut left behind.

    A piece that goes on farther than a finger is bare skin of the body.
    """
    hand, arm = figure.hands[name], labels == LAYERS.index(name)
    near, farther = hand < 1.5 * HAND_REACH, hand < 3 * HAND_REACH
    skin, around = arm & (hand < 1) & figure.inside, ~arm & ~near & farther & figure.inside
    if not (skin.any() and around.any()):
        return np.zeros(figure.shape, bool)
    lab = cv2.cvtColor(figure.picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    colour, cloth = np.median(lab[skin], axis=0), np.median(lab[around], axis=0)
    contrast = float(np.linalg.norm(colour - cloth))
    if contrast < 40:
        return np.zeros(figure.shape, bool)
    spread = float(np.median(np.linalg.norm(lab[skin] - colour, axis=1)))
    alike = np.linalg.norm(lab - colour, axis=2) < min(max(2.5 * spread, 12), 0.5 * contrast)
    pieces = ~arm & figure.inside & farther & alike
    pieces &= ~touching(pieces, ~near)
    return touching(pieces | (arm & near), skin) & pieces
