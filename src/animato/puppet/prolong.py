"""What the edge of the picture cuts off is prolonged beyond it, so that no cut shows when the figure moves away from the edge."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.parts import Layer

_BELOW = 0.5  # T: how far body and legs go on below the picture
_CAP = 0.35  # height over width of the cap that closes a head cut off at the top
_VISIBLE = 127


def prolonged(layer: Layer, torso: float) -> tuple[Layer, complex]:
    """The layer on a larger canvas, and where its first pixel lies in the picture. Arms, and what no edge cuts, come back as they are.

    Downwards the last row is repeated (specs/puppet.md, "cropped at the thigh"); a head is closed with a cap of its first row. An
    arm that ends near the edge would become a brick.
    """
    if layer.name.startswith("arm"):
        return layer, 0j
    alpha = layer.texture[..., 3]
    below = round(_BELOW * torso) if (alpha[-1] > _VISIBLE).any() else 0
    cap = _cap(alpha[0]) if layer.name == "torso" else np.zeros((0, alpha.shape[1]), np.uint8)
    if not below and not len(cap):
        return layer, 0j
    texture = _grown(layer.texture, below, cap)
    back = None if layer.back is None else _grown(layer.back, below, cap)
    return Layer(layer.name, texture, layer.radius, back, layer.frozen), -1j * len(cap)


def _cap(row: np.ndarray) -> np.ndarray:
    """h W uint8: half an ellipse on the visible part of the first row; no rows if nothing of it is visible."""
    seen = np.flatnonzero(row > _VISIBLE)
    if not len(seen):
        return np.zeros((0, len(row)), np.uint8)
    half = (seen[-1] - seen[0] + 1) / 2
    height = max(round(2 * half * _CAP), 1)
    cap = np.zeros((height, len(row)), np.uint8)
    centre = (round((seen[0] + seen[-1]) / 2), height)
    cv2.ellipse(cap, centre, (round(half), height), 0, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
    return cap


def _grown(rgba: np.ndarray, below: int, cap: np.ndarray) -> np.ndarray:
    grown = cv2.copyMakeBorder(rgba, len(cap), below, 0, 0, cv2.BORDER_REPLICATE)
    if len(cap):
        grown[: len(cap), :, 3] = cv2.min(grown[: len(cap), :, 3], cap)
    return grown
