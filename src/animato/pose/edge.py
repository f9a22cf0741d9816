"""What a picture's edge cuts off: in a portrait, which ends above the hips, an arm that reaches the edge is not whole."""

from __future__ import annotations

import numpy as np

from animato.core.shapes import Size

NEAR = 0.1  # T from the edge within which a hand, wrist or elbow is cut off by it


def inside(xy: np.ndarray, size: Size, margin: float = 0.0) -> np.ndarray:
    """... bool: which places (... 2, pixels) lie in a picture of (width, height), at least `margin` from its edge."""
    return np.asarray(((xy >= margin) & (xy <= np.array(size) - margin)).all(axis=-1))


def is_portrait(hips: np.ndarray, seen: np.ndarray, size: Size) -> bool:
    """Whether a picture shows neither hip (2 2; seen: 2 bool)."""
    return not (inside(hips, size) & seen).any()
