"""A scene brought to a size that networks can take, and their frames brought back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from animato.core.fit import stretched
from animato.core.media import Clip
from animato.core.shapes import Size
from animato.pose.keypoints import PoseSequence


@dataclass(frozen=True, eq=False)
class Canvas:
    """What the networks see of a scene.

    picture  h w 3 uint8, its sides multiples of the VAE's stride
    motion   in the pixels of the given picture; its `size` is the part of them, perhaps beyond the picture's edge, that the canvas covers
    shown    width and height of the part of the canvas, from its left upper corner on, that the picture covers
    """

    picture: np.ndarray
    motion: PoseSequence
    shown: Size

    @property
    def size(self) -> Size:
        return self.picture.shape[1], self.picture.shape[0]


def canvas_of(
    picture: np.ndarray,
    motion: PoseSequence,
    size: Size | None,
    stride: int,
    resampling: Image.Resampling = Image.Resampling.LANCZOS,
) -> Canvas:
    """Picture (H W 3) and motion on a canvas of `size`; None: as large as the picture, its border repeated.

    A canvas of another shape squashes both, which `restored` undoes. Its sides are cut to multiples of `stride`, as in the published code.
    """
    shown = canvas_picture(picture, size, stride, resampling)
    if size is None:
        return Canvas(shown, replace(motion, size=shown.shape[1::-1]), picture.shape[1::-1])
    return Canvas(shown, motion, (shown.shape[1], shown.shape[0]))


def canvas_picture(picture: np.ndarray, size: Size | None, stride: int, resampling: Image.Resampling) -> np.ndarray:  # H W 3 -> h w 3
    """The picture of `canvas_of`."""
    if size is None:
        return padded(picture, stride)
    width, height = (side // stride * stride for side in size)
    return stretched(picture, (width, height), resampling)


def restored(clip: Clip, size: Size) -> Clip:
    """Frames that fill a canvas, brought to the size and shape of the picture."""
    return clip if clip.size == size else clip.map(lambda frame: stretched(frame, size), size)


def padded(picture: np.ndarray, stride: int) -> np.ndarray:  # H W 3
    """The picture with its last row and column repeated until its sides are multiples of `stride`."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, -height % stride), (0, -width % stride), (0, 0)), mode="edge")
