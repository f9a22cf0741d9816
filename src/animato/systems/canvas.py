"""A scene brought to a size that networks can take, and their frames brought back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from torch import Tensor

from animato.core.fit import stretched
from animato.core.media import Clip
from animato.core.shapes import Size
from animato.encoders.codec import FrameCodec
from animato.pose.keypoints import PoseSequence
from animato.sampling.interpolate import interpolate
from animato.sampling.settings import Settings
from animato.systems.scene import Scene


@dataclass(frozen=True, eq=False)
class Canvas:
    """What the networks see of a scene.

    picture    h w 3 uint8, its sides multiples of the VAE's stride
    motion     in the pixels of the given picture; its `size` is the part of them, perhaps beyond the picture's edge, that the canvas covers
    shown      width and height of the part of the canvas, from its left upper corner on, that the picture covers
    given      H W 3 uint8, the picture as it was given
    reference  its pose, in its pixels
    """

    picture: np.ndarray
    motion: PoseSequence
    shown: Size
    given: np.ndarray
    reference: PoseSequence

    @property
    def size(self) -> Size:
        return self.picture.shape[1], self.picture.shape[0]


def canvas_of(
    scene: Scene, motion: PoseSequence, size: Size | None, stride: int, resampling: Image.Resampling = Image.Resampling.LANCZOS
) -> Canvas:
    """A scene's picture and the motion on a canvas of `size`; None: as large as the picture, its border repeated.

    A canvas of another shape squashes both, which `restored` undoes. Its sides are cut to multiples of `stride`, as in the published code.
    """
    picture = canvas_picture(scene.picture, size, stride, resampling)
    covered = (picture.shape[1], picture.shape[0])
    if size is None:
        return Canvas(picture, replace(motion, size=covered), scene.size, scene.picture, scene.reference)
    return Canvas(picture, motion, covered, scene.picture, scene.reference)


def canvas_picture(picture: np.ndarray, size: Size | None, stride: int, resampling: Image.Resampling) -> np.ndarray:  # H W 3 -> h w 3
    """The picture of `canvas_of`."""
    if size is None:
        return padded(picture, stride)
    width, height = (side // stride * stride for side in size)
    return stretched(picture, (width, height), resampling)


def decoded(codec: FrameCodec, latents: Tensor, shown: Size, scene: Scene, settings: Settings) -> Clip:  # F C h w
    """The result: frames put between, decoded when they are asked for, in the size and shape of the picture, with the scene's sound."""
    between = interpolate(latents, settings.interpolation)
    return restored(codec.clip(between, shown, scene.fps * settings.interpolation, scene.sound), scene.size)


def restored(clip: Clip, size: Size) -> Clip:
    """Frames that fill a canvas, brought to the size and shape of the picture."""
    return clip if clip.size == size else clip.map(lambda frame: stretched(frame, size), size)


def padded(picture: np.ndarray, stride: int) -> np.ndarray:  # H W 3
    """The picture with its last row and column repeated until its sides are multiples of `stride`."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, -height % stride), (0, -width % stride), (0, 0)), mode="edge")
