"""The contact shadow: a soft dark ellipse on the floor under each foot, without which a figure floats."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.body import SIDES, J

_STRENGTH = 0.3  # of the light, taken away right under a standing foot
_LENGTH, _HEIGHT = 0.2, 0.05  # half axes in T
_REACH = 0.25  # T: the height of the foot at which its shadow is gone
_STANDING = 0.1  # T: so far above the floor a foot may stand farther back in the room, on the ground


def cast(canvas: np.ndarray, joints: np.ndarray, floor: float, torso: float) -> None:
    """Darken H W 3 uint8 under the feet of joints (J complex), which stand on a ground whose nearest y is `floor`; `torso` is T."""
    for side in SIDES:
        ankle, toe = joints[J[f"ankle_{side}"]], joints[J[f"toe_{side}"]]
        sole = max(ankle.imag, toe.imag)
        above = max(floor - _STANDING * torso - sole, 0) / torso
        strength = _STRENGTH * max(1 - above / _REACH, 0) ** 2
        if strength > 0.01:
            y = min(max(sole, floor - _STANDING * torso), floor)
            half = (torso * (_LENGTH + above), torso * (_HEIGHT + above / 4))
            _darken(canvas, ((ankle.real + toe.real) / 2, y), half, strength)


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
