"""Whatever a motion asks for, the puppet paints something sound."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from animato.pose.skeleton import JOINTS, J, Skeleton
from animato.puppet.hold import held
from animato.puppet.order import painting_order, switched
from animato.puppet.plan import plan
from animato.puppet.stage import Stage
from puppet_parts import clip, drawn_parts, standing

PARTS = drawn_parts()
STAGES = {quality: Stage(PARTS, quality) for quality in ("good", "fast")}
FEW = settings(max_examples=20, deadline=None, derandomize=True)
MANY = settings(max_examples=60, deadline=None, derandomize=True)


def numbers(low: float, high: float, *shape: int):
    return arrays(np.float64, shape, elements=st.floats(low, high, allow_nan=False))


@FEW
@given(numbers(-60, 60, 2, len(JOINTS), 3), arrays(bool, (2, len(JOINTS))), st.sampled_from(["good", "fast"]))
def test_any_motion_gives_whole_frames(moves, present, quality):
    target = Skeleton(standing().xyz + moves, present)
    for one in plan(PARTS, target):
        frame, report = STAGES[quality].frame(one)
        assert frame.shape == PARTS.background.shape and frame.dtype == np.uint8
        assert set(report.skinned) <= set(PARTS.layers) and set(report.held) <= set(PARTS.layers)


@FEW
@given(st.sampled_from([0.0, 1e-12, 500.0, 1e5]), st.sampled_from(["good", "fast"]))
def test_joints_in_one_place_or_far_away_are_survived(where, quality):
    target = Skeleton(np.full((1, len(JOINTS), 3), where), np.ones((1, len(JOINTS)), bool))
    (one,) = plan(PARTS, target)
    assert STAGES[quality].frame(one)[0].shape == PARTS.background.shape


@FEW
@given(st.integers(-12, 12), st.integers(-12, 8))
def test_a_moved_motion_is_the_same_figure_elsewhere(dx, dy):
    plain = Stage(drawn_parts(floor=None))
    here, there = (plain.frame(plan(PARTS, Skeleton(clip(1).xyz + [x, y, 0], clip(1).present))[0])[0] for x, y in ((0, 0), (dx, dy)))
    inside = here[14:-12, 12:-12]
    assert np.abs(there[14 + dy : 288 - 12 + dy, 12 + dx : 192 - 12 + dx].astype(int) - inside).max() <= 4


@MANY
@given(numbers(-300, 300, 5, len(JOINTS)), st.floats(20, 300))
def test_the_order_is_always_a_permutation(z, torso):
    orders = painting_order(z, torso)
    assert len({frozenset(order) for order in orders}) == 1 and all(len(set(order)) == len(order) == 9 for order in orders)


@MANY
@given(numbers(-2, 2, 30), st.floats(-1, 0), st.floats(0.01, 1))
def test_a_switch_obeys_its_thresholds(values, low, high):
    state = switched(values, low, high)
    assert state[values >= high].all() and not state[values <= low].any()
    between = (values[1:] > low) & (values[1:] < high)
    assert (state[1:] == state[:-1])[between].all()


@MANY
@given(numbers(-40, 40, 6, len(JOINTS), 3), arrays(bool, (6, len(JOINTS))))
def test_joints_on_seen_joints_stay_where_they_were_seen(moves, present):
    present[:, [J["neck"], J["shoulder_l"], J["elbow_l"], J["wrist_l"]]] = True
    target = Skeleton(standing().xyz + moves, present)
    joints, z, missing = held(target, standing())
    assert np.isfinite(joints).all() and np.isfinite(z).all()
    for name in ("elbow_l", "wrist_l"):
        assert np.allclose(joints[:, J[name]], target.xyz[:, J[name], 0] + 1j * target.xyz[:, J[name], 1])
        assert not missing[:, J[name]].any()
