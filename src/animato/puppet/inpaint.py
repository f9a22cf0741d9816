"""Filling a large hole in a background: smooth colours carried across it, mostly sideways, and grain copied from beside it."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.fill import pull_push

COARSE = 4  # smooth colours and the choice of sources are worked out at this fraction of the size
SIDEWAYS = 6.0  # how much more a pixel takes from its neighbours in the row: skies, walls and floors change downwards
GRAIN = 10.0  # sigma in pixels that divides grain from smooth colour
ROW = 24.0  # sigma in pixels along a row of what belongs to the whole row
EVEN = 41  # rows over which the edge at which grain is mirrored stays the same
BLEND = 12.0  # pixels around the middle of the hole in which both mirror images show
SHORTEST = 16  # pixels of known picture that are worth mirroring
FRAME = 3  # pixels at the picture's edge that are not, because many pictures have a thin frame


def inpaint(picture: np.ndarray, hole: np.ndarray, steps: int = 16) -> np.ndarray:
    """H W 3 float32: the picture (H W 3 uint8) with the hole (H W bool) filled; a picture that is all hole comes back as it is."""
    if hole.all() or not hole.any():
        return picture.astype(np.float32)
    smooth, _ = smooth_fill(picture, hole, steps)
    base = cv2.resize(smooth, hole.shape[::-1], interpolation=cv2.INTER_LINEAR)
    rest = picture - base
    rows = blurred(rest, ~hole, ROW, 1.0)
    result = base + across(rows, hole) + _grain(_subdued(rest - rows, hole), hole)
    return np.where(hole[..., None], np.clip(result, 0, 255), picture).astype(np.float32)


def rows_and_grain(picture: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """h w 3 and H W 3 float32: the smooth colours as in `smooth_fill`, and what neither they nor whole rows hold of the picture."""
    smooth, _ = smooth_fill(picture, hole, 16)
    rest = picture - cv2.resize(smooth, hole.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return smooth, rest - blurred(rest, ~hole, ROW, 1.0)


def smooth_fill(picture: np.ndarray, hole: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """h w 3 float32 and h w bool at 1/COARSE of the size: the picture's smooth colours, carried through the hole, and the hole."""
    size = tuple(max(n // COARSE, 1) for n in hole.shape[::-1])
    share = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small_hole = share > 0.01
    small_hole = small_hole if not small_hole.all() else share > 0.99
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    smooth = blurred(small, ~small_hole, GRAIN / COARSE, GRAIN / COARSE)
    return diffuse(across(smooth, small_hole), small_hole, steps), small_hole


def diffuse(picture: np.ndarray, hole: np.ndarray, steps: int) -> np.ndarray:
    """H W 3 float32: Jacobi steps of Laplace's equation in the hole, SIDEWAYS times as conductive along rows; its edge stays."""
    kernel = np.array([[0, 1, 0], [SIDEWAYS, 0, SIDEWAYS], [0, 1, 0]], np.float32) / (2 + 2 * SIDEWAYS)
    result = picture.astype(np.float32)
    for _ in range(steps):
        result = np.where(hole[..., None], cv2.filter2D(result, -1, kernel, borderType=cv2.BORDER_REPLICATE), result)
    return result


def across(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Straight lines in each row between the hole's two edges, its one edge carried on, or, without any, a pyramid of averages."""
    height, width = hole.shape
    x = np.arange(width)
    left, right = edges(hole)
    rows = np.arange(height)[:, None]
    steady = cv2.blur(picture, (1, 3))
    a = steady[rows, np.maximum(left, 0)]
    b = steady[rows, np.minimum(right, width - 1)]
    share = ((x - left) / np.maximum(right - left, 1))[..., None].astype(np.float32)
    between = np.where((left < 0)[..., None], b, np.where((right >= width)[..., None], a, a + (b - a) * share))
    known = ~hole | ((left >= 0) | (right < width))
    guess = np.where(hole[..., None], between, picture).astype(np.float32)
    return guess if known.all() else np.where(known[..., None], guess, pull_push(picture, ~hole)).astype(np.float32)


def blurred(values: np.ndarray, known: np.ndarray, across: float, down: float) -> np.ndarray:
    """H W 3 float32: Gaussian blur over the known pixels alone, with its two sigmas in pixels."""
    weight = known.astype(np.float32)
    total = cv2.GaussianBlur(values * weight[..., None], (0, 0), across, sigmaY=down)
    return total / np.maximum(cv2.GaussianBlur(weight, (0, 0), across, sigmaY=down), 1e-3)[..., None]


def _grain(detail: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """H W 3 float32: the detail beside the hole, mirrored row by row at its two edges.

    A row keeps its own grain because a floor's grows finer upwards. The hole's edges are taken as the outermost ones of the
    rows around, so that neighbouring rows are mirrored at the same place.
    """
    left, right = edges(cv2.dilate(hole.astype(np.uint8), np.ones((EVEN, 1), np.uint8)) > 0)
    width = hole.shape[1]
    x, rows = np.arange(width), np.arange(hole.shape[0])[:, None]
    lean = np.clip(0.5 + ((right - x) - (x - left)) / (2 * BLEND), 0, 1)
    images = []
    for depth, length, share, edge, sign in ((x - left, left + 1, lean, left, -1), (right - x, width - right, 1 - lean, right, 1)):
        image, strength = _mirrored(depth, length - FRAME)
        place = np.clip(edge + sign * image, 0, width - 1)
        images.append((detail[rows, place], np.where(hole[rows, place], 0, strength * (share + 1e-3))))
    total = np.maximum(np.hypot(images[0][1], images[1][1]), np.maximum(images[0][1], images[1][1]) + 1e-6)
    strongest = np.maximum(images[0][1], images[1][1]) > 0
    grain = sum(values * (share / total)[..., None] for values, share in images)
    return np.where((hole & strongest)[..., None], grain, 0).astype(np.float32)


def _subdued(detail: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The detail (H W 3) without single things that stand out in their rows: copies of a lamp or a cat would show."""
    size = np.abs(detail).max(axis=2)
    usual = np.array([np.median(row[use]) if use.any() else 0 for row, use in zip(size, ~hole, strict=True)], np.float32)
    limit = 2.5 * cv2.blur(usual[:, None], (1, EVEN))
    return detail * np.minimum(limit / np.maximum(size, 1e-3), 1)[..., None] ** 2


def edges(hole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H W int: the nearest column outside the hole to the left (-1 if there is none) and to the right (W if there is none)."""
    width = hole.shape[1]
    x = np.broadcast_to(np.arange(width), hole.shape)
    left = np.maximum.accumulate(np.where(hole, -1, x), axis=1)
    right = np.minimum.accumulate(np.where(hole, width, x)[:, ::-1], axis=1)[:, ::-1]
    return left, right


def _mirrored(depth: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far behind the edge of a strip `length` wide a pixel `depth` before it finds its mirror image, to and fro in the strip.

    Also how strong the image is: a narrow strip that would have to be repeated often fades out.
    """
    span = np.maximum(length, 1)
    place = (np.maximum(depth, 1) - 1) % (2 * span)
    strength = np.where(length >= SHORTEST, np.clip(2 - depth / (2 * span), 0, 1), 0)
    return np.where(place < span, place, 2 * span - 1 - place), strength
