"""Layers: each part's texture with its own pixels, a little of what its neighbours cover, and colours that go on beyond its edge."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.body import LAYERS
from animato.puppet.figure import Figure, distance_to, trunk
from animato.puppet.fill import spread_colours

SMALLEST = 30  # pixels of opacity below which a layer is dropped
SOFT = 1.3  # sigma in pixels of a layer's edge


def textures(figure: Figure, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Layer -> H W 4 uint8 texture (specs/puppet.md, section 5), without those that hold next to nothing.

    labels  H W  uint8  owner of each pixel (ownership.owners)
    """
    made = {}
    for label, name in enumerate(LAYERS):
        own = labels == label
        alpha = figure.alpha * cv2.GaussianBlur((own | covered(figure, own, name)).astype(np.float32), (0, 0), SOFT)
        if alpha.sum() >= SMALLEST:
            made[name] = np.dstack([spread_colours(figure.picture, trusted(figure, own)), np.round(255 * alpha).astype(np.uint8)])
    return made


def trusted(figure: Figure, own: np.ndarray) -> np.ndarray:
    """H W bool: own pixels whose colour holds nothing of the background or of a neighbour."""
    solid = (own & (figure.alpha > 0.9)).astype(np.uint8)
    core = cv2.erode(solid, np.ones((3, 3), np.uint8)) > 0
    return core if core.any() else own & figure.inside


def covered(figure: Figure, own: np.ndarray, name: str) -> np.ndarray:
    """H W bool: pixels that belong to a neighbour in the picture and that this layer must show once the neighbour moves away."""
    if name == "torso":
        return _under_limbs(figure, own)
    bone, radius = figure.bones[name][0], figure.radii[name][0]
    first, last = (-0.3, 0.3) if name.startswith("arm") else (-0.25, 0.35)
    return (bone.distance < radius) & (bone.t > first) & (bone.t < last)


def _under_limbs(figure: Figure, own: np.ndarray) -> np.ndarray:
    unit = figure.unit
    body = trunk(figure.xy, figure.shape, 1.0)
    reach = max(round(0.16 * unit), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    closed = cv2.morphologyEx(own.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    region = body | (closed & (distance_to(body) < 0.12 * unit))
    for name in LAYERS[1:]:
        bone, radius = figure.bones[name][0], figure.radii[name][0]
        region |= (bone.distance < radius) & (bone.t > 0) & (bone.t < (0.18 if name.startswith("arm") else 0.22))
    return region
