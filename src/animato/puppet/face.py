"""The face turns inside the outline of the head: what lies round the nose is shifted as far as the nose moved between the ears."""

from __future__ import annotations

import numpy as np

from animato.pose.skeleton import J
from animato.puppet.affine import apply, unit
from animato.puppet.rig import Rig

_REACH = 0.25  # of the face's radius: as far as features may be shifted before they look pasted on
_NOD = 0.5  # of a shift along the head: more of it squeezes chin or forehead
_SIZE = 0.62  # radius of the face over the length from neck to ears (docs/puppet.md, 4)


def face_share(points: np.ndarray, rig: Rig) -> np.ndarray:
    """V float64: how much of the nose's shift a vertex of the torso layer takes, 1 at the nose and 0 at the rim of the head."""
    head, nose = rig.joints[J["head"]], rig.joints[J["nose"]]
    away = np.abs(points - (head + nose) / 2) / _radius(rig)
    return np.maximum(1 - away**2, 0) ** 2


def nose_shift(rig: Rig, joints: np.ndarray, head: np.ndarray) -> complex:
    """Pixels by which the nose stands elsewhere in this frame than the map of the head takes it, kept within what looks right."""
    shift = complex(joints[J["nose"]] - apply(head, rig.joints[J["nose"]]))
    axis = unit(joints[J["head"]] - joints[J["neck"]])
    shift -= (1 - _NOD) * (shift * np.conj(axis)).real * axis
    reach = _REACH * _radius(rig)
    return unit(shift) * reach * float(np.tanh(abs(shift) / reach))


def _radius(rig: Rig) -> float:
    return max(_SIZE * abs(rig.joints[J["head"]] - rig.joints[J["neck"]]), 1.0)
