"""The edge's own colours: what a person's pixels look like without the background that shines through them.

Germer, Uelwer, Conrad and Harmeling (2020, "Fast multi-level foreground estimation"): the foreground F and the background B of a picture I
with opacity a are those that mix to it, I = a F + (1 - a) B, and are smooth, most of all where the opacity changes; from coarse to fine.
"""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.figure import around

SMOOTH = 1e-5  # how much neighbours weigh where the opacity is even
BY_CHANGE = 1.0  # and for each step of opacity between them
OPAQUE = 0.995  # where nothing shines through, the picture's colours are the person's
MARGIN = 8  # pixels around the person that are worked on, too
SMALL = 32  # pixels of the sides of a level that is worked on longer
ROUNDS = (10, 2)  # on small and on large levels


def foreground(picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """H W 3 uint8: the colours of the person.

    picture  H W 3  uint8
    alpha    H W    float32  0..1
    """
    window = around(alpha > 0, MARGIN)
    result = picture.copy()
    result[window] = _solved(picture[window], alpha[window])
    return result


def _solved(picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """H W 3 uint8: both colours of every pixel worked out from a single one for all, on levels that grow to the full size."""
    height, width = alpha.shape
    levels = int(np.ceil(np.log2(max(height, width, 2))))
    own: np.ndarray = np.full((1, 1, 3), picture.mean(), np.float32)
    behind = own
    for level in range(levels + 1):
        size = (max(round(width ** (level / levels)), 1), max(round(height ** (level / levels)), 1))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST).astype(np.float32)
        opacity = cv2.resize(alpha, size, interpolation=cv2.INTER_NEAREST)
        own, behind = (cv2.resize(colour, size, interpolation=cv2.INTER_NEAREST) for colour in (own, behind))
        for _ in range(ROUNDS[max(size) > SMALL]):
            own, behind = _step(small, opacity[..., None], own, behind)
    return np.where((alpha > OPAQUE)[..., None], picture, np.round(own)).astype(np.uint8)


def _step(picture: np.ndarray, alpha: np.ndarray, own: np.ndarray, behind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One round: each pixel's two colours from its own mixture and from its four neighbours' colours (equations 3 and 4)."""
    weight = np.zeros_like(alpha)
    sums = [alpha * picture, (1 - alpha) * picture]
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        pull = SMOOTH + BY_CHANGE * np.abs(alpha - _beside(alpha, shift, axis))
        weight += pull
        sums[0] += pull * _beside(own, shift, axis)
        sums[1] += pull * _beside(behind, shift, axis)
    first, second, mixed = alpha * alpha + weight, (1 - alpha) ** 2 + weight, alpha * (1 - alpha)
    share = 1 / (first * second - mixed * mixed)
    return np.clip((second * sums[0] - mixed * sums[1]) * share, 0, 255), np.clip((first * sums[1] - mixed * sums[0]) * share, 0, 255)


def _beside(values: np.ndarray, shift: int, axis: int) -> np.ndarray:
    """Each pixel's neighbour; at the edge the pixel itself."""
    moved = np.roll(values, shift, axis)
    edge = 0 if shift == 1 else -1
    if axis == 0:
        moved[edge] = values[edge]
    else:
        moved[:, edge] = values[:, edge]
    return moved
