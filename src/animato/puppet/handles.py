"""Where the as-rigid-as-possible polish holds on to the bones (docs/puppet.md, 6)."""

from __future__ import annotations

import numpy as np

from animato.pose.skeleton import SIDES, J
from animato.puppet.arap import Handles
from animato.puppet.hinge import centred_joints
from animato.puppet.parts import Parts
from animato.puppet.rig import HEAD, LAYER_BONES, RIG, TORSO, as_complex

_FIRM, _LOOSE, _HINGE = 2.0, 0.6, 5.0


def handles(name: str, parts: Parts) -> Handles:
    """The handles of one layer: along its bones; over torso, head and shoulders, and along the thighs under a garment."""
    joints = as_complex(parts.skeleton.xyz[0]) if name == "torso" else centred_joints(parts)
    if name != "torso":
        places = np.array([0.25, 0.55, 0.85])
        sets = [_along(joints, b, parts.layers[name].radius[k], places, _FIRM) for k, b in enumerate(LAYER_BONES[name])]
        return _together([*sets, _hinges(joints, LAYER_BONES[name])])
    sets = [_torso(joints), _along(joints, HEAD, parts.layers["torso"].radius[1], np.array([0.6, 1.0, 1.3]), _FIRM)]
    for arm in (f"arm_{side}" for side in SIDES):
        if arm in parts.layers:
            sets.append(_along(joints, LAYER_BONES[arm][0], parts.layers[arm].radius[0], np.array([0.08, 0.16]), _FIRM))
    for leg in (f"leg_{side}" for side in SIDES):
        if parts.garment > 0 and leg in parts.layers:
            places = np.linspace(0.3, 0.95, 3) * parts.garment
            sets.append(_along(joints, LAYER_BONES[leg][0], parts.layers[leg].radius[0], places, _LOOSE))
    return _together(sets)


def _along(joints: np.ndarray, bone: int, radius: float, places: np.ndarray, weight: float) -> Handles:
    """Pairs of points on both sides of the bone."""
    a, b = (joints[J[name]] for name in RIG[bone])
    side = 0.5 * radius * 1j * (b - a) / max(abs(b - a), 1e-6)
    points = np.concatenate([a + places * (b - a) + side, a + places * (b - a) - side])
    return Handles(points, np.full(len(points), bone), np.full(len(points), weight))


def _hinges(joints: np.ndarray, bones: list[int]) -> Handles:
    """The joints between the bones of a limb, without which the polish would cut the corner of a bent elbow."""
    points = joints[[J[RIG[b][1]] for b in bones[:-1]]]
    return Handles(points, np.array(bones[:-1]), np.full(len(points), _HINGE))


def _torso(joints: np.ndarray) -> Handles:
    across, down = (grid.ravel() for grid in np.meshgrid(np.linspace(0.1, 0.9, 4), np.linspace(0.1, 0.9, 5)))
    left = (1 - down) * joints[J["shoulder_l"]] + down * joints[J["hip_l"]]
    right = (1 - down) * joints[J["shoulder_r"]] + down * joints[J["hip_r"]]
    points = (1 - across) * left + across * right
    return Handles(points, np.full(len(points), TORSO), np.full(len(points), _FIRM))


def _together(sets: list[Handles]) -> Handles:
    return Handles(*(np.concatenate([getattr(one, part) for one in sets]) for part in ("points", "bone", "weight")))
