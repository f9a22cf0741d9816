"""Whatever the seed, a procedural person is a whole person in the picture, and their keypoints lie on them."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from animato.people.motions import MOTIONS, random_style
from animato.people.people import clip
from animato.pose.keypoints import Point
from joint_limits import outside_limits


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), motion=st.sampled_from(sorted(MOTIONS)))
def test_any_seed_gives_a_person_in_the_picture(seed: int, motion: str) -> None:
    frames, poses = clip(seed, motion, 1, (96, 96))
    assert poses.mask is not None
    points, score, mask = poses.points[0, 0], poses.score[0, 0], poses.mask[0]
    assert np.isfinite(points).all() and 0.03 < (mask > 127).mean() < 0.35
    on_person = cv2.dilate(mask, np.ones((5, 5), np.uint8)) > 127
    seen = points[score == 1, :2].astype(int)
    assert len(seen) > 20 and on_person[seen[:, 1], seen[:, 0]].mean() > 0.97
    assert score[: Point.L_ANKLE + 1][1:].min() >= 0.5
    assert frames[0][mask > 250].std() > 5


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), motion=st.sampled_from(sorted(MOTIONS)), start=st.floats(0, 60))
def test_any_style_keeps_the_joints_within_their_limits(seed: int, motion: str, start: float) -> None:
    posture = MOTIONS[motion](start + np.arange(24) / 6, random_style(np.random.default_rng(seed)))
    assert outside_limits(posture) == {}
