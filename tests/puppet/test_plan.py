"""What is decided for the whole clip: facing, turned frames, refusal of nonsense."""

from dataclasses import replace

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.skeleton import Skeleton
from animato.puppet.plan import plan
from puppet_parts import clip, drawn_parts, standing, turned

PARTS = drawn_parts()


def turning(degrees: list[float]) -> Skeleton:
    frames = [turned(standing(), angle) for angle in degrees]
    return Skeleton(np.concatenate([f.xyz for f in frames]), np.concatenate([f.present for f in frames]))


def test_frames_turned_beyond_60_degrees_are_marked():
    assert [p.turned for p in plan(PARTS, turning([0, 30, 55, 65, -55, -65, 120, 180]))] == [0, 0, 0, 1, 0, 1, 1, 1]


def test_the_back_is_shown_from_behind():
    assert [p.back for p in plan(PARTS, turning([0, 60, 120, 180, 240, 300]))] == [0, 0, 1, 1, 1, 0]


def test_facing_does_not_flicker_in_profile():
    profile = [0.0] + [90 + 5 * (-1) ** k for k in range(20)]
    assert not any(p.back for p in plan(PARTS, turning(profile)))
    assert all(p.back for p in plan(PARTS, turning([180.0, *profile[1:]])))


def test_turning_is_measured_against_the_picture():
    sideways = replace(PARTS, skeleton=turned(standing(), 40))
    assert [p.turned for p in plan(sideways, turning([40, 90, -10, -30]))] == [0, 0, 0, 1]


def test_a_picture_from_behind_is_its_own_front():
    behind = replace(PARTS, skeleton=turned(standing(), 180))
    assert [p.back for p in plan(behind, turning([180, 0]))] == [0, 1]


def test_held_limbs_are_reported():
    motion = clip(3)
    motion.present[1, :] = False
    assert [bool(p.held) for p in plan(PARTS, motion)] == [False, True, False]


@pytest.mark.parametrize("frames", [0, 2])
def test_motions_that_cannot_be_followed_are_refused(frames):
    motion = clip(frames)
    motion.xyz[1:, 3] = np.nan
    with pytest.raises(InputError, match="no frame|not numbers"):
        plan(PARTS, motion)
