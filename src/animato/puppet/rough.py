"""Which part of a filled hole looks smeared: where the background around it is rough, or differs from one side to the other."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.inpaint import FRAME, across, blurred, edges, rows_and_grain

ROUGH = 3.6  # grey levels of detail that is wider than film grain; papers, walls and planks have up to 2.7
APART = 40.0  # grey levels between the two sides of the hole that no slope explains
NOISE = 1.5  # sigma in pixels under which detail is taken for grain
SIDE = 128  # pixels of the longer side at which it is worked out
# Distances in T.
REACH = 0.12  # sigma over which detail is averaged
SLOPE = 0.25  # beside the hole, over which the slope of its smooth colours is measured
AROUND = 0.1  # by which rough places are widened
LEAST = 0.03  # T^2 of hole for which it is worth while


def rough_part(picture: np.ndarray, hole: np.ndarray, unit: float) -> np.ndarray:
    """H W bool: the part of a hole (H W bool) in a picture (H W 3 uint8) that a smooth filling smears. `unit` is T in pixels."""
    if hole.all() or not hole.any():
        return np.zeros_like(hole)
    scale = max(1.0, max(hole.shape) / SIDE)
    size = (max(round(hole.shape[1] / scale), 1), max(round(hole.shape[0] / scale), 1))
    share = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = share > 0.01
    smooth, rest = rows_and_grain(picture, hole)
    found = (_detail(rest, hole, small, unit / scale) > ROUGH) | (_apart(smooth, small, unit / scale) > APART)
    found = np.asarray(found & small)
    if found.sum() < LEAST * (unit / scale) ** 2:
        return np.zeros_like(hole)
    reach = max(round(AROUND * unit / scale), 1)
    wide = cv2.dilate(found.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2))
    return np.asarray((cv2.resize(wide.astype(np.float32), hole.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5) & hole)


def _detail(rest: np.ndarray, hole: np.ndarray, small: np.ndarray, unit: float) -> np.ndarray:
    """h w float32: grey levels (root mean square) of what neither smooth colours nor rows hold, carried through the hole."""
    known = ~hole
    known[:FRAME] = known[-FRAME:] = known[:, :FRAME] = known[:, -FRAME:] = False
    size = small.shape[::-1]
    square = np.square(blurred(rest, ~hole, NOISE, NOISE)).mean(axis=2) * known
    weight = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.GaussianBlur(cv2.resize(square, size, interpolation=cv2.INTER_AREA), (0, 0), max(REACH * unit, 0.5))
    level = np.sqrt(total / np.maximum(cv2.GaussianBlur(weight, (0, 0), max(REACH * unit, 0.5)), 1e-3))
    return across(np.dstack([level] * 3), small)[..., 0]


def _apart(smooth: np.ndarray, small: np.ndarray, unit: float) -> np.ndarray:
    """h w float32: in each row of the hole, how much more its two sides differ than the slopes beside it explain."""
    height, width = small.shape
    colours = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_AREA)
    rows = np.arange(height)[:, None]
    left, right = edges(small)
    step = max(round(SLOPE * unit), 2)
    a, b = colours[rows, np.maximum(left, 0)], colours[rows, np.minimum(right, width - 1)]
    slope = np.maximum(
        np.abs(a - colours[rows, np.maximum(left - step, 0)]), np.abs(b - colours[rows, np.minimum(right + step, width - 1)])
    )
    explained = slope * (right - left)[..., None] / step
    away = np.sqrt(np.square(np.maximum(np.abs(b - a) - explained, 0)).mean(axis=2))
    return np.where(small & (left >= 0) & (right < width), away, 0)
