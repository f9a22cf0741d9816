"""The face turns inside the outline of the head: what lies round the nose is shifted as far as the nose moved between the ears."""

from __future__ import annotations

import numpy as np

from animato.puppet.affine import unit
from animato.puppet.body import J
from animato.puppet.rig import HEAD, Rig

_REACH = 0.3  # of the face's radius: as far as features may be shifted before they look pasted on
_SIZE = 0.62  # radius of the face over the length from neck to ears (specs/puppet.md, section 4)


def face_share(points: np.ndarray, weights: np.ndarray, rig: Rig) -> np.ndarray:
    """V float64: how much of the nose's shift a vertex of the torso layer takes, 1 at the nose and 0 at the rim of the head."""
    head, nose = rig.joints[J["head"]], rig.joints[J["nose"]]
    away = np.abs(points - (head + nose) / 2) / _radius(rig)
    return weights[:, HEAD] * np.maximum(1 - away**2, 0) ** 2


def nose_shift(rig: Rig, joints: np.ndarray, head: np.ndarray) -> complex:
    """Pixels by which the nose stands elsewhere in this frame than the map of the head (affine.py) takes it, no farther than looks right."""
    moved = head[0] * rig.joints[J["nose"]] + head[1] * np.conj(rig.joints[J["nose"]]) + head[2]
    shift = complex(joints[J["nose"]] - moved)
    reach = _REACH * _radius(rig)
    return unit(shift) * reach * float(np.tanh(abs(shift) / reach))


def _radius(rig: Rig) -> float:
    return max(_SIZE * abs(rig.joints[J["head"]] - rig.joints[J["neck"]]), 1.0)
