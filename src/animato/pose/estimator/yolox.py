"""People in a picture by a YOLOX detector: the numerics around the network, as MooreThreads' AnimateAnyone runs it."""

from __future__ import annotations

import cv2
import numpy as np

from animato.core.shapes import Size

STRIDES = (8, 16, 32)
PAD = 114
OVERLAP = 0.45
CANDIDATE, PERSON = 0.1, 0.3  # scores that enter the non-maximum suppression, and that are kept after it


def letterbox(image: np.ndarray, size: Size) -> tuple[np.ndarray, float]:
    """H W 3 uint8 BGR -> 3 h w float32, not normalised, the picture in the upper left corner; and the factor by which it was resized."""
    ratio = min(size[1] / image.shape[0], size[0] / image.shape[1])
    padded = np.full((size[1], size[0], 3), PAD, np.uint8)
    small = cv2.resize(image, (int(image.shape[1] * ratio), int(image.shape[0] * ratio)), interpolation=cv2.INTER_LINEAR)
    padded[: small.shape[0], : small.shape[1]] = small
    return np.ascontiguousarray(padded.transpose(2, 0, 1), np.float32), ratio


def decode(raw: np.ndarray, size: Size) -> np.ndarray:
    """1 N 85 of the network -> the same with boxes (centre x, y, width, height) in pixels of its input of `size`."""
    centres, strides = [], []
    for stride in STRIDES:
        columns, rows = size[0] // stride, size[1] // stride
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
        centres.append(grid)
        strides.append(np.full((len(grid), 1), stride))
    scale = np.concatenate(strides)
    decoded = raw.copy()
    decoded[..., :2] = (raw[..., :2] + np.concatenate(centres)) * scale
    decoded[..., 2:4] = np.exp(raw[..., 2:4]) * scale
    return decoded


def people(raw: np.ndarray, size: Size, ratio: float) -> np.ndarray:
    """1 N 85 of the network -> P 4 boxes (x0, y0, x1, y1) of people in pixels of the picture, the surest first."""
    rows = decode(raw, size)[0]
    score = rows[:, 4] * rows[:, 5]  # class 0 is people; suppression is per class, so the other 79 cannot matter
    half = rows[:, 2:4] / 2
    boxes = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1) / ratio
    likely = score > CANDIDATE
    boxes, score = boxes[likely], score[likely]
    kept = suppress(boxes, score)
    return boxes[kept][score[kept] > PERSON].astype(float)


def suppress(boxes: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Indices of the boxes that remain when each drops the less sure ones that overlap it, the surest first; areas include both ends."""
    area = np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1)
    order = score.argsort()[::-1]
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        corner = np.minimum(boxes[best, 2:], boxes[order, 2:]) - np.maximum(boxes[best, :2], boxes[order, :2]) + 1
        common = np.prod(np.maximum(corner, 0), axis=1)
        order = order[common / (area[best] + area[order] - common) <= OVERLAP]
    return np.array(kept, int)
