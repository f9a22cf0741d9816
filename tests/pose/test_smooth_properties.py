"""Smoothing and filling against slow, plain definitions, on random motions with random gaps."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from animato.pose import steady
from animato.pose.keypoints import KEYPOINTS, PoseSequence
from animato.pose.smooth import fill_gaps, smooth


@st.composite
def sequences(draw):
    """Random walks of which 8 keypoints of 2 people come and go; the rest is missing throughout, its coordinates not even numbers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames = draw(st.integers(1, 24))
    points = np.full((frames, 2, KEYPOINTS, 3), np.nan)
    score = np.zeros((frames, 2, KEYPOINTS))
    score[:, :, :8] = rng.uniform(0.3, 1, (frames, 2, 8)) * (rng.random((frames, 2, 8)) < draw(st.sampled_from([0.3, 0.7, 1.0])))
    walk = np.cumsum(rng.normal(0, 5, (frames, 2, 8, 3)), axis=0) + 200
    points[:, :, :8] = np.where(score[:, :, :8, None] > 0, walk, np.nan)
    return PoseSequence(points, score, (400, 600), fps=25.0)


def plain_binomial(values, seen):
    result = values.copy()
    for at in np.flatnonzero(seen):
        near = [(k, w) for k, w in zip(range(at - 2, at + 3), (1, 4, 6, 4, 1), strict=True) if 0 <= k < len(values) and seen[k]]
        result[at] = sum(w * values[k] for k, w in near) / sum(w for _, w in near)
    return result


def plain_savgol(values, seen):
    result = values.copy()
    for at in np.flatnonzero(seen):
        near = np.array([k for k in range(at - 2, at + 3) if 0 <= k < len(values) and seen[k]])
        if len(near) >= 3:
            result[at] = np.polyfit(near - at, values[near], 1 if len(near) == 3 else 2)[-1]
    return result


def plain_one_euro(values, seen, fps=25.0, height=600):
    result, value, speed, last = values.copy(), None, 0.0, 0

    def fraction(cutoff, step):
        return 1 / (1 + 1 / (2 * np.pi * cutoff * step))

    for at in np.flatnonzero(seen):
        new = values[at] / height
        if value is None:
            value = new
        else:
            step = (at - last) / fps
            speed += fraction(1.0, step) * ((new - value) / step - speed)
            value += fraction(1.5 + 12.0 * abs(speed), step) * (new - value)
        last = at
        result[at] = value * height
    return result


def plain_steady(values, seen, sigma, fps=25.0):
    """Without a known size of the person: the parabola of numpy, or what lies on it where too few points tell one."""
    result = values.copy()
    for at in np.flatnonzero(seen):
        near = np.array([k for k in range(at - int(3 * sigma * fps), at + int(3 * sigma * fps) + 1) if 0 <= k < len(values) and seen[k]])
        if len(near) >= 4:
            result[at] = np.polyfit((near - at) / (sigma * fps), values[near], 2, w=np.exp(-0.25 * ((near - at) / (sigma * fps)) ** 2))[-1]
        else:
            result[at] = np.nan  # a parabola through them, but for a trace
    return result


@settings(max_examples=30, deadline=None)
@given(sequences(), st.sampled_from([steady.QUICK, steady.CALM]))
def test_the_parabola_is_numpys(sequence, sigma):
    present = sequence.score >= 0.3
    fitted = steady._fitted(np.where(present[..., None], sequence.points, 0), present, sigma * 25)
    for person, point in np.ndindex(2, 9):
        seen = present[:, person, point]
        expected = plain_steady(np.nan_to_num(sequence.points[:, person, point, 0]), seen, sigma)
        known = seen & np.isfinite(expected)
        np.testing.assert_allclose(fitted[known, person, point, 0], expected[known], atol=0.3)


@settings(max_examples=30, deadline=None)
@given(sequences(), st.sampled_from([("binomial", plain_binomial), ("savgol", plain_savgol), ("one-euro", plain_one_euro)]))
def test_smoothing_is_its_plain_definition(sequence, method):
    how, plain = method
    result = smooth(sequence, how)
    assert np.array_equal(result.score, sequence.score)
    for person in range(2):
        for point in range(9):
            seen = sequence.score[:, person, point] >= 0.3
            for axis in range(3):
                expected = plain(sequence.points[:, person, point, axis], seen)
                np.testing.assert_allclose(result.points[:, person, point, axis], expected, rtol=0, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(sequences(), st.integers(0, 6))
def test_filling_is_its_plain_definition(sequence, longest):
    result = fill_gaps(sequence, longest)
    for person in range(2):
        for point in range(9):
            values, score = sequence.points[:, person, point], sequence.score[:, person, point]
            known = np.flatnonzero(score >= 0.3)
            for at in range(len(sequence)):
                before, after = known[known <= at], known[known >= at]
                if at in known:
                    expected, expected_score = values[at], score[at]
                elif len(before) and len(after) and after[0] - before[-1] - 1 <= longest:
                    a, b = before[-1], after[0]
                    expected = [np.interp(at, [a, b], [values[a, axis], values[b, axis]]) for axis in range(3)]
                    expected_score = min(score[a], score[b])
                else:
                    expected, expected_score = values[at], 0.0
                np.testing.assert_allclose(result.points[at, person, point], expected, rtol=0, atol=1e-9)
                assert result.score[at, person, point] == expected_score


@settings(max_examples=20, deadline=None)
@given(sequences())
def test_one_euro_never_looks_ahead(sequence):
    half = len(sequence) // 2
    if half:
        whole, part = smooth(sequence, "one-euro"), smooth(sequence.frames(slice(0, half)), "one-euro")
        np.testing.assert_array_equal(whole.points[:half], part.points)
