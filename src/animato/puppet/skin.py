"""Skinning: how much of each bone's movement every vertex takes (docs/puppet.md, 6)."""

from __future__ import annotations

import numpy as np

from animato.pose.skeleton import SIDES, J
from animato.puppet.affine import apply
from animato.puppet.hinge import centred_joints
from animato.puppet.parts import Parts
from animato.puppet.rig import HEAD, LAYER_BONES, RIG, TORSO, as_complex

_SHARPNESS = 4.0
_JOIN = 0.35  # of the upper arm or thigh: how far from its root the torso has a say


def bone_weights(points: np.ndarray, name: str, parts: Parts) -> np.ndarray:
    """V B float64, rows that sum to 1. A layer follows its own bones; round the shoulder arm and torso mix alike, as one skin."""
    if name == "torso":
        return _torso_weights(points, as_complex(parts.skeleton.xyz[0]), parts)
    joints = centred_joints(parts)
    weights = np.zeros((len(points), len(RIG)))
    weights[:, LAYER_BONES[name]] = _nearest_bone(points, joints, LAYER_BONES[name], parts)
    if name.startswith("arm"):
        root = LAYER_BONES[name][0]
        share = weights[:, root] * _torso_share(points, joints, root, parts)
        weights[:, TORSO] += share
        weights[:, root] -= share
    return weights


def piece_weights(points: np.ndarray, name: str, parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """V B float64 for each of the pieces ROOT and TIP of a limb (order.py) that has come apart at its hinge: neither bends there."""
    root, *tip = LAYER_BONES[name]
    whole = bone_weights(points, name, parts)
    first, second = np.zeros_like(whole), np.zeros_like(whole)
    first[:, TORSO], first[:, root] = whole[:, TORSO], 1 - whole[:, TORSO]
    second[:, tip] = _nearest_bone(points, centred_joints(parts), tip, parts)
    return first, second


def skinned(
    points: np.ndarray, weights: np.ndarray, pivots: np.ndarray, maps: np.ndarray, back: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Where the vertices go (V complex) and the blended map of each (V 3 complex), from B 3 bone maps, mirroring ones if `back`.

    The mean of two turns is smaller than either and would thin a bent elbow: it is brought back to size about the joint.
    """
    blended = weights @ maps
    turn = 1 if back else 0
    size = weights @ np.abs(maps[:, turn])
    fixed = blended[:, turn] * (size / np.maximum(np.abs(blended[:, turn]), 1e-3 * size))
    arm = points - pivots
    moved = apply(blended, points) + (fixed - blended[:, turn]) * (np.conj(arm) if back else arm)
    blended[:, turn] = fixed
    return moved, blended


def nearest_joints(points: np.ndarray, name: str, parts: Parts) -> np.ndarray:
    """V complex: the joint of the layer each vertex bends about, which is the nearest one."""
    joints = centred_joints(parts)
    pairs = [RIG[b] for b in LAYER_BONES[name]]
    hinges = [J[a] for a, _ in pairs] if name != "torso" else [J[j] for j in ("neck", "shoulder_l", "shoulder_r", "hip_l", "hip_r")]
    candidates = joints[hinges]
    return candidates[np.abs(points[:, None] - candidates).argmin(axis=1)]


def _nearest_bone(points: np.ndarray, joints: np.ndarray, bones: list[int], parts: Parts) -> np.ndarray:
    """V n, rows that sum to 1: the bones of one limb share by distance. Its thickness is the same for all of them: were every bone
    measured by its own, a wide hand would take half of a thin forearm."""
    thickness = max(float(np.median([_radius(b, parts) for b in bones])), 1.0)
    ends = [[joints[J[name]] for name in RIG[b]] for b in bones]
    return _softmin(np.stack([_to_segment(points, a, b) for a, b in ends], axis=1) / thickness)


def _torso_weights(points: np.ndarray, joints: np.ndarray, parts: Parts) -> np.ndarray:
    weights = np.zeros((len(points), len(RIG)))
    thighs = [LAYER_BONES[f"leg_{side}"][0] for side in SIDES if f"leg_{side}" in parts.layers]
    bones = [TORSO, HEAD, *thighs]
    weights[:, bones] = _softmin(np.stack([_distance(points, joints, b, parts) for b in bones], axis=1))
    for side in SIDES:
        if f"arm_{side}" in parts.layers:
            root = LAYER_BONES[f"arm_{side}"][0]
            gate = _gate(points, joints, root)
            share = weights[:, TORSO] * gate * (1 - _torso_share(points, joints, root, parts) / np.maximum(gate, 1e-9))
            weights[:, root] += share
            weights[:, TORSO] -= share
    return weights


def _torso_share(points: np.ndarray, joints: np.ndarray, root: int, parts: Parts) -> np.ndarray:
    """V: how much the torso moves what lies round the root of a limb, between 1 inside the torso and 0 beyond `_JOIN` of the limb."""
    both = np.stack([_distance(points, joints, b, parts) for b in (TORSO, root)], axis=1)
    return _softmin(both)[:, 0] * _gate(points, joints, root)


def _gate(points: np.ndarray, joints: np.ndarray, root: int) -> np.ndarray:
    a, b = (joints[J[name]] for name in RIG[root])
    t = ((points - a) * np.conj(b - a)).real / max(abs(b - a) ** 2, 1e-6)
    return 1 - _smoothstep(t / _JOIN)


def _distance(points: np.ndarray, joints: np.ndarray, bone: int, parts: Parts) -> np.ndarray:
    """V: distance to a bone in half thicknesses. The torso is the area between shoulders and hips, the head the upper part of its bone."""
    radius = max(_radius(bone, parts), 1.0)
    if bone == TORSO:
        corners = joints[[J["shoulder_l"], J["shoulder_r"], J["hip_r"], J["hip_l"]]]
        return _outside(points, corners) / radius
    a, b = (joints[J[name]] for name in RIG[bone])
    return _to_segment(points, a + 0.4 * (b - a) if bone == HEAD else a, b) / radius


def _radius(bone: int, parts: Parts) -> float:
    name = next(layer for layer, bones in LAYER_BONES.items() if bone in bones)
    return parts.layers[name].radius[bone - LAYER_BONES[name][0]]


def _to_segment(points: np.ndarray, a: complex, b: complex) -> np.ndarray:
    t = ((points - a) * np.conj(b - a)).real / max(abs(b - a) ** 2, 1e-6)
    return np.abs(points - a - np.clip(t, 0, 1) * (b - a))


def _outside(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Distance to a convex quadrilateral; 0 inside it."""
    edges = np.roll(corners, -1) - corners
    side = np.stack([((points - c) * np.conj(e)).imag for c, e in zip(corners, edges, strict=True)])
    inside = (side >= 0).all(axis=0) | (side <= 0).all(axis=0)
    rim = np.min([_to_segment(points, c, c + e) for c, e in zip(corners, edges, strict=True)], axis=0)
    return np.where(inside, 0.0, rim)


def _softmin(distance: np.ndarray) -> np.ndarray:
    low = distance - distance.min(axis=1, keepdims=True)
    weights = np.exp(-_SHARPNESS * low)
    return weights / weights.sum(axis=1, keepdims=True)


def _smoothstep(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)
