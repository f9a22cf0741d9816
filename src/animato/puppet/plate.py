"""Plate: the background carried on smoothly behind the person, and how far each pixel is from it; sharp for studio and flat backgrounds."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.puppet.fill import pull_push

COARSE = 4  # the plate is computed at this fraction of the size
FLOOR = 1.5  # grey levels of noise that every picture is granted
ROUGH = 9.0  # grey levels of residual above which a background is too uneven for its plate to mean anything


@dataclass(frozen=True, eq=False)
class Plate:
    """The expected background.

    colour    H W 3  float32
    noise     H W    float32  grey levels by which the background around differs from it (root mean square)
    distance  H W    float32  how far the picture is from it, in units of the noise; infinite where the background is too uneven
    """

    colour: np.ndarray
    noise: np.ndarray
    distance: np.ndarray


def plate(picture: np.ndarray, surely_background: np.ndarray) -> Plate:
    """The plate of a picture (H W 3 uint8) from the pixels (H W bool) that certainly show background."""
    size = tuple(max(n // COARSE, 1) for n in surely_background.shape[::-1])
    full = surely_background.shape[::-1]
    weight = cv2.resize(surely_background.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    known = weight > 0.99
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    smooth = _blur(pull_push(small, known), known, 3.0)
    colour = cv2.resize(smooth, full, interpolation=cv2.INTER_LINEAR)
    error = picture.astype(np.float32) - colour
    square = np.square(error).mean(axis=2)
    local = cv2.resize(square, size, interpolation=cv2.INTER_AREA)
    noise = np.sqrt(np.maximum(_blur(pull_push(np.dstack([local] * 3), known), known, 4.0)[..., 0], 0))
    noise = cv2.resize(noise, full, interpolation=cv2.INTER_LINEAR)
    distance = np.sqrt(square) / np.maximum(noise, FLOOR)
    return Plate(colour, noise, np.where(noise < ROUGH, distance, np.inf).astype(np.float32))


def _blur(values: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur in which filled-in pixels weigh a tenth, so that what is known decides near its edge."""
    weight = np.where(known, np.float32(1), np.float32(0.1))
    total = cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma)
    return total / cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
