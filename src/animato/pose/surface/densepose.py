"""DensePose pictures, by which MagicAnimate is driven: body parts in the published palette, made from poses or read from a video."""

from __future__ import annotations

import cv2
import numpy as np

from animato.core.media import Clip
from animato.core.shapes import Size
from animato.pose.keypoints import PoseSequence
from animato.pose.surface.parts import rendered

# OpenCV's VIRIDIS at trunc(part * 255 / 24), RGB, as detectron2's semantic-map visualiser draws part 0..24; 0 is the background.
PALETTE = np.array([
    (68, 1, 84), (71, 16, 99), (72, 31, 112), (71, 44, 122), (68, 57, 131), (64, 70, 136), (59, 81, 139),
    (54, 93, 141), (49, 104, 142), (44, 113, 142), (40, 124, 142), (37, 133, 142), (33, 144, 141), (31, 154, 138),
    (32, 163, 134), (39, 173, 129), (53, 183, 121), (70, 192, 111), (92, 200, 99), (115, 208, 86), (142, 214, 69),
    (170, 220, 50), (197, 224, 33), (226, 228, 24), (253, 231, 37),
], np.uint8)  # fmt: skip
_AROUND = 7  # side of the square in which a label must not stand alone
_LEAST = 20  # pixels of its own that it needs there
_LIKE = 24  # how far, in levels of RGB, compression moves a colour
_SHARE = 0.85  # of the pixels that must be so near to the palette


def coloured(labels: np.ndarray) -> np.ndarray:
    """... H W labels 0..24 -> ... H W 3 uint8."""
    return PALETTE[labels]


def nearest(picture: np.ndarray) -> np.ndarray:
    """... 3 uint8 -> ... uint8: the part whose colour is nearest in RGB."""
    palette = PALETTE.astype(np.float32)
    closeness = picture.reshape(-1, 3).astype(np.float32) @ (2 * palette.T) - (palette**2).sum(1)
    return closeness.argmax(axis=1).astype(np.uint8).reshape(picture.shape[:-1])


def decoded(picture: np.ndarray) -> np.ndarray:
    """H W 3 uint8, a frame of a DensePose video -> H W uint8: its labels.

    Compression mixes the colours on both sides of an edge, and the mixture may be a third part's colour. A label with few pixels of its own
    around it therefore gives way to the commonest one there.
    """
    labels = nearest(picture)
    present = np.unique(labels)
    counts = np.stack([cv2.boxFilter((labels == part).astype(np.uint8), -1, (_AROUND, _AROUND), normalize=False) for part in present])
    own = np.take_along_axis(counts, np.searchsorted(present, labels)[None], axis=0)[0]
    return np.where(own < _LEAST, present[counts.argmax(axis=0)], labels)


def is_densepose(picture: np.ndarray) -> bool:
    """Whether an H W 3 uint8 picture shows DensePose's parts: nearly all of it has the palette's colours, and not all the background's."""
    labels = nearest(picture)
    away = np.abs(picture.astype(np.int16) - coloured(labels)).max(axis=-1)
    return bool((away <= _LIKE).mean() > _SHARE and 0 < (labels == 0).mean() < 1)


def densepose_frames(poses: PoseSequence, size: Size) -> np.ndarray:
    """F H W 3 uint8: the first person of the poses as DensePose would show them, `size` (width, height) large."""
    frames = [coloured(labels) for labels, _ in rendered(poses, size)]
    return np.stack(frames) if frames else np.zeros((0, size[1], size[0], 3), np.uint8)


def densepose_clip(poses: PoseSequence, clip: Clip) -> Clip:
    """The same as a clip as large and fast as the one in which the poses were seen; frames are made when they are asked for."""
    return Clip(lambda: (coloured(labels) for labels, _ in rendered(poses, clip.size)), clip.size, clip.fps, len(poses), clip.sound)
