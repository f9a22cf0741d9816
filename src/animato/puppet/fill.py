"""Colours for pixels that have none: from the nearest valid pixel or from a pyramid of averages."""

from __future__ import annotations

import cv2
import numpy as np

STRETCH = 2.0  # how much farther a step along a limb counts than one across it


def nearest_value(values: np.ndarray, valid: np.ndarray, along: np.ndarray | None = None) -> np.ndarray:
    """`values` (H W or H W C) with every pixel that is not valid replaced by its nearest valid one; unchanged where none is valid.

    along  a direction (x, y) in which steps count STRETCH times, because clothes change along a limb and seldom across it
    """
    if not valid.any():
        return values
    source = _nearest(valid) if along is None else _nearest_across(valid, along)
    return values.reshape(valid.size, -1)[source].reshape(values.shape)


def spread_colours(picture: np.ndarray, valid: np.ndarray, along: np.ndarray | None = None) -> np.ndarray:
    """H W 3 uint8: valid pixels as they are, the others with the nearest valid colour, the more blurred the farther it comes from.

    The nearest colour keeps the edge of a red jacket against blue shorts; a pyramid of averages smears purple there
    (docs/puppet.md, 5).
    """
    filled = nearest_value(picture, valid, along)
    distance = cv2.distanceTransform((~valid).astype(np.uint8), cv2.DIST_L2, 5)
    blurred = cv2.GaussianBlur(filled, (0, 0), 4)
    share = np.clip(distance / 24, 0, 1)[..., None]
    return np.where(valid[..., None], filled, filled + (blurred.astype(np.float32) - filled) * share).astype(np.uint8)


def _nearest(valid: np.ndarray) -> np.ndarray:
    """H W int64: the flat place of the nearest valid pixel."""
    _, labels = cv2.distanceTransformWithLabels((~valid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    place = np.zeros(labels.max() + 1, np.int64)
    place[labels[valid]] = np.flatnonzero(valid)
    return place[labels]


def _nearest_across(valid: np.ndarray, along: np.ndarray) -> np.ndarray:
    """As _nearest, in a turned copy of the picture whose rows lie across `along` and are STRETCH times as far apart."""
    height, width = valid.shape
    length = float(np.hypot(*along))
    x, y = along / length if length > 0 else (0.0, 1.0)
    turn = np.array([[y, -x], [STRETCH * x, STRETCH * y]])
    corners = turn @ np.array([[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1]])
    matrix = np.column_stack([turn, -corners.min(axis=1)])
    size = tuple(int(n) + 1 for n in np.ceil(corners.max(axis=1) - corners.min(axis=1)))
    flat = np.arange(valid.size).reshape(valid.shape)
    marked = np.where(valid, flat, -1).astype(np.float32)  # exact below 2^24 pixels
    places = cv2.warpAffine(marked, matrix, size, flags=cv2.INTER_NEAREST, borderValue=-1)
    if (places < 0).all():
        return _nearest(valid)
    nearest = places.ravel()[_nearest(places >= 0)]
    back = cv2.warpAffine(nearest, matrix, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
    return np.where(valid, flat, back.astype(np.int64))


def pull_push(picture: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """H W 3 float32: the picture with its invalid pixels taken from the finest level of an averaging pyramid that is valid there.

    The coarsest level's empty cells take the mean of all valid pixels; without that corners far from any valid pixel turn black.
    """
    weight = valid.astype(np.float32)
    colour = picture.astype(np.float32) * weight[..., None]
    levels = [(colour, weight)]
    while min(weight.shape) > 1:
        size = (weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2
        colour = np.asarray(cv2.resize(colour, size, interpolation=cv2.INTER_AREA))
        weight = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA))
        levels.append((colour, weight))
    mean = picture[valid].mean(axis=0) if valid.any() else picture.reshape(-1, 3).mean(axis=0)
    result = np.broadcast_to(mean.astype(np.float32), (*levels[-1][1].shape, 3))
    for colour, weight in reversed(levels):
        coarse = cv2.resize(np.ascontiguousarray(result), weight.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(*weight.shape, 3)
        own = colour / np.maximum(weight, 1e-6)[..., None]
        share = np.clip(4 * weight, 0, 1)[..., None]
        result = coarse + (own - coarse) * share
    return np.where(valid[..., None], picture.astype(np.float32), result)
