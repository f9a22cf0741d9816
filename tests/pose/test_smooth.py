"""What smoothing and filling are for: less jitter, peaks kept, and no point where none was seen."""

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.keypoints import KEYPOINTS, PoseSequence
from animato.pose.smooth import fill_gaps, smooth

signal = pytest.importorskip("scipy.signal", reason="SciPy is the oracle of smoothing")

FRAMES = 60


def moving(noise: float = 0.0, fps: float = 25.0) -> PoseSequence:
    """One person whose points swing 100 px to and fro once a second."""
    time = np.arange(FRAMES) / fps
    points = np.zeros((FRAMES, 1, KEYPOINTS, 3))
    points[..., 0] = 200 + 100 * np.sin(2 * np.pi * time)[:, None, None]
    points += np.random.default_rng(0).normal(0, noise, points.shape) if noise else 0
    return PoseSequence(points, np.ones((FRAMES, 1, KEYPOINTS)), (400, 600), fps)


def jitter(sequence: PoseSequence) -> float:
    return float(np.abs(np.diff(sequence.points, n=2, axis=0)).mean())


@pytest.mark.parametrize("how, least", [("binomial", 3), ("savgol", 1.5), ("one-euro", 1.5)])
def test_jitter_falls_and_the_motion_stays(how, least):
    noisy = moving(noise=3)
    result = smooth(noisy, how)
    assert jitter(noisy) - jitter(moving()) > least * (jitter(result) - jitter(moving()))
    away = np.abs(result.points - moving().points)[..., 0]
    assert away.mean() < (8 if how == "one-euro" else 3)  # looking back only, it lags behind a little


def test_savgol_is_scipys_where_nothing_is_missing():
    noisy = moving(noise=3)
    expected = signal.savgol_filter(noisy.points, 5, 2, axis=0)
    np.testing.assert_allclose(smooth(noisy, "savgol").points[2:-2], expected[2:-2], atol=1e-9)


def test_none_changes_nothing_and_others_are_refused():
    sequence = moving(noise=3)
    assert smooth(sequence, "none") is sequence
    with pytest.raises(InputError, match="no smoothing 'median'"):
        smooth(sequence, "median")


def test_one_picture_stays_as_it_is():
    picture = moving(noise=3).frames(slice(0, 1))
    for how in ("binomial", "savgol", "one-euro"):
        np.testing.assert_allclose(smooth(picture, how).points, picture.points, rtol=1e-12)
    assert len(fill_gaps(picture)) == 1


def test_short_gaps_are_bridged_and_long_ones_marked():
    sequence = moving()
    score = sequence.score.copy()
    score[10:18, 0, 3] = 0.1  # 8 frames
    score[30:39, 0, 3] = 0.1  # 9 frames
    score[:2, 0, 3] = score[-1, 0, 3] = 0.2
    score[9, 0, 3], score[18, 0, 3] = 0.6, 0.4
    result = fill_gaps(PoseSequence(sequence.points, score, sequence.size, 25.0))
    assert (result.score[10:18, 0, 3] == 0.4).all()
    assert result.points[10:18, 0, 3, 0] == pytest.approx(np.linspace(sequence.points[9, 0, 3, 0], sequence.points[18, 0, 3, 0], 10)[1:-1])
    assert (result.score[[0, 1, *range(30, 39), -1], 0, 3] == 0).all()
    assert (np.delete(result.score, 3, axis=2) == 1).all()
