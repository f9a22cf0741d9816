"""The stage as others use it: parts and a motion in, frames and reports out."""

from dataclasses import replace

import numpy as np
import pytest

from animato.pose.skeleton import BONES, J, Skeleton
from animato.puppet.plan import plan
from animato.puppet.prepare import take_apart
from animato.puppet.stage import Stage, perform, self_drive
from puppet_figure import draw, pose_of, soft
from puppet_parts import BACK_COLOUR, COLOURS, HEAD_COLOUR, clip, drawn_parts, flat, share_of, standing, turned

PARTS = drawn_parts()


def wave(frames: int) -> Skeleton:
    t = np.linspace(0, 1, frames)[:, None]
    lift = np.concatenate([20 * t, -80 * t, 0 * t], axis=1)
    return clip(frames, wrist_l=lift, palm_l=1.3 * lift, tips_l=1.5 * lift)


def show(motion: Skeleton, parts=PARTS, quality="good") -> list[np.ndarray]:
    return [frame for frame, _ in perform(parts, motion, quality)]


@pytest.mark.parametrize("layers", [tuple(BONES), ("torso", "arm_l"), ("torso",)])
def test_its_own_pose_gives_the_picture_back(layers):
    parts = drawn_parts(layers, floor=None)
    assert self_drive(parts, flat(parts)) > 40


def test_self_drive_sees_wrong_parts_and_overlooks_the_background():
    parts = drawn_parts(floor=None)
    picture = flat(parts)
    shaded = replace(parts, background=parts.background // 2)
    assert self_drive(shaded, picture) > 30
    parts.layers["torso"].texture[...] = np.roll(parts.layers["torso"].texture, 40, axis=1)
    assert self_drive(parts, picture) < 22


def test_a_picture_taken_apart_gives_itself_back():
    picture, mask = draw((90, 110, 100))
    assert self_drive(take_apart(picture, pose_of(mask=soft(mask))), picture) > 25


@pytest.mark.parametrize("quality", ["fast", "good"])
def test_a_raised_hand_arrives_where_the_motion_says(quality):
    motion = wave(5)
    for frame, joints in zip(show(motion, quality=quality), motion.xyz, strict=True):
        x, y = (joints[J["wrist_l"], :2] * 0.7 + joints[J["elbow_l"], :2] * 0.3).astype(int)
        assert np.abs(frame[y, x].astype(int) - COLOURS["arm_l"]).max() < 12


def test_a_frame_depends_on_its_plan_alone():
    plans = plan(PARTS, wave(6))
    stage = Stage(PARTS)
    forwards = [stage.frame(p)[0] for p in plans]
    assert all((Stage(PARTS).frame(plans[k])[0] == forwards[k]).all() for k in (5, 2))
    assert (stage.frame(plans[3])[0] == forwards[3]).all() and (PARTS.background == PARTS.background[0, 0]).all()


def test_a_body_seen_from_behind_shows_no_face_and_swaps_sides():
    motion = Skeleton(np.concatenate([standing().xyz, turned(standing(), 180).xyz]), np.ones((2, len(J)), bool))
    (front, report), (back, other) = perform(PARTS, motion)
    assert share_of(front, HEAD_COLOUR) > 0.01 > 0.001 > share_of(back, HEAD_COLOUR) and share_of(back, BACK_COLOUR) > 0.01
    assert not report.turned and other.turned
    assert share_of(back[:, :96], COLOURS["arm_l"]) > 0.01 and share_of(front[:, :96], COLOURS["arm_l"]) == 0


@pytest.mark.parametrize("degrees", [60, 90, 135, 270])
def test_a_turned_body_keeps_half_its_width(degrees):
    torso = drawn_parts(("torso",))
    now, front = (share_of(show(joints, torso)[0], COLOURS["torso"]) for joints in (turned(standing(), degrees), standing()))
    assert 0.45 < now / front < 0.8


def test_a_limb_at_the_camera_is_skinned_and_has_no_holes():
    motion = clip(1)
    for name, t in (("elbow_l", 0.15), ("wrist_l", 0.2), ("palm_l", 0.25), ("tips_l", 0.3)):
        motion.xyz[:, J[name]] = motion.xyz[:, J["shoulder_l"]] + t * (motion.xyz[:, J[name]] - motion.xyz[:, J["shoulder_l"]])
    ((frame, report),) = perform(PARTS, motion)
    assert report.skinned == ("arm_l",)
    seen = np.abs(frame.astype(int) - COLOURS["arm_l"]).max(axis=2) < 12
    y, x = np.nonzero(seen)
    assert seen.sum() > 100 and seen[y.min() + 3 : y.max() - 3, int(np.median(x))].mean() > 0.9


def test_bent_limbs_have_no_holes():
    """The forearm folds back onto the upper arm; the empty surroundings of either must not wipe out the other."""
    motion, elbow = clip(1), standing().xyz[0, J["elbow_l"]]
    for name in ("wrist_l", "palm_l", "tips_l"):
        motion.xyz[:, J[name], :2] = elbow[:2] + (motion.xyz[:, J[name], :2] - elbow[:2]) @ np.array([[-0.94, 0.34], [-0.34, -0.94]])
    (frame,) = show(motion, drawn_parts(("torso", "arm_l")))
    for name in ("shoulder_l", "wrist_l"):
        for t in np.linspace(0.06, 0.9, 20):
            x, y = ((1 - t) * elbow + t * motion.xyz[0, J[name]])[:2].astype(int)
            assert np.abs(frame[y, x].astype(int) - COLOURS["arm_l"]).max() < 12


def test_frozen_legs_follow_the_torso():
    frozen = {name: replace(layer, frozen=name.startswith("leg")) for name, layer in PARTS.layers.items()}
    kick = clip(1, knee_l=np.array([40, -40, 0]), ankle_l=np.array([80, -80, 0]), toe_l=np.array([80, -80, 0]))
    parts = replace(PARTS, layers=frozen, floor=None)
    assert (show(kick, parts)[0] == show(clip(1), parts)[0]).all()


def test_slivers_of_layers_are_left_out():
    speck = np.zeros_like(PARTS.layers["arm_l"].texture)
    speck[100:103, 100:103] = 255
    parts = replace(PARTS, layers=PARTS.layers | {"arm_l": replace(PARTS.layers["arm_l"], texture=speck)})
    without = replace(PARTS, layers={name: layer for name, layer in PARTS.layers.items() if name != "arm_l"})
    motion = clip(1, wrist_l=np.array([30, -30, 0]))
    assert np.abs(show(motion, parts)[0].astype(int) - show(motion, without)[0]).max() < 60


def test_the_face_turns_with_the_nose():
    parts = drawn_parts(("torso",), floor=None)
    x, y = standing().xyz[0, J["nose"], :2].astype(int)
    parts.layers["torso"].texture[y - 2 : y + 3, x - 2 : x + 3, :3] = 0
    left, right = show(clip(2, nose=np.array([[-5, 0, 0], [5, 0, 0]])), parts)
    spots = [np.argmin(frame[y, x - 15 : x + 15].sum(axis=1)) for frame in (left, right)]
    assert spots[1] - spots[0] >= 4


def test_held_frames_are_reported():
    motion = wave(4)
    motion.present[2] = False
    frames, reports = zip(*perform(PARTS, motion), strict=True)
    assert (frames[2] == frames[1]).all() and "torso" in reports[2].held and not reports[1].held
