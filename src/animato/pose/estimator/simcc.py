"""Keypoints of one person by a SimCC network: the numerics around it, as MooreThreads' AnimateAnyone has them."""

from __future__ import annotations

import cv2
import numpy as np

from animato.core.shapes import Size
from animato.pose.keypoints import KEYPOINTS

MARGIN = 1.25
SPLIT = 2.0  # bins a pixel
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # of RGB, but the published code applies them to BGR
VISIBLE = 0.3
NECK = 17  # its place in the 133 COCO-WholeBody points before they are put in OpenPose order
_FROM = [17, 6, 8, 10, 7, 9, 12, 14, 16, 13, 15, 2, 1, 4, 3]
_TO = [1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17]


def region(box: np.ndarray, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """A box (x0, y0, x1, y1) -> the centre and the size of what the network with input `size` looks at: larger, and of its shape."""
    centre = (box[:2] + box[2:]) / 2
    width, height = (box[2:] - box[:2]) * MARGIN
    aspect = size[0] / size[1]
    return centre, np.array([max(width, height * aspect), max(height, width / aspect)])


def crop(image: np.ndarray, centre: np.ndarray, extent: np.ndarray, size: Size) -> np.ndarray:
    """h w 3 float32: the region of an H W 3 uint8 BGR picture as the network gets it."""
    here = np.array([centre, centre - (0, extent[0] / 2), centre - extent[0] / 2], np.float32)
    middle = np.array(size) / 2
    there = np.array([middle, middle - (0, size[0] / 2), middle - size[0] / 2], np.float32)
    patch = _warp(image, cv2.invertAffineTransform(cv2.getAffineTransform(here, there)), size)
    return ((patch - np.array(MEAN)) / np.array(STD)).astype(np.float32)


def _warp(image: np.ndarray, matrix: np.ndarray, size: Size) -> np.ndarray:
    """Bilinear sampling at 1/32 of a pixel, which is how OpenCV 4 warps; OpenCV 5 rounds otherwise and would give other grey levels."""
    columns, rows = np.arange(size[0]), np.arange(size[1])[:, None]
    x, y = ((np.rint(1024 * a * columns) + np.rint(1024 * (b * rows + c)) + 16).astype(int) >> 5 for a, b, c in matrix)  # h w each
    whole = np.stack([x >> 5, y >> 5], axis=-1).astype(np.int16)
    return cv2.remap(image, whole, ((y & 31) * 32 + (x & 31)).astype(np.uint16), cv2.INTER_LINEAR)


def decode(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P K W' and P K H' of the network -> P K 2 in pixels of its input and P K scores. A score of 0 or less gives the bin -1."""
    score = np.minimum(x.max(axis=2), y.max(axis=2))
    bins = np.stack([x.argmax(axis=2), y.argmax(axis=2)], axis=-1).astype(float)
    bins[score <= 0] = -1
    return bins / SPLIT, score


def to_picture(points: np.ndarray, centre: np.ndarray, extent: np.ndarray, size: Size) -> np.ndarray:
    """K 2 in pixels of the network's input -> in pixels of the picture."""
    return points / size * extent + centre - extent / 2


def openpose_order(points: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P 133 2 and P 133 of COCO-WholeBody -> P 134 2 and P 134 in the project's order, with a neck between the shoulders."""
    neck = points[:, 5:7].mean(axis=1, keepdims=True)
    sure = (score[:, 5:7] > VISIBLE).all(axis=1, keepdims=True).astype(score.dtype)
    points = np.concatenate([points[:, :NECK], neck, points[:, NECK:]], axis=1)
    score = np.concatenate([score[:, :NECK], sure, score[:, NECK:]], axis=1)
    order = np.arange(KEYPOINTS)
    order[_TO] = _FROM
    return points[:, order], score[:, order]
