"""Hinges: in the middle of the flesh, and limbs that keep their thickness however far the motion bends them from the picture."""

from dataclasses import replace

import numpy as np
import pytest

from animato.pose.skeleton import J
from animato.puppet.hinge import bends, centred_joints, hinge
from animato.puppet.plan import plan
from animato.puppet.rig import LAYER_BONES, as_complex, bone_maps, rig
from animato.puppet.stage import Stage
from puppet_parts import COLOURS, bent, clip, drawn_parts, standing

ARM = ("torso", "arm_l")
UPPER, FORE = LAYER_BONES["arm_l"][:2]
THICK = 7.0  # half of the drawn forearm's


def arm_of(degrees: float):
    """The parts of a picture that shows a left arm bent by so much, and no other limb."""
    return drawn_parts(ARM, bent(degrees), floor=None)


def stiffness(picture: float, motions: list[float], back: bool = False) -> list[float]:
    parts = arm_of(picture)
    puppet, found = rig(parts), hinge(parts.layers["arm_l"], parts)
    maps = [bone_maps(puppet, as_complex(bent(motion).xyz[0]), back)[0] for motion in motions]
    return [found.stiffness(each[UPPER], each[FORE]) for each in maps]


def painted(stage: Stage, motion, layer: str = "arm_l") -> np.ndarray:
    """H W bool: where a limb is painted in the one frame of a motion."""
    frame, _ = stage.frame(plan(stage.parts, motion)[0])
    return np.abs(frame.astype(int) - COLOURS[layer]).max(axis=2) < 40


def width(seen: np.ndarray, a: complex, b: complex, t: float) -> int:
    """Pixels painted on a line across from a to b, without a break about its middle."""
    step = (b - a) / abs(b - a)
    places = a + t * (b - a) + np.arange(-25, 26) * 1j * step
    hit = seen[places.imag.astype(int), places.real.astype(int)]
    hit[[0, -1]] = False
    gaps = np.flatnonzero(~hit) - 25
    return int(gaps[gaps > 0].min() - gaps[gaps < 0].max() - 1) if hit[25] else 0


@pytest.mark.parametrize("off", [0, 5, -5j, 4 + 4j])
def test_the_hinge_is_in_the_middle_wherever_the_joint_was_seen(off):
    parts = arm_of(-100)
    true = as_complex(standing().xyz[0])[J["elbow_l"]]
    parts.skeleton.xyz[0, J["elbow_l"], :2] += off.real, off.imag
    found = hinge(parts.layers["arm_l"], parts)
    assert abs(found.centre - true) < 3 and abs(found.radius - 7.5) < 1.5


def test_without_flesh_the_joint_stays_where_it_is():
    parts = drawn_parts(ARM)
    parts.layers["arm_l"].texture[..., 3] = 0
    assert centred_joints(parts)[J["elbow_l"]] == as_complex(parts.skeleton.xyz[0])[J["elbow_l"]]


@pytest.mark.parametrize("picture", [0, -100, 100])
def test_a_limb_comes_apart_step_by_step(picture):
    angles = np.arange(0.0, 179.0, 2.0)
    for sign in (-1, 1):
        shares = stiffness(picture, list(picture + sign * angles))
        assert shares[0] == 0 == shares[10] and shares[35] == 1 == shares[-1]
        assert (np.diff(shares) >= 0).all() and np.diff(shares).max() < 0.15


def test_seen_from_behind_the_picture_s_bend_is_mirrored():
    """A quarter turn to the left in the picture is one to the right in the mirrored figure: no reason to come apart."""
    assert stiffness(-80, [80, -80], back=True) == [0, 1]


def test_the_pieces_cover_all_and_both_hold_the_disc():
    found = hinge(arm_of(-100).layers["arm_l"], arm_of(-100))
    root, tip = found.shares((288, 192))
    assert np.maximum(root.joined, tip.joined).min() == 1
    y, x = np.mgrid[:288, :192]
    disc = np.abs(x + 0.5 + 1j * (y + 0.5) - found.centre) < found.radius - 1
    for piece in (root, tip):
        assert piece.under[disc].min() == 1 and (piece.over <= piece.under).all() and (piece.under <= piece.joined).all()
    assert not np.maximum(root.under, tip.under).all()


@pytest.mark.parametrize("picture,motion", [(0, 140), (0, -140), (-100, 0), (-100, 60), (100, 0), (100, -100), (-140, 20)])
def test_a_strongly_bent_limb_keeps_its_thickness(picture, motion):
    joints = as_complex(bent(motion).xyz[0])
    seen = painted(Stage(arm_of(picture)), bent(motion))
    for a, b, places in (("elbow_l", "wrist_l", (0.3, 0.5, 0.7, 0.9)), ("shoulder_l", "elbow_l", (0.4, 0.5, 0.6, 0.7))):
        widths = [width(seen, joints[J[a]], joints[J[b]], t) for t in places]
        assert min(widths) >= 2 * THICK - 2, (a, widths)


@pytest.mark.parametrize("picture,motion", [(0, 140), (0, 50), (-100, 0), (-100, -60), (100, -100), (-100, -40)])
def test_there_is_no_hole_at_the_joint(picture, motion):
    elbow = as_complex(standing().xyz[0])[J["elbow_l"]]
    y, x = np.mgrid[:288, :192]
    about = np.abs(x + 0.5 + 1j * (y + 0.5) - elbow) < THICK - 2.5
    assert painted(Stage(arm_of(picture)), bent(motion))[about].all()


def test_a_bend_never_jumps():
    stage = Stage(arm_of(-100))
    sizes = [painted(stage, bent(float(degrees))).sum() for degrees in range(-100, 60, 4)]
    assert np.abs(np.diff(sizes)).max() < 0.04 * sizes[0]


@pytest.mark.parametrize("bend", [1.9, -1.9])
def test_knees_keep_their_thickness_too(bend):
    motion, knee = clip(1), standing().xyz[0, J["knee_l"], :2] @ [1, 1j]
    for name in ("ankle_l", "toe_l"):
        place = knee + (motion.xyz[0, J[name], :2] @ [1, 1j] - knee) * np.exp(1j * bend)
        motion.xyz[0, J[name], :2] = place.real, place.imag
    seen = painted(Stage(drawn_parts(("torso", "leg_l"), floor=None)), motion, "leg_l")
    joints = as_complex(motion.xyz[0])
    assert min(width(seen, joints[J["knee_l"]], joints[J["ankle_l"]], t) for t in (0.2, 0.4, 0.6)) >= 16


def test_frozen_limbs_and_the_torso_have_no_hinge():
    parts = drawn_parts()
    assert not bends(parts.layers["torso"]) and not bends(replace(parts.layers["arm_l"], frozen=True)) and bends(parts.layers["leg_r"])
