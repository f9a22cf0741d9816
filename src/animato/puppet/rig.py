"""The rig: the numbered bones of the picture's skeleton, and where each of them goes in one frame (docs/puppet.md, 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.pose.skeleton import BONES, J
from animato.puppet.affine import along_line, apply, fit_matrix, unit, wrap
from animato.puppet.hinge import centred_joints
from animato.puppet.parts import Parts

RIG: tuple[tuple[str, str], ...] = tuple(pair for pairs in BONES.values() for pair in pairs)
B = {pair: number for number, pair in enumerate(RIG)}
TORSO, HEAD = B["pelvis", "neck"], B["neck", "head"]
LAYER_BONES = {layer: [B[pair] for pair in pairs] for layer, pairs in BONES.items()}

_STRETCH = (0.25, 2.0)  # how far a limb may be squeezed or drawn out along itself
_HAND_STRETCH = (0.6, 1.25)
_WIDTH = (0.5, 1.6)  # of the picture's: how narrow or wide a turned body is shown
_HEAD_TURN = 1.2  # radians against the torso
_EAR_SHARE = 0.8
_CORNERS = [J["shoulder_l"], J["shoulder_r"], J["hip_l"], J["hip_r"]]


@dataclass(frozen=True, eq=False)
class Rig:
    """The picture's side of every movement.

    joints  J     complex128  the picture's joints as estimated, which is what a motion speaks of
    centred J     complex128  the same in the middle of the flesh (hinge.centred_joints)
    fit     3 4   complex128  affine.fit_matrix of shoulders and hips
    torso   T in pixels
    frozen  numbers of the bones that go with the torso
    """

    joints: np.ndarray
    centred: np.ndarray
    fit: np.ndarray
    torso: float
    frozen: tuple[int, ...]


def rig(parts: Parts) -> Rig:
    joints = as_complex(parts.skeleton.xyz[0])
    frozen = tuple(b for name, layer in parts.layers.items() if layer.frozen for b in LAYER_BONES[name])
    return Rig(joints, centred_joints(parts), fit_matrix(joints[_CORNERS], 0.05 * parts.torso), parts.torso, frozen)


def as_complex(xyz: np.ndarray) -> np.ndarray:
    """... 2 or 3 -> ... complex, x + iy."""
    return xyz[..., 0] + 1j * xyz[..., 1]


def bone_maps(rig: Rig, joints: np.ndarray, back: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where every bone goes when the joints stand at `joints` (J complex): B 3 complex maps (affine.py) and B scales along the bones.

    `back` shows the picture mirrored, as if seen from behind.
    """
    maps = np.empty((len(RIG), 3), complex)
    along = np.ones(len(RIG))
    maps[TORSO] = _torso_map(rig, joints, back)
    maps[HEAD] = _head_map(rig, joints, maps[TORSO], back)
    for number, pair in enumerate(RIG):
        if number in rig.frozen:
            maps[number] = maps[TORSO]
        elif number not in (TORSO, HEAD):
            hinge = None if pair[0].startswith(("shoulder", "hip")) else complex(apply(maps[number - 1], rig.centred[J[pair[0]]]))
            maps[number], along[number] = _limb_map(rig, joints, pair, hinge, back)
    return maps, along


def across_body(joints: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    """Half the distance between two joints (left, right) measured square to the spine, in pixels and with its sign; works on ... J."""
    spine = joints[..., J["pelvis"]] - joints[..., J["neck"]]
    half = (joints[..., pair[0]] - joints[..., pair[1]]) / 2
    return (half * np.conj(1j * spine)).real / np.maximum(np.abs(spine), 1e-9)


def _limb_map(rig: Rig, joints: np.ndarray, pair: tuple[str, str], hinge: complex | None, back: bool) -> tuple[np.ndarray, float]:
    """A bone's map and scale. All but the first of a limb start at their `hinge`, to which the bone before has taken the joint."""
    i, j = J[pair[0]], J[pair[1]]
    source = (rig.joints[i] if hinge is None else rig.centred[i], rig.joints[j])
    target = (joints[i] if hinge is None else hinge, joints[j])
    limits = _HAND_STRETCH if pair[0].startswith(("wrist", "palm")) else _STRETCH
    along = float(np.clip(abs(target[1] - target[0]) / max(abs(source[1] - source[0]), 1e-6), *limits))
    return along_line(source, target, along, -1.0 if back else 1.0), along


def _torso_map(rig: Rig, joints: np.ndarray, back: bool) -> np.ndarray:
    """The affine fit of shoulders and hips, which are first moved apart or together where the body is turned too far for a flat picture."""
    corners = joints[_CORNERS].copy()
    across = 1j * unit(joints[J["pelvis"]] - joints[J["neck"]])
    for first in (0, 2):
        pair = (_CORNERS[first], _CORNERS[first + 1])
        now, rest = across_body(joints, pair), across_body(rig.joints, pair)
        sign = np.sign(rest) * (-1.0 if back else 1.0)
        widest = _WIDTH[1] * np.maximum(abs(rest), 0.1 * rig.torso)
        wanted = sign * np.clip(sign * now, _WIDTH[0] * abs(rest), widest)
        corners[first] += (wanted - now) * across
        corners[first + 1] -= (wanted - now) * across
    return rig.fit @ corners


def _head_map(rig: Rig, joints: np.ndarray, torso: np.ndarray, back: bool) -> np.ndarray:
    """The head turned by the neck, corrected by the line between the ears as far as that can be seen; its size stays."""
    neck, head = J["neck"], J["head"]
    axis = unit(rig.joints[head] - rig.joints[neck])
    turn = float(np.angle((joints[head] - joints[neck]) * np.conj(axis)))
    ears = rig.joints[J["ear_l"]] - rig.joints[J["ear_r"]]
    ears = np.conj(ears) * axis * axis if back else ears
    share = (joints[J["ear_l"]] - joints[J["ear_r"]]) * np.conj(ears) * np.exp(-1j * turn) / max(abs(ears) ** 2, 1e-6)
    turn += _EAR_SHARE * float(np.clip(share.real, 0, 1) * np.angle(share))
    body = float(np.angle(torso[0])) if not back else turn
    turn = body + float(np.clip(wrap(turn - body), -_HEAD_TURN, _HEAD_TURN))
    target = (joints[head], joints[head] + axis * np.exp(1j * turn))
    return along_line((rig.joints[head], rig.joints[head] + axis), target, 1.0, -1.0 if back else 1.0)
