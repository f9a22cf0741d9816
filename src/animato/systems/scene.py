"""What a system is given, checked before any work is done, and brought to a size that its networks can take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from animato.core.errors import InputError
from animato.core.fit import stretched
from animato.core.media import Clip
from animato.core.shapes import Size
from animato.models.unet import UNet
from animato.pose.keypoints import PoseSequence
from animato.sampling.plan import Chain, Windows
from animato.sampling.settings import Settings


def check_picture(picture: np.ndarray) -> None:
    """Raises InputError for what is no picture."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InputError(f"The picture must be H x W x 3 bytes, not {' x '.join(map(str, picture.shape))} of {picture.dtype}.")


def check_scene(picture: np.ndarray, reference: PoseSequence, motion: PoseSequence) -> None:
    """Raises InputError where picture, pose and motion do not belong together, or the motion shows nobody."""
    check_picture(picture)
    size = picture.shape[1::-1]
    if reference.size != size or motion.size != size:
        raise InputError(f"The picture is {size}, its pose {reference.size} and the motion {motion.size} pixels: bring all to one size.")
    if not len(motion) or not motion.people:
        raise InputError("The motion has no frames or nobody in it: give one with at least one frame and one person.")


def by_windows(settings: Settings) -> Windows:
    """How a clip is cut up by a system whose networks have no input for a first frame. Raises InputError for settings that need one."""
    if isinstance(settings.window, Chain):
        raise InputError(
            "A chain begins every clip with a frame of the one before, and this system's networks have no input for one: choose windows."
        )
    if settings.reference != "reference":
        raise InputError(
            f"reference={settings.reference} needs an input for a first frame, which this system's networks have not: leave it out."
        )
    return settings.window


def check_window(denoiser: UNet, window: Windows, frames: int) -> None:
    """Raises InputError for a window of more frames than the weights know positions. A temporal Mamba knows no positions and any length."""
    length = min(window.size, frames)
    longest = denoiser.longest_window
    if longest is not None and length > longest:
        raise InputError(
            f"A window of {length} frames is too long: these weights know {longest} positions. "
            f"Choose a window of {longest} frames or fewer."
        )


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
    how: Image.Resampling = Image.Resampling.LANCZOS,
) -> Canvas:
    """Picture (H W 3) and motion on a canvas of `size`; None: as large as the picture, its border repeated.

    A canvas of another shape squashes both, the picture by the filter `how`, which `restored` undoes. Its sides are cut to multiples of
    `stride`, as in the published code.
    """
    if size is None:
        whole = padded(picture, stride)
        return Canvas(whole, replace(motion, size=whole.shape[1::-1]), picture.shape[1::-1])
    width, height = (side // stride * stride for side in size)
    return Canvas(stretched(picture, (width, height), how), motion, (width, height))


def restored(clip: Clip, size: Size) -> Clip:
    """Frames that fill a canvas, brought to the size and shape of the picture."""
    return clip if clip.size == size else clip.map(lambda frame: stretched(frame, size), size)


def padded(picture: np.ndarray, stride: int) -> np.ndarray:  # H W 3
    """The picture with its last row and column repeated until its sides are multiples of `stride`."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, -height % stride), (0, -width % stride), (0, 0)), mode="edge")
