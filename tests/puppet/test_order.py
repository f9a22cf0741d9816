"""The painting order: by depth, for every piece, without flicker."""

import numpy as np
import pytest

from animato.pose.skeleton import J
from animato.puppet.order import ROOT, TIP, painting_order, switched
from puppet_parts import standing

TORSO = 76.0


def depths(frames: int, **z: float | np.ndarray) -> np.ndarray:
    out = np.zeros((frames, len(J)))
    for name, value in z.items():
        out[:, J[name]] = value
    return out


def before(order, first, second) -> bool:
    return order.index(first) < order.index(second)


def test_every_piece_is_painted_once():
    for order in painting_order(standing().xyz[..., 2], TORSO):
        limbs = {(f"{limb}_{side}", piece) for limb in ("arm", "leg") for side in "lr" for piece in (ROOT, TIP)}
        assert len(order) == 9 and set(order) == limbs | {("torso", ROOT)}


def test_arms_are_in_front_unless_clearly_behind():
    front, behind = painting_order(depths(2, elbow_l=[0.1 * TORSO, 0.5 * TORSO], wrist_l=[0.1 * TORSO, 0.5 * TORSO]), TORSO)
    assert before(front, ("torso", ROOT), ("arm_l", TIP)) and before(behind, ("arm_l", TIP), ("torso", ROOT))
    assert before(behind, ("torso", ROOT), ("arm_r", TIP))


def test_a_hand_goes_behind_the_back_alone():
    (order,) = painting_order(depths(1, wrist_l=0.4 * TORSO, elbow_l=0.1 * TORSO), TORSO)
    assert before(order, ("arm_l", TIP), ("torso", ROOT)) and before(order, ("torso", ROOT), ("arm_l", ROOT))


@pytest.mark.parametrize("nearer,other", [("l", "r"), ("r", "l")])
def test_the_nearer_limb_lies_on_top(nearer, other):
    z = depths(1, **{f"{joint}_{nearer}": -30.0 for joint in ("elbow", "wrist", "knee", "ankle")})
    (order,) = painting_order(z, 2 * TORSO)
    for limb in ("arm", "leg"):
        assert before(order, (f"{limb}_{other}", TIP), (f"{limb}_{nearer}", ROOT))


def test_a_shin_raised_to_the_camera_covers_the_body():
    (order,) = painting_order(depths(1, knee_l=-0.4 * TORSO, ankle_l=-0.6 * TORSO), TORSO)
    assert before(order, ("torso", ROOT), ("leg_l", TIP)) and before(order, ("leg_l", ROOT), ("torso", ROOT))


def test_a_folded_forearm_lies_over_or_under_its_upper_arm():
    over, under = (painting_order(depths(1, wrist_l=z), TORSO)[0] for z in (-15.0, 15.0))
    assert before(over, ("arm_l", ROOT), ("arm_l", TIP)) and before(under, ("arm_l", TIP), ("arm_l", ROOT))


def test_small_changes_do_not_swap_anything():
    noise = 0.07 * TORSO * np.where(np.arange(40) % 2, 1, -1)
    legs = depths(40, ankle_l=noise, knee_l=noise)
    hand = depths(40, wrist_r=0.2 * TORSO + 0.5 * noise, elbow_r=0.2 * TORSO)
    elbow = depths(40, elbow_r=0.4 * TORSO + 0.8 * noise)
    assert [len(set(painting_order(z, TORSO))) for z in (legs, hand, elbow)] == [1, 1, 1]


def test_switch_waits_for_both_thresholds():
    values = np.array([0.5, 0.5, 1.1, 0.5, 0.1, -0.1, 0.5, 2.0])
    assert switched(values, 0, 1).tolist() == [True, True, True, True, True, False, False, True]


def test_switch_that_is_never_sure_takes_the_middle():
    assert switched(np.array([0.6, 0.7]), 0, 1).all() and not switched(np.array([0.3, 0.4]), 0, 1).any()
