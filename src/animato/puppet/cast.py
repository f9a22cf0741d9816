"""The shadow that a person casts on a plain wall and under the feet: found, so that it can leave the picture together with the person."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.figure import opened, touching, widened
from animato.puppet.inpaint import COARSE, smooth_fill

PLAIN = 8.0  # grey levels within which a quadratic surface must describe most of a plain background
DARKER = 0.95  # of the expected brightness below which a pixel may lie in shadow
ASIDE = 0.4  # T from the person from which on a row shows what it looks like without
PENUMBRA = 0.08  # T by which a found shadow is widened
SEAM = 0.05  # T: what is darker and narrower is a seam between planks or tiles
ACROSS, DOWN = 0.7, 0.4  # T around and below a foot within which its shadow is looked for
CLEARLY = 5.0  # grey levels darker that it must be besides
DARKEST = 0.35  # of it below which something is not shaded but dark
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
    return _enlarged(shadow, hole.shape, PENUMBRA * unit)


def contact_shadow(picture: np.ndarray, hole: np.ndarray, feet: np.ndarray, unit: float) -> np.ndarray:
    """H W bool: the shadow under the feet on any floor: what touches the hole there and is darker than the floor farther off.

    picture  H W 3  uint8
    hole     H W    bool     the person, widely
    feet     N 2    float64  places in pixels
    unit     T in pixels
    """
    below = np.zeros(hole.shape, np.uint8)
    for x, y in feet:
        centre, axes = (float(x), float(y + 0.15 * unit)), (2 * ACROSS * unit, 2 * DOWN * unit)
        cv2.ellipse(below, (centre, axes, 0.0), 1, -1)
    zone = below > 0
    if not zone.any() or (hole | zone).all():
        return np.zeros(hole.shape, bool)
    floor, _ = smooth_fill(picture, hole | zone, 60)
    now, person = smooth_fill(picture, hole, 1)
    looked_at = ~person & (cv2.resize(below, floor.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)
    faint, clear = (opened(_shaded(now, floor, share) & looked_at, SEAM * unit / COARSE) for share in (0.3, 0.5))
    shadow = touching(faint, clear & (cv2.dilate(person.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0))
    black = (cv2.resize(picture, floor.shape[1::-1], interpolation=cv2.INTER_AREA) / np.maximum(floor, 1)).mean(axis=2) < DARKEST
    return _enlarged(shadow, hole.shape, PENUMBRA * unit) & ~_enlarged(black, hole.shape, 0.02 * unit)


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
    error = (colours - np.median(colours, axis=0)).mean(axis=1)
    for limit in (40, 25, 15, PLAIN, PLAIN):
        use = (error < limit) & (error > -0.6 * limit)
        if use.sum() < 100:
            return picture, False
        fit = np.linalg.lstsq(samples[use], colours[use], rcond=None)[0]
        error = (colours - samples @ fit).mean(axis=1)
    return (terms @ fit).astype(np.float32), bool(use.mean() > 0.5)


def _rows(picture: np.ndarray, surface: np.ndarray, aside: np.ndarray) -> np.ndarray:
    """h float32: the usual brightness of each row over the surface's, away from the person: a dark floor is no shadow."""
    ratio = (picture / np.maximum(surface, 1)).mean(axis=2)
    enough = aside.sum(axis=1) >= 4
    if not enough.any():
        return np.ones(len(ratio), np.float32)
    usual = [np.median(row[use]) for row, use in zip(ratio[enough], aside[enough], strict=True)]
    return np.minimum(np.interp(np.arange(len(ratio)), np.flatnonzero(enough), usual), 1).astype(np.float32)


def _shaded(picture: np.ndarray, surface: np.ndarray, share: float = 1.0) -> np.ndarray:
    """h w bool: darker than the surface and of its hue; clearly so, or by a `share` of that."""
    surface = np.maximum(surface, 1)
    ratio = picture / surface
    mean = ratio.mean(axis=2)
    even = np.abs(ratio - mean[..., None]).max(axis=2) < 0.12
    darker = (mean < 1 - share * (1 - DARKER)) & ((surface - picture).mean(axis=2) > share * CLEARLY)
    return darker & (mean > DARKEST) & even


def _of_the_person(dark: np.ndarray, person: np.ndarray, distance: np.ndarray, unit: float) -> np.ndarray:
    """The dark components that touch the person and stay near: a floor or a vignette reaches far away from it, or the picture's sides."""
    count, pieces = cv2.connectedComponents(dark.astype(np.uint8), connectivity=8)
    touching = np.unique(pieces[dark & (distance < 2.5 * COARSE)])
    keep = np.zeros(count, bool)
    far_sides = pieces[:, [0, -1]][distance[:, [0, -1]] > ASIDE * unit]
    for piece in np.setdiff1d(touching, far_sides):
        keep[piece] = piece > 0 and float(distance[pieces == piece].max()) < NEAR * unit
    return keep[pieces]


def _enlarged(region: np.ndarray, shape: tuple[int, ...], reach: float) -> np.ndarray:
    """H W bool: a coarse region, widened by `reach` pixels of the picture, at full size."""
    grown = widened(region, reach / COARSE).astype(np.uint8) * 255
    return cv2.resize(grown, shape[1::-1], interpolation=cv2.INTER_LINEAR) > 0
