"""Poses come back from every kind of file: exactly, or to the digits that it promises."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from animato.pose.io import load_poses, save_poses
from animato.pose.keypoints import FACE, KEYPOINTS, PoseSequence


@st.composite
def sequences(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames, people = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    shape = (frames, people, KEYPOINTS)
    points = rng.normal(draw(st.sampled_from([0, 300])), draw(st.sampled_from([0.001, 1, 1000])), (*shape, 3))
    score = rng.random(shape) * (rng.random(shape) < draw(st.sampled_from([0, 0.5, 1])))
    if draw(st.booleans()):
        score[:, :, FACE] = 0
    if draw(st.booleans()):
        points[..., 2] = 0
    size = draw(st.tuples(st.integers(1, 4000), st.integers(1, 4000)))
    mask = rng.integers(0, 256, (frames, 3, 2), np.uint8) if draw(st.booleans()) else None
    return PoseSequence(points, score, size, draw(st.just(0.0) | st.floats(0.001, 240)), mask)


@settings(max_examples=40, deadline=None)
@given(sequences())
def test_npz_is_exact(before):
    with tempfile.TemporaryDirectory() as folder:
        after = load_poses(save_poses(before, Path(folder) / "a.npz"))
    for name in ("points", "score", "mask"):
        assert np.array_equal(getattr(after, name), getattr(before, name))
    assert (after.size, after.fps) == (before.size, before.fps)


@settings(max_examples=40, deadline=None)
@given(sequences())
def test_json_keeps_a_hundredth_of_a_pixel_and_who_is_missing(before):
    with tempfile.TemporaryDirectory() as folder:
        path = save_poses(before, Path(folder) / "a.json")
        after, text = load_poses(path), path.read_text()
        again = save_poses(after, Path(folder) / "b.json").read_text()
    assert after.points.shape == before.points.shape and (after.size, after.fps) == (before.size, before.fps)
    seen = before.score > 0
    assert np.array_equal(after.score > 0, seen)
    assert not seen.any() or np.abs(after.points - before.points)[seen].max() <= 0.005 + 1e-9
    assert np.abs(after.score - before.score).max(initial=0) <= 1e-4
    assert again == text  # what was rounded once is not rounded further
