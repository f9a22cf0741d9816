"""Where the bones go: onto their joints, no thinner than a flat picture can be, mirrored from behind."""

from dataclasses import replace

import numpy as np
import pytest

from animato.pose.skeleton import BONES, J
from animato.puppet.affine import apply, fit_matrix
from animato.puppet.rig import HEAD, LAYER_BONES, RIG, TORSO, as_complex, bone_maps, rig
from puppet_parts import drawn_parts, standing, turned

REST = as_complex(standing().xyz[0])


def moved_joints(seed: int) -> np.ndarray:
    return REST + np.random.default_rng(seed).uniform(-6, 6, (len(REST), 2)) @ [1, 1j]


def determinant(maps: np.ndarray) -> np.ndarray:
    return np.abs(maps[..., 0]) ** 2 - np.abs(maps[..., 1]) ** 2


def test_at_rest_nothing_moves():
    maps, along = bone_maps(rig(drawn_parts()), REST, back=False)
    assert np.allclose(maps, [1, 0, 0], atol=1e-9) and np.allclose(along, 1)


@pytest.mark.parametrize("back", [False, True])
def test_limb_bones_take_their_joints_along(back):
    joints, puppet = moved_joints(3), rig(drawn_parts())
    maps, _ = bone_maps(puppet, joints, back)
    for number, (a, b) in enumerate(RIG):
        if a.startswith(("shoulder", "elbow", "hip", "knee")):
            assert np.isclose(apply(maps[number], REST[J[b]]), joints[J[b]])
        if a.startswith(("elbow", "wrist", "knee", "ankle")):
            assert np.isclose(*(apply(maps[n], puppet.centred[J[a]]) for n in (number - 1, number)))
    assert (determinant(maps) > 0).all() != back


def test_a_limb_keeps_its_thickness_when_foreshortened():
    joints = REST.copy()
    joints[J["elbow_l"]] = REST[J["shoulder_l"]] + 0.05 * (REST[J["elbow_l"]] - REST[J["shoulder_l"]])
    maps, along = bone_maps(rig(drawn_parts()), joints, back=False)
    upper = LAYER_BONES["arm_l"][0]
    assert along[upper] == 0.25
    assert np.isclose(determinant(maps[upper]), 0.25)


@pytest.mark.parametrize("degrees", [75, 90, 105, 180])
def test_a_turned_torso_keeps_half_its_width(degrees):
    joints = as_complex(turned(standing(), degrees).xyz[0])
    maps, _ = bone_maps(rig(drawn_parts()), joints, back=degrees > 90)
    shoulders = apply(maps[TORSO], REST[[J["shoulder_l"], J["shoulder_r"]]])
    width = (shoulders[0] - shoulders[1]).real / (REST[J["shoulder_l"]] - REST[J["shoulder_r"]]).real
    assert np.isclose(width, -1 if degrees == 180 else -0.5 if degrees > 90 else 0.5, atol=0.03)


def test_frozen_bones_follow_the_torso():
    parts = drawn_parts()
    parts = replace(parts, layers=parts.layers | {"arm_l": replace(parts.layers["arm_l"], frozen=True)})
    maps, _ = bone_maps(rig(parts), moved_joints(1), back=False)
    assert (maps[LAYER_BONES["arm_l"]] == maps[TORSO]).all()
    assert (maps[LAYER_BONES["arm_r"]] != maps[TORSO]).any()


def test_the_head_turns_with_the_ears_and_keeps_its_size():
    joints, turn = REST.copy(), np.exp(0.3j)
    for ear in ("ear_l", "ear_r"):
        joints[J[ear]] = REST[J["head"]] + (REST[J[ear]] - REST[J["head"]]) * turn
    maps, _ = bone_maps(rig(drawn_parts()), joints, back=False)
    assert np.isclose(np.angle(maps[HEAD, 0]), 0.8 * 0.3 * np.cos(0.3), atol=1e-6)
    assert np.isclose(abs(maps[HEAD, 0]), 1) and np.isclose(maps[HEAD, 1], 0)


def test_ears_seen_in_reverse_do_not_turn_the_head_over():
    joints = REST.copy()
    joints[[J["ear_l"], J["ear_r"]]] = REST[[J["ear_r"], J["ear_l"]]]
    maps, _ = bone_maps(rig(drawn_parts()), joints, back=False)
    assert np.isclose(np.angle(maps[HEAD, 0]), 0, atol=1e-6)


def test_fit_recovers_an_affine_map():
    points = np.array([0, 10 + 1j, 2 + 20j, 12 + 19j])
    truth = np.array([0.9 + 0.2j, 0.1 - 0.05j, 3 - 4j])
    assert np.allclose(fit_matrix(points, 0.0) @ apply(truth, points), truth)


def test_fit_of_points_in_a_line_stays_a_similarity():
    points = np.array([0, 30j, 0.001 + 10j, 20j])
    fit = fit_matrix(points, 2.0) @ (points * np.exp(0.4j) + [0, 0, 0.3, 0])
    assert np.allclose(fit[:2], [np.exp(0.4j), 0], atol=0.05)


def test_the_rig_numbers_every_bone_once():
    assert sorted(b for bones in LAYER_BONES.values() for b in bones) == list(range(len(RIG))) == list(range(sum(map(len, BONES.values()))))
