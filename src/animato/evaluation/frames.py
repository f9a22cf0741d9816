"""How close pictures are to the truth: PSNR (over the whole picture or inside a mask), SSIM, and the error of changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

import cv2
import numpy as np

from animato.core.errors import InputError

_PEAK = 255.0
_WINDOW, _SIGMA = 11, 1.5
_K1, _K2 = 0.01, 0.03


def psnr(picture: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(255^2 / MSE), of H W 3 uint8 pictures; inf if they are equal.

    MSE is the mean over pixels and channels, computed in floating point. `mask` (H W uint8) weighs each pixel by mask / 255.
    Raises InputError for pictures of different shapes or a mask that is empty.
    """
    _check_shapes(picture, truth)
    square = ((picture.astype(np.float64) - truth) ** 2).mean(axis=2)
    if mask is None:
        error = float(square.mean())
    else:
        if mask.shape != square.shape or not mask.any():
            raise InputError(f"A mask of {square.shape[1]} x {square.shape[0]} pixels that is not empty is due.")
        error = float(np.average(square, weights=mask))
    return float("inf") if error == 0 else float(10 * np.log10(_PEAK**2 / error))


def ssim(picture: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity of H W 3 uint8 pictures: 1 if they are equal.

    As Wang, Bovik, Sheikh and Simoncelli (2004) define it: per channel, Gaussian windows of 11 x 11 with sigma 1.5 that lie wholly inside
    the picture, K1 = 0.01, K2 = 0.03, moments of the window without Bessel's correction; the mean over windows and channels.
    Raises InputError for pictures of different shapes or of less than 11 pixels a side.
    """
    _check_shapes(picture, truth)
    if min(picture.shape[:2]) < _WINDOW:
        raise InputError(f"SSIM needs pictures of at least {_WINDOW} x {_WINDOW} pixels, not {picture.shape[1]} x {picture.shape[0]}.")
    x = picture.astype(np.float64)
    y = truth.astype(np.float64)
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x, variance_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c1, c2 = (_K1 * _PEAK) ** 2, (_K2 * _PEAK) ** 2
    likeness = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((likeness / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean())


def change_error(frames: np.ndarray, truth: np.ndarray) -> float:
    """How far the changes from frame to frame (F H W 3 uint8) are from the true ones: mean absolute difference of differences, 0..255.

    Flicker where the truth is still counts, as does stillness where the truth moves. 0 for a single frame.
    """
    _check_shapes(frames, truth)
    if len(frames) < 2:
        return 0.0
    errors, difference = [], frames[0].astype(np.int16) - truth[0]
    for picture, true in zip(frames[1:], truth[1:], strict=True):
        before, difference = difference, picture.astype(np.int16) - true
        errors.append(np.abs(difference - before).mean())
    return float(np.mean(errors))


@dataclass(frozen=True)
class Likeness:
    """Means over the frames of a clip; person is the PSNR inside the person's mask, nan without masks."""

    psnr: float
    person: float
    ssim: float


def compare(frames: Iterable[np.ndarray], truth: Iterable[np.ndarray], masks: Iterable[np.ndarray] | None = None) -> Likeness:
    """Likeness of two clips of equal length, read frame by frame; frames without a person in the mask have no say in `person`.

    Raises InputError if there is no frame, or if one clip is longer than the other.
    """
    inside = iter(masks) if masks is not None else iter(())
    whole, person, structure = [], [], []
    for picture, true in _pairs(frames, truth):
        whole.append(psnr(picture, true))
        structure.append(ssim(picture, true))
        mask = next(inside, None)
        if mask is not None and mask.any():
            person.append(psnr(picture, true, mask))
    if not whole:
        raise InputError("There is no frame to compare.")
    return Likeness(float(np.mean(whole)), float(np.mean(person)) if person else float("nan"), float(np.mean(structure)))


def _pairs(frames: Iterable[np.ndarray], truth: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for picture, true in zip_longest(frames, truth):
        if picture is None or true is None:
            raise InputError("The clips to compare have different numbers of frames: cut the longer one.")
        yield picture, true


def _windowed(channels: np.ndarray) -> np.ndarray:
    """Means of H W C over Gaussian windows that lie wholly inside."""
    edge = _WINDOW // 2
    return cv2.GaussianBlur(channels, (_WINDOW, _WINDOW), _SIGMA)[edge:-edge, edge:-edge]


def _check_shapes(picture: np.ndarray, truth: np.ndarray) -> None:
    if picture.shape != truth.shape:
        raise InputError(f"Pictures of the shapes {picture.shape} and {truth.shape} cannot be compared: bring them to one size.")
