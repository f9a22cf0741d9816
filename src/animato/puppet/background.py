"""The background without the person."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.figure import Figure, distance_to_point
from animato.puppet.fill import laplace, pull_push

COARSE = 4  # the hole is smoothed at this fraction of the size
FEATHER = 6  # pixels


def background(figure: Figure) -> np.ndarray:
    """H W 3 uint8: the picture with the person, and the floor close to the feet, filled from around (specs/puppet.md, section 5)."""
    hole = hole_of(figure)
    if hole.all():
        return figure.picture.copy()
    size = tuple(max(n // COARSE, 1) for n in hole.shape[::-1])
    guess = cv2.resize(pull_push(figure.picture, ~hole), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(hole.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    smooth = cv2.resize(laplace(guess, small, 300), hole.shape[::-1], interpolation=cv2.INTER_LINEAR)
    share = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), FEATHER / 2)[..., None]
    share = np.maximum(share, (figure.alpha > 0.03)[..., None])
    return np.clip(figure.picture + (smooth - figure.picture) * share, 0, 255).astype(np.uint8)


def hole_of(figure: Figure) -> np.ndarray:
    """H W bool: everything that shows the person, widely, and the floor around the feet, which holds their shadow."""
    person = (figure.alpha > 0.03).astype(np.uint8)
    hole = cv2.dilate(person, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (17, 17))) > 0
    for joint in ("ankle_l", "ankle_r", "toe_l", "toe_r"):
        hole |= distance_to_point(figure.joint(joint), figure.shape) < 0.22 * figure.unit
    return hole
