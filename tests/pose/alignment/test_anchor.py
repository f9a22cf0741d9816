"""Feet that the driving video cuts off stand where the picture has them."""

from dataclasses import replace

import numpy as np
import pytest

from animato.pose.alignment.align import align, robust
from animato.pose.keypoints import Point, PoseSequence
from dancers import dancer

FEET = [Point.R_ANKLE, Point.L_ANKLE, Point.R_BIG_TOE, Point.L_HEEL]
SHINS = [Point.R_ANKLE, Point.L_ANKLE, *range(18, 24)]
LEGS = [Point.R_KNEE, Point.L_KNEE, *SHINS]
HIPS = [Point.R_HIP, Point.L_HIP, *LEGS]
REFERENCE = dancer(5, 1, 400, still=True)
T = 116.0


def swaying(hidden: list[int], way: float = 30.0) -> PoseSequence:
    """Somebody who sways and bobs, with points cut off."""
    motion = dancer(2, 48)
    time = np.linspace(0, 4 * np.pi, 48)
    sway = np.stack([way * np.sin(time), 6 * np.cos(2 * time), 0 * time], axis=1)
    motion = replace(motion, points=motion.points + sway[:, None, None])
    motion.points[:, :, hidden], motion.score[:, :, hidden] = 1e5, 0.0
    return motion


@pytest.mark.parametrize("hidden", [SHINS, LEGS, HIPS])
def test_feet_stand_while_the_body_sways(hidden):
    aligned = align(REFERENCE, swaying(hidden))
    pose = aligned.pose
    assert (pose.score[:, 0, [*FEET, Point.L_KNEE]] > 0.3).all()
    assert np.ptp(pose.points[:, 0, FEET, :2], axis=0).max() < 0.05 * T
    assert np.ptp(pose.points[:, 0, Point.NECK, 0]) > 0.2 * T
    assert any("does not show the feet" in note for note in aligned.notes)
    legs = np.linalg.norm((pose.points[:, 0, Point.L_HIP] - pose.points[:, 0, Point.L_ANKLE])[:, :2], axis=-1)
    own = np.linalg.norm((REFERENCE.points[0, 0, Point.L_HIP] - REFERENCE.points[0, 0, Point.L_ANKLE])[:2])
    assert (legs < 1.06 * own).all() and (legs > 0.85 * own).all()


def test_feet_go_along_with_who_walks_far():
    pose = align(REFERENCE, swaying(LEGS, 120)).pose
    hips = pose.points[:, 0, Point.L_HIP, 0]
    away = np.abs(pose.points[:, 0, Point.L_ANKLE, 0] - hips)
    assert np.ptp(hips) > T
    assert away.max() < 0.5 * T


def test_nothing_is_anchored_where_feet_are_seen_or_free_or_not_in_the_picture():
    shown = align(REFERENCE, swaying([]))
    free = align(REFERENCE, swaying(LEGS), robust("free"))
    cut = replace(REFERENCE, points=REFERENCE.points.copy(), score=REFERENCE.score.copy())
    cut.score[:, :, SHINS] = 0.0
    for aligned in (shown, free, align(cut, swaying(LEGS))):
        assert not any("does not show the feet" in note for note in aligned.notes)
    assert (free.pose.score[:, 0, FEET] == 0).all()
