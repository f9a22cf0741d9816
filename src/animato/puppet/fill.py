"""Colours for pixels that have none: from the nearest valid pixel, from a pyramid of averages, and smooth across a hole."""

from __future__ import annotations

import cv2
import numpy as np


def nearest_value(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """`values` (H W or H W C) with every pixel that is not valid replaced by its nearest valid one; unchanged where none is valid."""
    if not valid.any():
        return values
    _, places = cv2.distanceTransformWithLabels((~valid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    source = np.zeros(places.max() + 1, np.int64)
    source[places[valid]] = np.flatnonzero(valid)
    return values.reshape(valid.size, -1)[source[places]].reshape(values.shape)


def spread_colours(picture: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """H W 3 uint8: valid pixels as they are, the others with the nearest valid colour, the more blurred the farther it comes from.

    The nearest colour keeps a red jacket's edge against blue shorts; averages over a pyramid smear purple there (specs/puppet.md, section 5).
    """
    filled = nearest_value(picture, valid)
    distance = cv2.distanceTransform((~valid).astype(np.uint8), cv2.DIST_L2, 5)
    blurred = cv2.GaussianBlur(filled, (0, 0), 4)
    share = np.clip(distance / 24, 0, 1)[..., None]
    return np.where(valid[..., None], filled, (filled + (blurred.astype(np.float32) - filled) * share)).astype(np.uint8)


def pull_push(picture: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """H W 3 float32: the picture with its invalid pixels taken from the finest level of an averaging pyramid that is valid there.

    The coarsest level's empty cells take the mean of all valid pixels; without that corners far from any valid pixel turn black.
    """
    weight = valid.astype(np.float32)
    colour = picture.astype(np.float32) * weight[..., None]
    levels = [(colour, weight)]
    while min(levels[-1][1].shape) > 1:
        size = tuple((n + 1) // 2 for n in levels[-1][1].shape[::-1])
        levels.append(tuple(cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in levels[-1]))
    mean = picture[valid].mean(axis=0) if valid.any() else picture.reshape(-1, 3).mean(axis=0)
    result = np.broadcast_to(mean.astype(np.float32), (*levels[-1][1].shape, 3))
    for colour, weight in reversed(levels):
        coarse = cv2.resize(np.ascontiguousarray(result), weight.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(*weight.shape, 3)
        own = colour / np.maximum(weight, 1e-6)[..., None]
        share = np.clip(4 * weight, 0, 1)[..., None]
        result = coarse + (own - coarse) * share
    return np.where(valid[..., None], picture.astype(np.float32), result)


def laplace(picture: np.ndarray, hole: np.ndarray, steps: int) -> np.ndarray:
    """H W 3 float32: the picture with the hole (H W bool) made smoother by Jacobi steps of Laplace's equation; its edge stays.

    picture  H W 3 float32 whose hole already holds a guess
    """
    kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    result = picture.astype(np.float32)
    for _ in range(steps):
        result = np.where(hole[..., None], cv2.filter2D(result, -1, kernel, borderType=cv2.BORDER_REPLICATE), result)
    return result
