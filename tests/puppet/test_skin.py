"""Skinning: weights are shares, limbs go with their bones, a bent elbow stays thick, arm and torso move alike at the shoulder."""

from dataclasses import replace

import numpy as np
import pytest

from animato.pose.skeleton import BONES, J
from animato.puppet.affine import apply
from animato.puppet.hinge import centred_joints
from animato.puppet.rig import HEAD, LAYER_BONES, TORSO, as_complex, bone_maps, rig
from animato.puppet.skin import bone_weights, nearest_joints, piece_weights, skinned
from puppet_parts import bent, drawn_parts, standing

PARTS, REST = drawn_parts(), as_complex(standing().xyz[0])


def between(a: str, b: str, t: float, across: float = 0.0) -> complex:
    step = REST[J[b]] - REST[J[a]]
    return REST[J[a]] + t * step + across * 1j * step / abs(step)


@pytest.mark.parametrize("name", BONES)
def test_weights_are_shares(name):
    points = np.random.default_rng(0).uniform(0, 280, (300, 2)) @ [1, 1j]
    weights = bone_weights(points, name, PARTS)
    assert np.allclose(weights.sum(axis=1), 1) and weights.min() >= -1e-12


def test_the_middle_of_a_bone_goes_with_it():
    weights = bone_weights(np.array([between("elbow_l", "wrist_l", 0.5), between("shoulder_l", "elbow_l", 0.6)]), "arm_l", PARTS)
    assert weights[0, LAYER_BONES["arm_l"][1]] > 0.95 and weights[1, LAYER_BONES["arm_l"][0]] > 0.95


def test_head_and_chest_are_told_apart():
    points = np.array([REST[J["nose"]], between("neck", "pelvis", 0.3), REST[J["shoulder_l"]] - 12, between("neck", "head", 0.1)])
    weights = bone_weights(points, "torso", PARTS)
    assert weights[0, HEAD] > 0.9 and weights[1, TORSO] > 0.9 and weights[2, HEAD] < 0.1 and weights[3, HEAD] < 0.35


def test_arm_and_torso_move_alike_at_the_shoulder():
    """There they lie on top of each other, and a difference would open the armpit."""
    points = np.array([REST[J["shoulder_l"]] + d for d in (0, -3, 2j, -2 + 4j)])
    arm, torso = bone_weights(points, "arm_l", PARTS), bone_weights(points, "torso", PARTS)
    upper = LAYER_BONES["arm_l"][0]
    assert np.abs(arm[:, upper] - torso[:, upper]).max() < 0.1
    assert arm[0, TORSO] > 0.3


def test_a_hand_before_the_body_does_not_stick_to_it():
    hand = np.array([between("neck", "pelvis", 0.5)])
    assert bone_weights(hand, "arm_l", PARTS)[0, TORSO] < 0.01


@pytest.mark.parametrize("back", [False, True])
def test_a_bent_elbow_stays_thick(back):
    elbow = centred_joints(PARTS)[J["elbow_l"]]
    maps, _ = bone_maps(rig(PARTS), as_complex(bent(-149).xyz[0]), back)
    points = np.array([elbow + 6 * np.exp(1j * a) for a in np.linspace(0, 2 * np.pi, 16)])
    moved, _ = skinned(points, bone_weights(points, "arm_l", PARTS), nearest_joints(points, "arm_l", PARTS), maps, back)
    assert np.abs(moved - apply(maps[LAYER_BONES["arm_l"][0]], elbow)).min() > 5.5


def test_pieces_do_not_bend_at_the_elbow():
    points = np.random.default_rng(1).uniform(0, 280, (200, 2)) @ [1, 1j]
    upper, *rest = LAYER_BONES["arm_l"]
    root, tip = piece_weights(points, "arm_l", PARTS)
    assert np.allclose(root.sum(axis=1), 1) and np.allclose(tip.sum(axis=1), 1)
    assert np.allclose(root[:, [upper, TORSO]].sum(axis=1), 1) and np.allclose(tip[:, rest].sum(axis=1), 1)


def test_a_wide_hand_does_not_take_the_forearm():
    wide = replace(PARTS, layers=PARTS.layers | {"arm_l": replace(PARTS.layers["arm_l"], radius=(8.0, 3.0, 14.0, 12.0))})
    beside = np.array([between("elbow_l", "wrist_l", 0.5, side) for side in (-6.0, 6.0)])
    assert bone_weights(beside, "arm_l", wide)[:, LAYER_BONES["arm_l"][1]].min() > 0.8


def test_pivots_are_joints_of_the_layer():
    points = np.array([between("elbow_l", "wrist_l", 0.2), between("elbow_l", "wrist_l", 0.9)])
    assert np.allclose(nearest_joints(points, "arm_l", PARTS), centred_joints(PARTS)[[J["elbow_l"], J["wrist_l"]]])
