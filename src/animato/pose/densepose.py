"""DensePose pictures, by which MagicAnimate is driven: body parts in the published palette, made from poses or read from a video."""

from __future__ import annotations

import numpy as np

from animato.core.media import Clip
from animato.core.shapes import Size
from animato.pose.keypoints import PoseSequence
from animato.pose.parts import rendered

# OpenCV's VIRIDIS at trunc(part * 255 / 24), RGB, as detectron2's semantic-map visualiser draws part 0..24; 0 is the background.
PALETTE = np.array([
    (68, 1, 84), (71, 16, 99), (72, 31, 112), (71, 44, 122), (68, 57, 131), (64, 70, 136), (59, 81, 139), (54, 93, 141), (49, 104,
    142), (44, 113, 142), (40, 124, 142), (37, 133, 142), (33, 144, 141), (31, 154, 138), (32, 163, 134), (39, 173, 129), (53,
    183, 121), (70, 192, 111), (92, 200, 99), (115, 208, 86), (142, 214, 69), (170, 220, 50), (197, 224, 33), (226, 228, 24),
    (253, 231, 37),
], np.uint8)  # fmt: skip


def coloured(labels: np.ndarray) -> np.ndarray:
    """... H W labels 0..24 -> ... H W 3 uint8."""
    return PALETTE[labels]


def nearest(picture: np.ndarray) -> np.ndarray:
    """... 3 uint8 -> ... uint8: the index of the palette's nearest colour (least squares in RGB)."""
    away = picture.reshape(-1, 1, 3).astype(np.int32) - PALETTE.astype(np.int32)
    return (away**2).sum(-1).argmin(-1).astype(np.uint8).reshape(picture.shape[:-1])


def densepose_frames(poses: PoseSequence, size: Size) -> np.ndarray:
    """F H W 3 uint8: the first person of the poses as DensePose would show them, `size` (width, height) large."""
    frames = [coloured(labels) for labels, _ in rendered(poses, size)]
    return np.stack(frames) if frames else np.zeros((0, size[1], size[0], 3), np.uint8)


def densepose_clip(poses: PoseSequence, clip: Clip) -> Clip:
    """The same as a clip as large and fast as the one in which the poses were seen; frames are made when they are asked for."""
    return Clip(lambda: (coloured(labels) for labels, _ in rendered(poses, clip.size)), clip.size, clip.fps, len(poses), clip.sound)
