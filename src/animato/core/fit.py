"""Bringing pictures to another size with their true aspect kept, and the same for points: where a picture comes to lie is data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from animato.core.errors import InputError
from animato.core.picture import Colour
from animato.core.shapes import Size

How = Literal["fit", "crop", "pad"]
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, right and bottom excluded

BLACK: Colour = (0, 0, 0)


@dataclass(frozen=True)
class Fit:
    """The box `taken` of a picture comes to lie on the box `laid` of a picture of size `size`."""

    taken: Box
    laid: Box
    size: Size

    @property
    def scale(self) -> np.ndarray:
        """x and y: target pixels per source pixel. They differ by rounding to whole pixels only."""
        return _extent(self.laid) / _extent(self.taken)

    @property
    def offset(self) -> np.ndarray:
        """x and y in target pixels of the source's corner (0, 0)."""
        return np.array(self.laid[:2]) - np.array(self.taken[:2]) * self.scale

    def points(self, xy: np.ndarray) -> np.ndarray:
        """... 2 source coordinates as target coordinates."""
        return xy * self.scale + self.offset

    def source_points(self, xy: np.ndarray) -> np.ndarray:
        """... 2 target coordinates as source coordinates."""
        return (xy - self.offset) / self.scale

    def frame(self, frame: np.ndarray, colour: Colour = BLACK) -> np.ndarray:
        """H W 3 uint8 source frame as target frame; what it does not cover shows `colour`."""
        left, top, right, bottom = self.taken
        width, height = (int(side) for side in _extent(self.laid))
        shrinks = bool(np.prod(self.scale) < 1)
        inner = cv2.resize(frame[top:bottom, left:right], (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        if (width, height) == self.size:
            return inner
        left, top, right, bottom = self.laid
        below, beyond = self.size[1] - bottom, self.size[0] - right
        return cv2.copyMakeBorder(inner, top, below, left, beyond, cv2.BORDER_CONSTANT, value=colour)


def fit(source: Size, target: Size, how: How = "fit") -> Fit:
    """How a picture of size `source` (width, height) is brought to `target`.

    fit   the largest size of the same aspect within the target; the result is that size, one side of it may be smaller than asked for
    crop  fills the target; what sticks out on both sides of the middle is cut off
    pad   as fit, in the middle of the target, with bars

    Raises InputError for another `how` or for a side below one pixel.
    """
    if min(*source, *target) < 1:
        raise InputError(f"A picture of {source[0]}x{source[1]} cannot be brought to {target[0]}x{target[1]}: sides are 1 pixel or more.")
    ratios = target[0] / source[0], target[1] / source[1]
    whole = (0, 0, *source)
    if how == "crop":
        kept = _rounded(target, 1 / max(ratios), source)
        return Fit(_centred(kept, source), (0, 0, *target), target)
    inner = _rounded(source, min(ratios), target)
    if how == "fit":
        return Fit(whole, (0, 0, *inner), inner)
    if how == "pad":
        return Fit(whole, _centred(inner, target), target)
    raise InputError(f"Pictures are brought to size by 'fit', 'crop' or 'pad', not by '{how}'.")


def fit_frame(frame: np.ndarray, size: Size, how: How = "fit", colour: Colour = BLACK) -> np.ndarray:
    """H W 3 uint8 brought to `size` (width, height) as `fit` says; `colour` is that of the bars of 'pad'."""
    return fit((frame.shape[1], frame.shape[0]), size, how).frame(frame, colour)


def stretched(frame: np.ndarray, size: Size, filter: Image.Resampling = Image.Resampling.BILINEAR) -> np.ndarray:
    """H W 3 uint8 brought to `size` (width, height), its aspect given up; each side is averaged where it shrinks."""
    return np.asarray(Image.fromarray(frame).resize(size, filter))


def _rounded(size: Size, scale: float, most: Size) -> Size:
    width, height = (min(max(round(side * scale), 1), limit) for side, limit in zip(size, most, strict=True))
    return width, height


def _centred(inner: Size, outer: Size) -> Box:
    left, top = (outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2
    return left, top, left + inner[0], top + inner[1]


def _extent(box: Box) -> np.ndarray:
    return np.array([box[2] - box[0], box[3] - box[1]])
