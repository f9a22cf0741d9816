"""How far every pixel is from every bone of the picture's skeleton, in half thicknesses of that bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.pose.skeleton import BONES, J, Skeleton

TORSO, ARMS, LEGS = 0, (1, 2), (3, 4)  # places in skeleton.LAYERS, by which the pixels of a picture are labelled
LIMBS = ("arm_l", "arm_r", "leg_l", "leg_r")


@dataclass(frozen=True, eq=False)
class Bone:
    """One bone in the picture.

    a, b      2    float64  its ends in pixels
    t         H W  float32  where the foot of the perpendicular lies: 0 at a, 1 at b, beyond them outside 0..1
    distance  H W  float32  pixels to the nearest point between a and b
    """

    a: np.ndarray
    b: np.ndarray
    t: np.ndarray
    distance: np.ndarray

    @property
    def length(self) -> float:
        return float(np.hypot(*(self.b - self.a)))


def bone(a: np.ndarray, b: np.ndarray, shape: tuple[int, int]) -> Bone:
    """The distances of the pixels of an H W picture from the segment a b."""
    x = np.arange(shape[1], dtype=np.float32) + 0.5
    y = np.arange(shape[0], dtype=np.float32)[:, None] + 0.5
    dx, dy = (float(v) for v in b - a)
    square = max(dx * dx + dy * dy, 1e-6)
    t = (x - a[0]) * (dx / square) + (y - a[1]) * (dy / square)
    t = t.astype(np.float32)
    clipped = np.clip(t, 0, 1)
    across_x = x - np.float32(a[0]) - clipped * np.float32(dx)
    across_y = y - np.float32(a[1]) - clipped * np.float32(dy)
    return Bone(a, b, t, np.sqrt(across_x * across_x + across_y * across_y))


def bones_of(skeleton: Skeleton, shape: tuple[int, int]) -> dict[str, list[Bone]]:
    """Layer -> its bones, in the order of skeleton.BONES."""
    xy = skeleton.xyz[0, :, :2]
    return {layer: [bone(xy[J[a]], xy[J[b]], shape) for a, b in pairs] for layer, pairs in BONES.items()}
