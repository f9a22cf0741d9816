"""What smoothing and filling are for: less jitter, peaks kept, and no point where none was seen."""

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose import steady
from animato.pose.keypoints import KEYPOINTS, Point, PoseSequence
from animato.pose.smooth import fill_gaps, longest_gap, smooth

signal = pytest.importorskip("scipy.signal", reason="SciPy is the oracle of smoothing")

FRAMES = 60


def moving(noise: float = 0.0, fps: float = 25.0) -> PoseSequence:
    """One person whose points swing 100 px to and fro once a second."""
    time = np.arange(FRAMES) / fps
    points = np.zeros((FRAMES, 1, KEYPOINTS, 3))
    points[..., 0] = 200 + 100 * np.sin(2 * np.pi * time)[:, None, None]
    points += np.random.default_rng(0).normal(0, noise, points.shape) if noise else 0
    return PoseSequence(points, np.ones((FRAMES, 1, KEYPOINTS)), (400, 600), fps)


def waving(fps: float, noise: float = 0.0, frames: int = 0) -> PoseSequence:
    """Three seconds of one person 200 px from neck to hips, whose right hand waves 160 px to and fro, 1.5 times a second."""
    time = np.arange(frames or round(3 * fps)) / fps
    points = np.zeros((len(time), 1, KEYPOINTS, 3))
    points[:, 0, [Point.R_SHOULDER, Point.L_SHOULDER], 0] = [160, 240]
    points[:, 0, [Point.R_HIP, Point.L_HIP], :2] = [[170, 300], [230, 300]]
    points[:, 0, Point.NECK, :2] = (200, 100)
    points[:, 0, Point.R_SHOULDER : Point.L_SHOULDER + 1 : 3, 1] = 100
    points[:, 0, Point.R_WRIST, 0] = 100 + 80 * np.sin(3 * np.pi * time)
    points += np.random.default_rng(1).normal(0, noise, points.shape) if noise else 0
    return PoseSequence(points, np.ones(points.shape[:3]), (400, 600), fps)


def jitter(sequence: PoseSequence) -> float:
    return float(np.abs(np.diff(sequence.points, n=2, axis=0)).mean())


@pytest.mark.parametrize("how, least", [("steady", 3), ("binomial", 3), ("savgol", 1.5), ("one-euro", 1.5)])
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
    for how in ("steady", "binomial", "savgol", "one-euro"):
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


@pytest.mark.parametrize("fps", [60, 24, 12, 6])
def test_a_wave_is_as_wide_at_every_rate(fps):
    truth = waving(fps)
    off = np.abs(smooth(truth).points - truth.points)[2:-2, 0, Point.R_WRIST, 0]
    assert off.max() < 0.05 * 200  # T; five taps over frames lose a quarter of T at 6 a second
    assert np.sqrt(np.square(off).mean()) < 0.02 * 200


def test_joints_at_rest_tremble_much_less_than_five_taps_leave():
    noisy = waving(24, noise=2)
    still = [Point.NOSE, Point.L_WRIST, Point.R_ANKLE]
    trembling = [np.abs(np.diff(smooth(noisy, how).points[:, 0, still, :2], n=2, axis=0)).mean() for how in ("steady", "binomial")]
    assert trembling[0] < 0.4 * trembling[1]


def test_a_clip_longer_than_a_block_is_smoothed_as_in_one_piece(monkeypatch):
    noisy = waving(24, noise=2, frames=300)
    whole = smooth(noisy).points
    monkeypatch.setattr(steady, "_BLOCK", 40)
    np.testing.assert_allclose(smooth(noisy).points, whole, atol=1e-9)


def test_a_gap_is_as_long_in_seconds_at_every_rate():
    assert [longest_gap(fps) for fps in (60, 24, 12, 6, 3, 0.5)] == [20, 8, 4, 2, 1, 1]
