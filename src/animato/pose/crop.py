"""Parts of pictures and of poses: a box cut out and brought to a size."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from animato.core.shapes import Size
from animato.pose.keypoints import PoseSequence

Box = tuple[float, float, float, float]  # left, top, width, height in pixels; may stick out of the picture


def whole_box(given: Size, size: Size) -> Box:
    """All of a picture and, at its sides or above and below, as much more as the aspect of `size` wants."""
    scale = max(given[0] / size[0], given[1] / size[1])
    width, height = size[0] * scale, size[1] * scale
    return (given[0] - width) / 2, (given[1] - height) / 2, width, height


def cut(frames: np.ndarray, box: Box, size: Size) -> np.ndarray:  # F H W 3 -> F h w 3
    """What a box holds of every frame, bilinear (averaged where it shrinks); the edge's colour goes on outside."""
    left, top, width, height = box
    x0, y0 = int(np.floor(min(left, 0))), int(np.floor(min(top, 0)))
    right, below = max(left + width - frames.shape[2], 0), max(top + height - frames.shape[1], 0)
    wide = np.pad(frames, ((0, 0), (-y0, int(np.ceil(below))), (-x0, int(np.ceil(right))), (0, 0)), mode="edge")
    y, x = round(top) - y0, round(left) - x0
    inner = wide[:, y : y + max(round(height), 1), x : x + max(round(width), 1)]
    how = cv2.INTER_AREA if width > size[0] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(np.ascontiguousarray(frame), size, interpolation=how) for frame in inner])


def cut_poses(poses: PoseSequence, box: Box, size: Size) -> PoseSequence:
    """Poses in the pixels of what was cut. Masks, which are of the whole picture, are dropped."""
    factor = np.array([size[0] / box[2], size[1] / box[3], size[0] / box[2]])
    moved = (poses.points - np.array([box[0], box[1], 0.0])) * factor
    return replace(poses, points=moved, size=size, mask=None)
