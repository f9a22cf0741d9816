"""The contact shadow: a soft dark ellipse on the floor under each foot, without which a figure floats."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.pose.skeleton import SIDES, J
from animato.puppet.parts import Parts
from animato.puppet.rig import as_complex

_STRENGTH = 0.3  # of the light, taken away right under a standing foot
_LENGTH, _HEIGHT = 0.19, 0.05  # half axes in T
_REACH = 0.25  # T: the height of the foot at which its shadow is gone
_STANDING = 0.1  # T: so far above the nearest ground a foot may stand farther back in the room


@dataclass(frozen=True)
class Ground:
    """What the feet stand on.

    y      pixels: where the nearer foot of the picture touches it
    soles  side -> pixels from the lower one of ankle and toe down to the sole
    torso  T in pixels
    """

    y: float
    soles: dict[str, float]
    torso: float


def ground(parts: Parts) -> Ground | None:
    """The ground of a picture, or None if no foot that can be moved stands on it."""
    soles = {side: _sole(parts, side) for side in SIDES if f"leg_{side}" in parts.layers and not parts.layers[f"leg_{side}"].frozen}
    if parts.floor is None or not soles:
        return None
    joints = as_complex(parts.skeleton.xyz[0])
    y = max(_foot(joints, side).imag + sole for side, sole in soles.items())
    return Ground(max(y, parts.floor), soles, parts.torso)


def cast(canvas: np.ndarray, joints: np.ndarray, ground: Ground) -> None:
    """Darken H W 3 uint8 under the feet of joints (J complex)."""
    for side, sole in ground.soles.items():
        foot = _foot(joints, side) + 1j * sole
        back = ground.y - _STANDING * ground.torso
        above = max(back - foot.imag, 0) / ground.torso
        strength = _STRENGTH * max(1 - above / _REACH, 0) ** 2
        if strength > 0.01:
            half = (ground.torso * (_LENGTH + above), ground.torso * (_HEIGHT + above / 4))
            _darken(canvas, (foot.real, min(max(foot.imag, back), ground.y)), half, strength)


def _foot(joints: np.ndarray, side: str) -> complex:
    """Between ankle and toe, at the height of the lower one."""
    ankle, toe = joints[J[f"ankle_{side}"]], joints[J[f"toe_{side}"]]
    return complex((ankle.real + toe.real) / 2, max(ankle.imag, toe.imag))


def _sole(parts: Parts, side: str) -> float:
    rows = np.flatnonzero((parts.layers[f"leg_{side}"].texture[..., 3] > 127).any(axis=1))
    lowest = float(rows[-1]) + 1 if len(rows) else 0.0
    return max(lowest - _foot(as_complex(parts.skeleton.xyz[0]), side).imag, 0.0)


def _darken(canvas: np.ndarray, centre: tuple[float, float], half: tuple[float, float], strength: float) -> None:
    x0, y0 = max(int(centre[0] - half[0]), 0), max(int(centre[1] - half[1]), 0)
    region = canvas[y0 : max(int(centre[1] + half[1]) + 1, 0), x0 : max(int(centre[0] + half[0]) + 1, 0)]
    if not region.size:
        return
    x = (np.arange(region.shape[1], dtype=np.float32) + x0 + 0.5 - centre[0]) / half[0]
    y = (np.arange(region.shape[0], dtype=np.float32) + y0 + 0.5 - centre[1]) / half[1]
    fall = np.maximum(1 - x * x - (y * y)[:, None], 0)
    light = 1 - np.float32(strength) * fall * fall
    region[:] = cv2.multiply(region, cv2.merge([light] * 3), dtype=cv2.CV_8U)
