"""Hands that were estimated: their fingers cut out at full size, and those that were left behind fetched."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.body import LAYERS
from animato.puppet.figure import Figure, touching
from animato.puppet.grabcut import grabcut

HAND_REACH = 4.0  # half thicknesses of a finger by which an estimated hand may be off


def cut_hand(picture: np.ndarray, hand: np.ndarray, hints: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """H W bool: the arm's pixels, those around the hand cut once more, at full size, because fingers are few pixels wide.

    picture  H W 3  uint8
    hand     H W    float32  distance to the hand in half thicknesses of a finger
    hints    H W    uint8    what the arm's cut started from
    cut      H W    bool     what it found
    """
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


def left_fingers(figure: Figure, name: str, labels: np.ndarray) -> np.ndarray:
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
    left = beside & (np.linalg.norm(lab - colour, axis=2) < min(max(2.5 * spread, 12), 0.5 * float(np.linalg.norm(colour - cloth))))
    return touching(left | (arm & (hand < 1.5 * HAND_REACH)), skin) & left
