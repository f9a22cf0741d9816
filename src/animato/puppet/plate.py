"""Plate: the background carried on smoothly behind the person, and how far each pixel is from it; sharp for studio and flat backgrounds."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.puppet.fill import pull_push

COARSE = 4  # the plate is computed at this fraction of the size
FLOOR = 1.5  # grey levels of noise that every picture is granted
STRANGE = 3.5  # noise levels from which on something near the person is no background
DARKEST = 0.55  # of its brightness that a background keeps in the person's shadow
ROUGH = 9.0  # grey levels of residual above which a background is too uneven for its plate to mean anything


@dataclass(frozen=True, eq=False)
class Plate:
    """The expected background.

    colour    H W 3  float32
    noise     H W    float32  grey levels by which the background around differs from it (root mean square)
    distance  H W    float32  how far the picture is from it or a shaded version of it, in units of the noise; infinite where the
                              background is too uneven
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
    distance = _from_shades(picture, colour) / np.maximum(noise, FLOOR)
    return Plate(colour, noise, np.where(noise < ROUGH, distance, np.inf).astype(np.float32))


def halo(picture: np.ndarray, hole: np.ndarray, reach: float) -> np.ndarray:
    """H W bool: veils, stray hair and glow: what touches the hole, near it (`reach` pixels), and is unlike the background farther off."""
    distance = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    zone = (distance > 0) & (distance < reach)
    behind = plate(picture, distance >= reach)
    strange = np.sqrt(np.square(picture - behind.colour).mean(axis=2)) > STRANGE * np.maximum(behind.noise, FLOOR)
    count, pieces = cv2.connectedComponents((zone & strange).astype(np.uint8), connectivity=8)
    keep = np.zeros(count, bool)
    keep[pieces[zone & (distance < 2)]] = True
    keep[0] = False
    return keep[pieces]


def _from_shades(picture: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """H W float32: root mean square grey levels between a picture and the nearest of all shades of a colour down to DARKEST."""
    shade = (picture * colour).sum(axis=2) / np.maximum(np.square(colour).sum(axis=2), 1)
    nearest = np.clip(shade, DARKEST, 1.05)[..., None] * colour
    return np.sqrt(np.square(picture - nearest).mean(axis=2))


def _blur(values: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur in which filled-in pixels weigh a tenth, so that what is known decides near its edge."""
    weight = np.where(known, np.float32(1), np.float32(0.1))
    total = cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma)
    return total / cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
