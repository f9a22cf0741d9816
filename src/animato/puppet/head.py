"""Where the head stands when the motion shows only one ear: on the line between both, which a turned head half hides."""

from __future__ import annotations

import numpy as np

from animato.pose.skeleton import J, Skeleton
from animato.puppet.rig import across_body, as_complex

_EARS = (J["ear_l"], J["ear_r"])
_SHOULDERS = (J["shoulder_l"], J["shoulder_r"])


def with_heads(target: Skeleton, picture: Skeleton) -> Skeleton:
    """The target with its head joint as in the picture: between the ears, or at the nose if the picture does not show both.

    Of a head with one ear the middle is guessed: as far from that ear as in the picture, times how far the shoulders are open. A nose alone
    says too little: it leaves the middle of the head with every turn.
    """
    seen, head, nose = target.present[:, _EARS], J["head"], J["nose"]
    xyz = target.xyz.copy()
    present = target.present.copy()
    if not picture.present[0, list(_EARS)].all():
        xyz[:, head], present[:, head] = xyz[:, nose], present[:, nose]
        return Skeleton(xyz, present)
    rest, joints = as_complex(picture.xyz[0]), as_complex(target.xyz)
    open_by = np.clip(across_body(joints, _SHOULDERS) / (across_body(rest, _SHOULDERS) or 1.0), -1, 1)
    turn = _upright(joints) * np.conj(_upright(rest))
    for ear, other in (_EARS, _EARS[::-1]):
        middle = joints[:, ear] + (rest[other] - rest[ear]) / 2 * open_by * turn
        alone = target.present[:, ear] & ~target.present[:, other]
        xyz[alone, head, :2] = np.stack([middle.real, middle.imag], axis=1)[alone]
    present[:, head] = seen.any(axis=1)
    return Skeleton(xyz, present)


def _upright(joints: np.ndarray) -> np.ndarray:
    """... complex of length 1: the direction of the spine."""
    spine = joints[..., J["neck"]] - joints[..., J["pelvis"]]
    return np.where(np.abs(spine) > 1e-9, spine / np.maximum(np.abs(spine), 1e-9), 1)
