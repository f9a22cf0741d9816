"""The shadow that a person casts on a plain wall or floor: found, so that it can leave the picture together with the person."""

from __future__ import annotations

import cv2
import numpy as np

COARSE = 4  # shadows are soft: they are looked for at this fraction of the size
PLAIN = 8.0  # grey levels within which a quadratic surface must describe most of a plain background
DARKER = 0.95  # of the expected brightness below which a pixel may lie in shadow
ASIDE = 0.4  # T from the person from which on a row shows what it looks like without
PENUMBRA = 4  # coarse pixels by which a found shadow is widened
NEAR = 1.2  # T from the person within which a shadow may lie


def cast_shadow(picture: np.ndarray, hole: np.ndarray, unit: float) -> np.ndarray:
    """H W bool: the shadow that touches the person's hole in a plain background; nothing where the background is not plain.

    picture  H W 3  uint8
    hole     H W    bool   the person, widely
    unit     T in pixels
    """
    size = tuple(max(n // COARSE, 1) for n in hole.shape[::-1])
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    person = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    surface, plain = plain_surface(small, ~person)
    if not plain:
        return np.zeros(hole.shape, bool)
    distance = cv2.distanceTransform((~person).astype(np.uint8), cv2.DIST_L2, 5) * COARSE
    dark = _shaded(small, surface * _rows(small, surface, distance > ASIDE * unit)[:, None, None]) & ~person
    shadow = _of_the_person(dark, person, distance, unit)
    grown = cv2.dilate(shadow.astype(np.uint8), np.ones((2 * PENUMBRA + 1,) * 2, np.uint8)) * 255
    return cv2.resize(grown, hole.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0


def plain_surface(picture: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, bool]:
    """h w 3 float32: the quadratic surface that most known pixels lie on, and whether half of them do.

    Least squares repeated with the pixels that lie off the last surface left out; dark ones are left out sooner, for shadows are dark.
    """
    height, width = known.shape
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    samples, colours = terms[known], picture[known].astype(np.float64)
    if len(samples) < 100:
        return picture, False
    use = np.ones(len(samples), bool)
    fit = np.linalg.lstsq(samples, colours, rcond=None)[0]
    for limit in (40, 25, 15, PLAIN, PLAIN):
        error = (colours - samples @ fit).mean(axis=1)
        use = (error < limit) & (error > -0.6 * limit)
        if use.sum() < 100:
            return picture, False
        fit = np.linalg.lstsq(samples[use], colours[use], rcond=None)[0]
    return (terms @ fit).astype(np.float32), bool(use.mean() > 0.5)


def _rows(picture: np.ndarray, surface: np.ndarray, aside: np.ndarray) -> np.ndarray:
    """h float32: the usual brightness of each row over the surface's, away from the person: a dark floor is no shadow."""
    ratio = (picture / np.maximum(surface, 1)).mean(axis=2)
    enough = aside.sum(axis=1) >= 4
    if not enough.any():
        return np.ones(len(ratio), np.float32)
    usual = [np.median(row[use]) for row, use in zip(ratio[enough], aside[enough], strict=True)]
    rows = np.interp(np.arange(len(ratio)), np.flatnonzero(enough), usual).astype(np.float32)
    return np.minimum(cv2.blur(rows[:, None], (1, 3))[:, 0], 1)


def _shaded(picture: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """h w bool: darker than the surface and of its hue."""
    surface = np.maximum(surface, 1)
    ratio = picture / surface
    mean = ratio.mean(axis=2)
    even = np.abs(ratio - mean[..., None]).max(axis=2) < 0.12
    return (mean < DARKER) & (mean > 0.1) & even


def _of_the_person(dark: np.ndarray, person: np.ndarray, distance: np.ndarray, unit: float) -> np.ndarray:
    """The dark components that touch the person and stay near: a floor or a vignette reaches far away from it."""
    count, pieces = cv2.connectedComponents(dark.astype(np.uint8), connectivity=8)
    touching = np.unique(pieces[dark & (distance < 2.5 * COARSE)])
    keep = np.zeros(count, bool)
    for piece in touching:
        keep[piece] = piece > 0 and float(distance[pieces == piece].max()) < NEAR * unit
    return keep[pieces]
