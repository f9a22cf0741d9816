"""The head of a turned body, and the face inside it."""

import numpy as np
import pytest

from animato.pose.skeleton import J, Skeleton
from animato.puppet.affine import apply
from animato.puppet.face import face_share, nose_shift
from animato.puppet.head import with_heads
from animato.puppet.rig import HEAD, bone_maps, rig
from puppet_parts import clip, drawn_parts, standing, turned

PARTS = drawn_parts()
RIG = rig(PARTS)


def without(skeleton: Skeleton, *joints: str) -> Skeleton:
    present, xyz = skeleton.present.copy(), skeleton.xyz.copy()
    for name in joints:
        present[:, J[name]], xyz[:, J[name]] = False, -1e4
    return Skeleton(xyz, present)


@pytest.mark.parametrize("degrees", [0, 40, -70, 150])
@pytest.mark.parametrize("hidden", ["ear_l", "ear_r"])
def test_a_hidden_ear_does_not_move_the_head(degrees, hidden):
    whole = turned(standing(), degrees)
    guessed = with_heads(without(whole, hidden), standing())
    assert guessed.present[0, J["head"]]
    assert np.abs(guessed.xy("head") - whole.xy("head")).max() < 1.5


def test_a_nose_alone_is_no_head():
    hidden = without(turned(standing(), 90), "ear_l", "ear_r")
    assert not with_heads(hidden, standing()).present[0, J["head"]]


def test_without_ears_in_the_picture_the_nose_is_the_head():
    motion = clip(1)
    assert (with_heads(motion, without(standing(), "ear_l")).xy("head") == motion.xy("nose")).all()


def test_the_target_is_left_as_it_was():
    motion = without(standing(), "ear_l")
    before = motion.xyz.copy()
    with_heads(motion, standing())
    assert (motion.xyz == before).all()


def shift(by: complex) -> complex:
    joints = RIG.joints.copy()
    joints[J["nose"]] += by
    return nose_shift(RIG, joints, bone_maps(RIG, joints, back=False)[0][HEAD])


def test_the_face_follows_the_nose_but_not_out_of_the_head():
    assert shift(0) == pytest.approx(0, abs=1e-9)
    assert shift(1).real == pytest.approx(1, abs=0.05)
    assert 3 < shift(60).real < 0.3 * abs(RIG.joints[J["head"]] - RIG.joints[J["neck"]])


def test_nodding_moves_it_half_as_far():
    assert abs(shift(1j)) == pytest.approx(0.5, abs=0.05)


def test_a_head_that_turns_as_a_whole_leaves_the_face_in_place():
    joints, neck = RIG.joints.copy(), RIG.joints[J["neck"]]
    for name in ("head", "nose", "ear_l", "ear_r"):
        joints[J[name]] = neck + (joints[J[name]] - neck) * np.exp(0.3j)
    assert abs(nose_shift(RIG, joints, bone_maps(RIG, joints, back=False)[0][HEAD])) < 0.6


def test_the_rim_of_the_head_and_the_body_stay():
    nose, head = RIG.joints[J["nose"]], RIG.joints[J["head"]]
    points = np.array([(nose + head) / 2, head + 24, RIG.joints[J["pelvis"]]])
    share = face_share(points, RIG)
    assert share[0] > 0.9 and (share[1:] == 0).all()


def test_affine_maps_apply_to_their_own_points():
    maps = np.array([[1, 0, 2], [0, 1, 0]], complex)
    assert apply(maps, np.array([1 + 1j, 1 + 1j])).tolist() == [3 + 1j, 1 - 1j]
