"""The gusset: what lies between the thighs belongs to the torso too, so that no wedge of background opens when the legs part."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.figure import Figure

LONGEST = 0.32  # of the thigh that it may reach down
GAP = 0.05  # T: the width of a gap between the legs at which it ends
STEP = 0.02  # of the thigh, between the heights that are looked at
ABOVE = 0.1  # of the thigh by which it begins above the hips, under the torso's own pixels
NARROW = 0.35  # of its width at the hips that is left at the bottom of the longest one


def gusset(figure: Figure) -> np.ndarray:
    """H W bool: between the thighs, from the hips down to where the legs are apart in the picture."""
    ends = np.array([[figure.joint(f"{joint}_{side}") for joint in ("hip", "knee")] for side in "lr"])  # left and right, hip and knee, 2
    reach = _reach(figure, ends)
    region = np.zeros(figure.shape, np.uint8)
    if reach > 0:
        heights = np.array([-ABOVE, 0, reach])
        cv2.fillPoly(region, [np.round(_outline(ends, heights)).astype(np.int32)], 1)
    return region > 0


def _reach(figure: Figure, ends: np.ndarray) -> float:
    """Where on the way down the thighs the first gap between them is, as a share of the thigh."""

    for height in np.arange(STEP, LONGEST + STEP / 2, STEP):
        left, right = ends[:, 0] + height * (ends[:, 1] - ends[:, 0])
        if _widest_gap(figure.inside, left, right) > GAP * figure.unit:
            return float(height)

    return LONGEST


def _outline(ends: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """N 2: down the left edge and up the right one, in pixels; it narrows downwards, as what parted thighs show between them does."""
    places = ends[:, None, 0] + heights[:, None] * (ends[:, None, 1] - ends[:, None, 0])  # 2 N 2
    middle = places.mean(axis=0)
    share = 1 - (1 - NARROW) * np.clip(heights, 0, None) / LONGEST
    left, right = middle + share[:, None] * (places - middle)
    return np.concatenate([left, right[::-1]])


def _widest_gap(inside: np.ndarray, left: np.ndarray, right: np.ndarray) -> float:
    """Pixels of the longest run on the line between two places (x, y) that is outside the person."""
    length = float(np.hypot(*(right - left)))
    points = left + np.linspace(0, 1, max(round(length), 2))[:, None] * (right - left)
    x = np.clip(points[:, 0].astype(int), 0, inside.shape[1] - 1)
    y = np.clip(points[:, 1].astype(int), 0, inside.shape[0] - 1)
    runs = np.diff(np.flatnonzero(np.concatenate([[True], inside[y, x], [True]])))
    return float(runs.max() - 1) * length / max(len(points) - 1, 1)
