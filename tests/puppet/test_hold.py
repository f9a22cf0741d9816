"""Joints that a motion does not show are held, and given back softly."""

import numpy as np

from animato.pose.skeleton import J, Skeleton
from animato.puppet.hold import held, limbs_held
from animato.puppet.rig import as_complex
from puppet_parts import clip, standing

ARM = ["elbow_l", "wrist_l", "palm_l", "tips_l"]


def swing(frames: int) -> Skeleton:
    """The left arm turns about the shoulder while the whole figure walks to the right."""
    skeleton = clip(frames)
    shoulder = as_complex(skeleton.xyz)[:, J["shoulder_l"]]
    turn = np.exp(-0.1j * np.arange(frames))
    for name in ARM:
        place = shoulder + (as_complex(skeleton.xyz)[:, J[name]] - shoulder) * turn
        skeleton.xyz[:, J[name], :2] = np.stack([place.real, place.imag], axis=1)
    skeleton.xyz[..., 0] += 2.0 * np.arange(frames)[:, None]
    return skeleton


def without(skeleton: Skeleton, joints: list[str], frames: slice) -> Skeleton:
    present, xyz = skeleton.present.copy(), skeleton.xyz.copy()
    for name in joints:
        present[frames, J[name]], xyz[frames, J[name]] = False, 1e3
    return Skeleton(xyz, present)


def arm_angle(joints: np.ndarray) -> np.ndarray:
    return np.unwrap(np.angle(joints[:, J["elbow_l"]] - joints[:, J["shoulder_l"]]))


def test_what_is_seen_stays_as_it_is():
    motion = swing(8)
    joints, z, missing = held(motion, standing())
    assert np.allclose(joints, as_complex(motion.xyz)) and np.allclose(z, motion.xyz[..., 2]) and not missing.any()


def test_a_lost_arm_keeps_its_angle_and_travels_with_the_body():
    motion = swing(12)
    joints, _, missing = held(without(motion, ["elbow_l", "wrist_l"], slice(5, 12)), standing())
    angle = arm_angle(joints)
    assert np.allclose(angle[5:], angle[4])
    assert np.allclose(np.diff(joints[5:, J["wrist_l"]]), 2.0)
    assert limbs_held(missing)[4] == () and limbs_held(missing)[5] == ("arm_l",)


def test_a_hand_on_a_lost_elbow_is_held_too():
    motion = swing(12)
    joints, _, missing = held(without(motion, ["elbow_l"], slice(5, 12)), standing())
    assert missing[5:, J["wrist_l"]].all() and np.allclose(np.diff(joints[5:, J["wrist_l"]]), 2.0)


def test_an_arm_lost_at_the_start_waits_in_its_first_pose():
    motion = swing(12)
    joints, _, _ = held(without(motion, ["elbow_l"], slice(0, 4)), standing())
    assert np.allclose(arm_angle(joints)[:4], arm_angle(as_complex(motion.xyz))[4])


def test_the_motion_is_taken_up_softly_and_fully():
    motion = swing(20)
    joints, _, _ = held(without(motion, ["elbow_l"], slice(4, 10)), standing())
    angle, truth = arm_angle(joints), arm_angle(as_complex(motion.xyz))
    assert np.allclose(angle[15:], truth[15:])
    assert np.abs(np.diff(angle)).max() < 0.6 * abs(truth[10] - truth[3])


def test_what_is_never_seen_stays_as_in_the_picture():
    legs = [f"{name}_{side}" for name in ("knee", "ankle", "toe") for side in "lr"]
    joints, _, _ = held(without(swing(6), legs, slice(None)), standing())
    rest = as_complex(standing().xyz[0])
    assert np.allclose(joints[:, J["ankle_r"]] - joints[:, J["hip_r"]], rest[J["ankle_r"]] - rest[J["hip_r"]])


def test_a_frame_without_anybody_repeats_the_last():
    motion = swing(6)
    joints, z, missing = held(without(motion, list(J), slice(3, 5)), standing())
    assert np.allclose(joints[3:5], joints[2]) and np.allclose(z[3:5], z[2])
    assert set(limbs_held(missing)[3]) == {"torso", "arm_l", "arm_r", "leg_l", "leg_r"}


def test_a_hand_that_the_picture_does_not_show_goes_with_the_forearm():
    picture = standing()
    picture.present[0, [J["palm_l"], J["tips_l"]]] = False
    bend = clip(3, palm_l=np.array([[0, 0, 0], [6, 0, 0], [12, 0, 0]]))
    joints, _, _ = held(bend, picture)
    assert np.allclose(joints[:, J["palm_l"]], joints[0, J["palm_l"]])


def test_hands_keep_about_their_length():
    joints, _, _ = held(clip(2, palm_l=np.array([[0, 0, 0], [0, 200, 0]])), standing())
    length = np.abs(joints[:, J["palm_l"]] - joints[:, J["wrist_l"]])
    assert length[1] <= 1.25 * length[0] + 1e-9
