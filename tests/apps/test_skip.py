"""Skipping frames of a motion: poses and clip stay together and last as long."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from animato.api import Excerpt, Motion
from animato.core.errors import InputError
from animato.core.media import Clip
from extras import DIFFUSION

animators = pytest.importorskip("animators", reason=DIFFUSION)


@pytest.mark.parametrize(("frames", "skip", "left"), [(48, 1, 24), (49, 1, 24), (50, 2, 16), (6, 2, 2)])
def test_so_many_frames_stay(frames: int, skip: int, left: int) -> None:
    poses = animators.motion(frames, fps=30)
    thin = Motion(poses).thinned(skip).poses
    assert len(thin) == left and thin.fps == pytest.approx(30 / (skip + 1))
    assert np.array_equal(thin.points, poses.points[:: skip + 1][:left])


def test_the_clip_goes_along() -> None:
    clip = Clip.of(np.arange(7, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8), Fraction(30000, 1001))
    thin = Motion(animators.motion(7), clip).thinned(1).clip
    assert thin is not None and (thin.length, thin.fps) == (3, Fraction(15000, 1001))
    assert [int(frame[0, 0, 0]) for frame in thin] == [0, 2, 4]
    assert [int(frame[0, 0, 0]) for frame in clip.every(3)] == [0, 3, 6] and clip.every(3).length == 3


@pytest.mark.parametrize(("skip", "says"), [(-1, "0 frames or more"), (3, "leaves 1 of the motion's 7")])
def test_what_cannot_be_skipped(skip: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Motion(animators.motion(7)).thinned(skip) if skip > 0 else Excerpt(skip=skip)
