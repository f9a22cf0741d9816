"""Standing feet are held: they do not slide, legs keep their length, and who walks still walks."""

from dataclasses import replace

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.people.shipped import motion_path
from animato.pose.alignment.align import align, robust
from animato.pose.io import load_poses
from animato.pose.keypoints import Point, PoseSequence
from animato.pose.limbs import body, torso
from dancers import dancer

FOOT = [Point.L_ANKLE, Point.L_BIG_TOE, Point.L_SMALL_TOE, Point.L_HEEL]
FREE, HOLD = robust("free"), robust("hold")


def trembling(frames: int = 48, noise: float = 0.4, fps: float = 24.0) -> PoseSequence:
    """Somebody who stands, but for the noise of an estimator in pixels (T is 145)."""
    one = dancer(3, 1, 500, still=True)
    points = np.repeat(one.points, frames, axis=0) + np.random.default_rng(0).normal(0, noise, (frames, *one.points.shape[1:]))
    return PoseSequence(points, np.ones(points.shape[:3]), one.size, fps)


def steps(pose: PoseSequence, points: list[int]) -> np.ndarray:
    return np.linalg.norm(np.diff(pose.points[:, 0, points, :2], axis=0), axis=-1)


def leg_lengths(pose: PoseSequence) -> np.ndarray:
    legs = [(Point.L_HIP, Point.L_KNEE), (Point.L_KNEE, Point.L_ANKLE), (Point.R_HIP, Point.R_KNEE), (Point.R_KNEE, Point.R_ANKLE)]
    return np.stack([np.linalg.norm((pose.points[:, 0, a] - pose.points[:, 0, b])[:, :2], axis=-1) for a, b in legs])


def test_a_standing_foot_stays_where_it_is():
    reference = dancer(5, 1, 400, still=True)
    motion = trembling()
    free, held = (align(reference, motion, how).pose for how in (FREE, HOLD))
    assert steps(free, FOOT).max() > 0.5
    assert steps(held, FOOT).max() < 1e-6
    np.testing.assert_allclose(leg_lengths(held), leg_lengths(free), rtol=0.02)
    assert np.abs(held.points - free.points)[..., :2].max() < 0.02 * torso(body(reference))


def test_the_pelvis_follows_softly():
    reference = dancer(5, 1, 400, still=True)
    free, held = (align(reference, trembling(), how).pose for how in (FREE, HOLD))
    assert steps(held, [Point.NECK]).mean() < 1.1 * steps(free, [Point.NECK]).mean()


@pytest.mark.parametrize("fps", [60.0, 12.0])
def test_what_stands_is_told_by_time(fps):
    reference = dancer(5, 1, 400, still=True)
    walker = replace(trembling(round(2 * fps), 0.02, fps))
    along = np.zeros((len(walker), 1, 1, 3))
    along[:, 0, 0, 0] = 0.3 * 145 / fps * np.arange(len(walker))  # .3 T a second: no foot stands
    free, held = (align(reference, replace(walker, points=walker.points + along), how).pose for how in (FREE, HOLD))
    np.testing.assert_array_equal(held.points, free.points)


def test_a_foot_that_is_drawn_over_the_floor_is_not_stopped():
    motion = trembling(48, 0.02)
    along = 0.15 * 145 / 24 * np.arange(48)  # slower than a standing foot may tremble, but always onwards
    motion = replace(motion, points=motion.points + along[:, None, None, None] * [1, 0, 0])
    free, held = (align(dancer(5, 1, 400, still=True), motion, how).pose for how in (FREE, HOLD))
    away = np.abs(held.points - free.points)[:40, 0, FOOT, 0]
    assert away.max() < 0.02 * 145


@pytest.mark.parametrize("name", ["walk", "jump", "kick", "sidestep"])
def test_feet_that_move_move_as_before(name):
    """At the ends of a step a foot is let go over a few frames, and nowhere by more than it trembled."""
    motion = load_poses(motion_path(name))
    reference = motion.frames(slice(1))
    free, held = (align(reference, motion, how).pose for how in (FREE, HOLD))
    away = np.linalg.norm((held.points - free.points)[:, 0, FOOT, :2], axis=-1)
    unit = torso(body(reference))
    assert away.max() < 0.06 * unit
    assert steps(held, FOOT).max() < steps(free, FOOT).max() + 0.02 * unit


def test_hidden_feet_are_not_held():
    motion = trembling()
    motion.score[10:20, :, [Point.L_ANKLE, Point.R_ANKLE]] = 0.0
    held = align(dancer(5, 1, 400, still=True), motion, HOLD).pose
    free = align(dancer(5, 1, 400, still=True), motion, FREE).pose
    np.testing.assert_allclose(held.points[15, 0, Point.L_HEEL], free.points[15, 0, Point.L_HEEL], atol=0.5)


def test_another_word_for_feet_is_refused():
    with pytest.raises(InputError, match="hold or free"):
        robust("glued")
