"""Where a gap's pixels can be copied from: shifts at which the picture resembles itself, shifts to the sides, and mirror images.

After He and Sun, "Statistics of Patch Offsets for Image Completion" (2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

PATCH = 3  # a patch is 2 * PATCH + 1 pixels wide
FEATURES = 20  # principal components in which patches are compared
FLATTENED = 0.6  # share of a patch's mean colour that does not count, so that light may change across the picture
NEAREST = 15  # a patch is not compared with those nearer than the picture's longer side divided by this
EVERY = 3  # pixels between the patches that look for their like
SHIFTS = 28  # of the statistics
WAYS = 5  # widths of shifts to the sides
MIRRORS = (5, 30, 60, 90)  # percentiles of the gap's edge at which mirrors stand
LONELY = 4.0  # times the usual distance from its like at which a patch counts as a thing of its own


@dataclass(frozen=True, eq=False)
class Copies:
    """Ways of copying, each a label.

    rows  L 3 int  mirrored (0 or 1), y, x: pixel (i, j) comes from (i + y, j + x), or, mirrored, from (i + y, x - j). The last one is
                   (0, 0, 0): what is there already.
    """

    rows: np.ndarray

    @property
    def stay(self) -> int:
        """The label of what is there already."""
        return len(self.rows) - 1

    def sources(self, labels: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row and column from which each pixel is copied; they may lie outside the picture."""
        mirrored, down, right = np.moveaxis(self.rows[labels], -1, 0)
        return y + down, right + np.where(mirrored > 0, -x, x)

    def scaled(self, down: float, right: float) -> Copies:
        """The same for a picture that is larger by these factors."""
        mirrored = self.rows[:, 0] > 0
        x = np.where(mirrored, (self.rows[:, 2] + 1) * right - 1, self.rows[:, 2] * right)
        return Copies(np.stack([self.rows[:, 0], np.rint(self.rows[:, 1] * down), np.rint(x)], axis=1).astype(int))


@dataclass(frozen=True, eq=False)
class Likeness:
    """Patches of a picture and the patch that each resembles most.

    places  N 2  int      row and column
    shifts  N 2  int      from it to its like
    weight  N    float32  how much it says: near the gap, textured, and with a good like
    lonely  N    float32  0 for patches that have their like elsewhere, up to 3 for things of their own
    """

    places: np.ndarray
    shifts: np.ndarray
    weight: np.ndarray
    lonely: np.ndarray


def likeness(picture: np.ndarray, known: np.ndarray, gap: np.ndarray) -> Likeness:
    """What each patch of known pixels (H W bool) in a picture (H W 3 float32) resembles most, elsewhere in it."""
    width = 2 * PATCH + 1
    whole = cv2.erode(known.astype(np.uint8), np.ones((width, width), np.uint8), borderValue=0) > 0
    places = np.argwhere(whole)
    asked = np.flatnonzero((places % EVERY == 0).all(axis=1))
    if not len(asked):
        return Likeness(np.zeros((0, 2), int), np.zeros((0, 2), int), np.zeros(0, np.float32), np.zeros(0, np.float32))
    ids = np.full(known.shape, -1)
    ids[whole] = np.arange(len(places))
    features, texture = _features(picture, places)
    best, distance = _most_alike(features, ids, places, asked)
    found = np.isfinite(distance)
    asked = asked[found]
    best = best[found]
    distance = distance[found]
    texture = np.minimum(texture[asked], 200)
    far = cv2.distanceTransform((~gap).astype(np.uint8), cv2.DIST_L2, 5)[tuple(places[asked].T)]
    weight = texture * np.exp(-4 * far / max(gap.shape)) / (1 + distance / (0.1 * texture + 20))
    usual = np.median(distance) if len(distance) else 0.0
    lonely = np.clip(distance / (LONELY * usual + 25) - 1, 0, 3)
    return Likeness(places[asked], places[best] - places[asked], weight.astype(np.float32), lonely.astype(np.float32))


def _features(picture: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """N FEATURES float32: the patches at places (N 2) in their principal components; N: their variance."""
    padded = cv2.copyMakeBorder(picture, PATCH, PATCH, PATCH, PATCH, cv2.BORDER_REFLECT_101)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * PATCH + 1,) * 2, axis=(0, 1))

    def patches(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen = windows[at[:, 0], at[:, 1]].reshape(len(at), 3, -1)
        mean = seen.mean(axis=2, keepdims=True)
        return (seen - FLATTENED * mean).reshape(len(at), -1), np.square(seen - mean).mean(axis=(1, 2))

    sample = patches(places[:: max(len(places) // 3000, 1)])[0]
    mean = sample.mean(axis=0)
    basis = np.linalg.eigh((sample - mean).T @ (sample - mean))[1][:, : -FEATURES - 1 : -1].astype(np.float32)
    parts = [patches(places[i : i + 10000]) for i in range(0, len(places), 10000)]
    return np.concatenate([(seen - mean) @ basis for seen, _ in parts]), np.concatenate([texture for _, texture in parts])


def _most_alike(features: np.ndarray, ids: np.ndarray, places: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each patch asked for: the most alike one that is not near, and their squared distance per value."""
    square = np.square(features).sum(axis=1)
    reach = max(max(ids.shape) // NEAREST, 1)
    best, distance = np.empty(len(asked), int), np.empty(len(asked), np.float32)
    for start in range(0, len(asked), 128):
        some = asked[start : start + 128]
        away = square - 2 * (features[some] @ features.T)
        for row, (y, x) in zip(away, places[some], strict=True):
            near = ids[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
            row[near[near >= 0]] = np.inf
        best[start : start + 128] = away.argmin(axis=1)
        distance[start : start + 128] = away.min(axis=1) + square[some]
    return best, np.maximum(distance, 0) / (3 * (2 * PATCH + 1) ** 2)


def common_shifts(like: Likeness, known: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """n 2 int: up to SHIFTS shifts that many patches have to their like, and that bring known pixels into the gap."""
    height, width = gap.shape
    votes = np.zeros((2 * height + 1, 2 * width + 1), np.float32)
    for sign in (1, -1):
        np.add.at(votes, tuple((sign * like.shifts + (height, width)).T), like.weight)
    votes = cv2.GaussianBlur(votes, (0, 0), 1.4)
    peaks = np.argwhere((votes >= cv2.dilate(votes, np.ones((7, 7), np.uint8))) & (votes > 0))
    strength = votes[tuple(peaks.T)]
    order = np.argsort(-strength, kind="stable")[: 5 * SHIFTS]
    shifts, strength = peaks[order] - (height, width), strength[order]
    padded = np.pad(known, ((height, height), (width, width)))
    inside = np.argwhere(gap) + (height, width)
    value = strength * np.array([padded[tuple((inside + shift).T)].mean() for shift in shifts], np.float32)
    order = np.argsort(-value, kind="stable")[:SHIFTS]
    return shifts[order][value[order] > 0]


def sharpened(shift: np.ndarray, at: np.ndarray, picture: np.ndarray, reach: int = 3) -> np.ndarray:
    """2 int: a shift brought to the pixel, by comparing the patches at places (N 2) with those around their likes."""
    half = PATCH + 1
    room = half + reach
    inside = [((place >= room) & (place < np.array(picture.shape[:2]) - room)).all(axis=1) for place in (at, at + shift)]
    at = at[inside[0] & inside[1]]
    if len(at) < 3:
        return shift
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    here = picture[at[:, 0, None, None] + y, at[:, 1, None, None] + x]
    steps = np.argwhere(np.ones((2 * reach + 1, 2 * reach + 1))) - reach
    errors = []
    for step in steps:
        there = at + shift + step
        apart = np.abs(here - picture[there[:, 0, None, None] + y, there[:, 1, None, None] + x])
        errors.append(np.median(apart.mean(axis=(1, 2, 3))) + 0.01 * np.abs(step).sum())
    return shift + steps[int(np.argmin(errors))]


def sideways(gap: np.ndarray) -> np.ndarray:
    """n 2 int: shifts to both sides by parts of the gap's width, straight and, for textures, with steps up and down."""
    columns = np.flatnonzero(gap.any(axis=0))
    wide = columns[-1] - columns[0] + 1
    shifts = []
    for number, across in enumerate(np.linspace(0.25, 1, WAYS) * wide):
        step = (-1 if number % 2 else 1) * (0.08 + 0.09 * number) * len(gap)
        shifts += [(0, across), (0, -across), (-step, 1.05 * across), (step, -1.1 * across)]
    return np.array(shifts).astype(int)


def mirrors(gap: np.ndarray) -> np.ndarray:
    """n int: where the mirrors stand at the left and the right edge of the gap: pixel x comes from n - x."""
    rows = gap[gap.any(axis=1)]
    left, right = rows.argmax(axis=1), rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    return np.concatenate([2 * np.percentile(left, MIRRORS).astype(int) - 1, 2 * np.percentile(right, MIRRORS).astype(int) + 1])
