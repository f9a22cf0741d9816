"""Steadiness against plain formulas, and what it must and must not see."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animato.evaluation.steadiness import BOX, Background, Flicker


def background(frames: np.ndarray, persons: np.ndarray) -> float:
    measure = Background()
    for frame, person in zip(frames, persons, strict=True):
        measure.see(frame, person)
    return measure.value


def flicker(frames: np.ndarray, person: np.ndarray | None = None) -> float:
    measure = Flicker()
    for frame in frames:
        measure.see(frame, np.ones(frame.shape[:2], bool) if person is None else person)
    return measure.value


def plain_background(frames: np.ndarray, persons: np.ndarray) -> float:
    """Pixel by pixel, with numpy's own standard deviation."""
    deviations = []
    for y, x in np.ndindex(persons.shape[1:]):
        seen = frames[~persons[:, y, x], y, x].astype(float)
        if len(seen) >= 2:
            deviations.append(seen.std(axis=0).mean())
    return float(np.mean(deviations)) if deviations else float("nan")


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.floats(0, 1))
def test_background_is_the_plain_formula(seed: int, count: int, fraction: float) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (count, 3, 4, 3), dtype=np.uint8)
    persons = rng.random((count, 3, 4)) < fraction
    assert background(frames, persons) == pytest.approx(plain_background(frames, persons), nan_ok=True, abs=1e-6)


def test_background_sees_what_a_person_leaves_behind_and_not_the_person() -> None:
    frames, persons = np.full((4, 8, 8, 3), 90, np.uint8), np.zeros((4, 8, 8), bool)
    for k in range(4):
        frames[k, :, 2 * k : 2 * k + 2], persons[k, :, 2 * k : 2 * k + 2] = 200, True
    assert background(frames, persons) == 0
    frames[1:, :, :2] = 94, 94, 94  # brighter since the person went, but steady
    assert background(frames, persons) == 0
    frames[2, :, :2] = 100
    assert background(frames, persons) > 0


def test_without_a_background_there_is_no_value() -> None:
    assert np.isnan(Background().value) and np.isnan(background(np.zeros((3, 4, 4, 3), np.uint8), np.ones((3, 4, 4), bool)))
    assert np.isnan(Flicker().value) and np.isnan(flicker(np.zeros((3, 32, 32, 3), np.uint8), np.zeros((32, 32), bool)))


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32), (0, 0), 3)
    return np.clip(128 + 40 * noise / noise.std(), 0, 247).astype(np.uint8)


@pytest.fixture(scope="module")
def moving() -> np.ndarray:
    """A texture that moves by 3 pixels right and 2 down in every frame."""
    whole = texture(120, 140)
    return np.stack([whole[16 - 2 * k : 112 - 2 * k, 24 - 3 * k : 120 - 3 * k] for k in range(6)])


def test_motion_is_no_flicker_and_brightness_is(moving: np.ndarray) -> None:
    assert flicker(np.repeat(moving[:1], 3, axis=0)) == 0
    plain = np.abs(np.diff(moving.astype(int), axis=0)).mean()
    assert flicker(moving) < plain / 10
    unsteady = moving.copy()
    unsteady[1::2] += np.uint8(8)
    assert flicker(unsteady) == pytest.approx(8, abs=0.8)


def test_what_is_covered_and_uncovered_counts_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """A square goes over a still ground: where the flow there and back disagree, nothing is compared."""
    ground, square = texture(96, 96, 1), texture(40, 40, 2)
    frames = np.stack([ground] * 5)
    for k in range(5):
        frames[k, 28:68, 8 + 10 * k : 48 + 10 * k] = square
    measured = flicker(frames)
    monkeypatch.setattr("animato.evaluation.steadiness._SLACK", (1e9, 1e9))
    assert measured < 0.75 * flicker(frames)


def test_flicker_counts_inside_the_person_alone(moving: np.ndarray) -> None:
    person = np.zeros(moving.shape[1:3], bool)
    person[:, :48] = True
    outside = moving.copy()
    outside[1::2, :, 64:] += np.uint8(8)
    assert flicker(outside, person) < 2 < flicker(outside, ~person)


def test_large_frames_are_measured_small() -> None:
    """What a size does to flicker stays small: the same change on a larger picture."""
    small = texture(96, 96)
    frames = np.stack([small, small + np.uint8(8), small])
    large = np.stack([cv2.resize(frame, (BOX[0] * 2, BOX[1] * 2), interpolation=cv2.INTER_CUBIC) for frame in frames])
    assert flicker(large) == pytest.approx(flicker(frames), abs=0.5)
