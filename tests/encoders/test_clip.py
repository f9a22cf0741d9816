"""Clips made from arrays and from each other: lazy, repeatable, with the right size, rate and length."""

from fractions import Fraction

import numpy as np
import pytest

from animato.core.media import Clip

FRAMES = np.random.default_rng(0).integers(0, 256, (10, 24, 32, 3), np.uint8)


def test_of_frames():
    clip = Clip.of(FRAMES, 29.97)
    assert (clip.size, clip.fps, clip.length, clip.sound) == ((32, 24), Fraction(2997, 100), 10, None)
    assert np.array_equal(list(clip), FRAMES) and np.array_equal(list(clip), FRAMES)
    assert Clip.of(list(FRAMES), Fraction(30000, 1001)).fps == Fraction(30000, 1001)


def test_still():
    clip = Clip.still(FRAMES[3], 4, 12)
    assert (clip.size, clip.length) == ((32, 24), 4)
    assert np.array_equal(list(clip), [FRAMES[3]] * 4)


@pytest.mark.parametrize("length", [10, None])
def test_take_draws_no_more_frames_than_it_gives(length):
    drawn = []
    clip = Clip(lambda: (drawn.append(index) or frame for index, frame in enumerate(FRAMES)), (32, 24), Fraction(25), length)
    assert len(list(clip.take(3))) == 3 and drawn == [0, 1, 2]
    assert clip.take(3).length == (3 if length else None)
    assert clip.take(30).length == length and len(list(clip.take(30))) == 10


def test_map_is_lazy_and_keeps_the_rest():
    calls = []
    clip = Clip.of(FRAMES, 25).map(lambda frame: calls.append(1) or frame[::2, ::2], (16, 12))
    assert calls == [] and (clip.size, clip.fps, clip.length) == ((16, 12), 25, 10)
    assert np.array_equal(list(clip.take(4)), FRAMES[:4, ::2, ::2]) and len(calls) == 4
    assert Clip.of(FRAMES, 25).map(np.flipud).size == (32, 24)
