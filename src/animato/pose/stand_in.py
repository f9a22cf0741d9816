"""A standing figure for a picture in which nobody was recognised: joints to be moved onto a drawing or a doll by hand."""

from __future__ import annotations

import cv2
import numpy as np

from animato.core.opacity import OPAQUE, Cut
from animato.pose.keypoints import KEYPOINTS, Point, PoseSequence

UNLIKE = 30.0  # grey levels that a figure differs from the picture's border in some channel
SMALLEST, LARGEST = 0.04, 0.95  # share of the picture that a figure may take
USUAL = (0.25, 0.05, 0.75, 0.95)  # the box of a figure that cannot be told from its background, in the picture's sides

# (x, y) in the figure's height from the top of its middle line; of pairs the left one, which is at the right of one who faces us.
_MIDDLE = {Point.NOSE: (0.0, 0.085), Point.NECK: (0.0, 0.185)}
_LEFT = {
    Point.L_EYE: (0.017, 0.07),
    Point.L_EAR: (0.037, 0.078),
    Point.L_SHOULDER: (0.1, 0.19),
    Point.L_ELBOW: (0.145, 0.35),
    Point.L_WRIST: (0.175, 0.49),
    Point.L_HIP: (0.06, 0.52),
    Point.L_KNEE: (0.065, 0.73),
    Point.L_ANKLE: (0.07, 0.93),
    Point.L_HEEL: (0.065, 0.955),
    Point.L_BIG_TOE: (0.085, 0.98),
    Point.L_SMALL_TOE: (0.1, 0.975),
}
_WIDTH = 0.4  # of the figure, in its height


def standing(cut: Cut) -> PoseSequence:
    """One frame of a person who stands where the picture's figure is, facing us, arms aside."""
    height, width = cut.pixels.shape[:2]
    left, top, right, bottom = figure_box(cut)
    tall = bottom - top
    wide = tall * min(1.0, (right - left) / (_WIDTH * tall))
    points, score = np.zeros((1, 1, KEYPOINTS, 3)), np.zeros((1, 1, KEYPOINTS))
    other = {Point[point.name.replace("L_", "R_", 1)]: (-x, y) for point, (x, y) in _LEFT.items()}
    for point, (x, y) in {**_MIDDLE, **_LEFT, **other}.items():
        points[0, 0, point, :2] = (left + right) / 2 + x * wide, top + y * tall
        score[0, 0, point] = 1.0
    return PoseSequence(points, score, (width, height))


def figure_box(cut: Cut) -> tuple[float, float, float, float]:
    """left, top, right, bottom of what is opaque, or of the largest thing that is unlike the border; otherwise of a usual figure."""
    height, width = cut.pixels.shape[:2]
    figure = cut.opacity >= OPAQUE if cut.opacity is not None else _unlike_border(cut.pixels)
    _, _, stats, _ = cv2.connectedComponentsWithStats(figure.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if len(areas) and SMALLEST <= areas.max() / figure.size <= LARGEST:
        x, y, wide, tall, _ = stats[1 + int(areas.argmax())]
        return float(x), float(y), float(x + wide), float(y + tall)
    return USUAL[0] * width, USUAL[1] * height, USUAL[2] * width, USUAL[3] * height


def _unlike_border(picture: np.ndarray) -> np.ndarray:
    """H W bool, closed over small gaps: line art is more than its lines."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    unlike = np.abs(picture.astype(np.float32) - np.median(border, axis=0)).max(axis=2) > UNLIKE
    side = max(min(picture.shape[:2]) // 40, 1) * 2 + 1
    return cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)) > 0
