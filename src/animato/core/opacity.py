"""Which pixels of a picture show the figure, given by hand: a picture's own transparency, or a second picture that is the mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from animato.core.errors import InputError
from animato.core.picture import WHITE, over, read_rgba

OPAQUE = 128  # of 255; what counts as part of the figure where only yes or no counts
NOISE = 10  # of 255; what a JPEG may add to black or take from white
FRAME = 0.97  # share of its convex hull that an opaque area fills if it is a frame (a circle, rounded corners) and no figure
FRAMED = "The picture's transparency is the shape of a frame and not of a figure: it is laid over white, and the figure is found in it."


@dataclass(frozen=True, eq=False)
class Cut:
    """A picture and which of its pixels show the figure, as far as that was given.

    pixels   H W 3  uint8
    opacity  H W    uint8, 255 where the figure covers all; None where nothing was given
    notes    sentences for the user
    """

    pixels: np.ndarray
    opacity: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def read_cut(path: str | Path) -> Cut:
    """A picture file, its transparency laid over white and kept as the figure's outline. Raises InputError as `read_picture`."""
    return cut_by_alpha(read_rgba(path), str(path))


def cut_by_alpha(rgba: np.ndarray, name: str = "The picture") -> Cut:
    """H W 3 or H W 4 uint8 -> the picture, cut by its alpha where that is the outline of a figure.

    An alpha that is opaque everywhere, or in the shape of a frame, is no outline. Raises InputError where nothing is opaque, and for an
    array of another kind.
    """
    if rgba.ndim != 3 or rgba.shape[2] not in (3, 4) or rgba.dtype != np.uint8:
        what = f"{' x '.join(map(str, rgba.shape))} of {rgba.dtype}"
        raise InputError(f"{name} must be H x W x 3 bytes, or H x W x 4 with its alpha, not {what}.")
    if rgba.shape[2] == 3:
        return Cut(rgba)
    pixels, alpha = over(rgba, WHITE), np.ascontiguousarray(rgba[..., 3])
    if (alpha >= OPAQUE).all():
        return Cut(pixels)
    _check_shows(alpha, f"{name} is transparent everywhere")
    return Cut(pixels, None, (FRAMED,)) if _is_frame(alpha) else Cut(pixels, alpha)


def read_mask(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """H W uint8 of a mask file: its alpha where some of it is transparent, otherwise how bright it is.

    shape  (H, W) of the picture that it belongs to
    Raises InputError for what is no picture, of another size, or says nothing.
    """
    rgba = read_rgba(path)
    seen_through = rgba.shape[2] == 4 and (rgba[..., 3] < OPAQUE).any()
    if seen_through:
        grey = np.ascontiguousarray(rgba[..., 3])
    else:
        grey = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2GRAY)
        grey[grey < NOISE] = 0
        grey[grey > 255 - NOISE] = 255
    return check_mask(grey, shape, f"The mask {path}")


def check_mask(mask: np.ndarray, shape: tuple[int, ...], name: str = "The mask") -> np.ndarray:
    """H W uint8 of a mask given as H W uint8 or bool. Raises InputError as `read_mask`."""
    if mask.ndim != 2 or mask.dtype not in (np.uint8, np.bool_):
        raise InputError(f"{name} must be H x W bytes, 255 on the figure, not {' x '.join(map(str, mask.shape))} of {mask.dtype}.")
    if mask.shape != shape[:2]:
        sizes = f"{mask.shape[1]}x{mask.shape[0]} pixels and the picture {shape[1]}x{shape[0]}"
        raise InputError(f"{name} has {sizes}: make the mask as large as the picture.")
    opacity = mask.astype(np.uint8) * 255 if mask.dtype == np.bool_ else mask
    _check_shows(opacity, f"{name} is black everywhere")
    if (opacity >= OPAQUE).all():
        raise InputError(f"{name} is white everywhere, so it tells nothing: make the figure white and the background black.")
    return opacity


def _check_shows(opacity: np.ndarray, fault: str) -> None:
    if not (opacity >= OPAQUE).any():
        raise InputError(f"{fault}, so no figure is to be seen: save it with the figure opaque.")


def _is_frame(alpha: np.ndarray) -> bool:
    """Whether the opaque area is as good as convex, which no figure with a head and limbs is."""
    opaque = (alpha >= OPAQUE).astype(np.uint8)
    outlines, _ = cv2.findContours(opaque, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = np.zeros_like(opaque)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(outlines)), 1)
    return int(opaque.sum()) > FRAME * int(hull.sum())
