"""Samples of training: a reference and driven frames of the same person, chosen as the published code chooses them, and cut to size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import cv2
import numpy as np

from animato.core.shapes import Size
from animato.pose.keypoints import PoseSequence

Box = tuple[float, float, float, float]  # left, top, width, height in pixels; may stick out of the picture
Cut = Literal["whole", "published", "squash"]


@dataclass(frozen=True, eq=False)
class Sample:
    """One reference and F driven frames, all of one size.

    whole      H W 3    uint8, the reference before it was cut, for CLIP
    reference  H W 3    uint8
    frames     F H W 3  uint8
    given      the reference's pose, one frame
    poses      of the frames, with masks where they are known
    drawn      F H W 3  uint8 skeletons, where these are what is known of the poses; else None
    standing   1 H W 3  uint8, the reference's skeleton, as `drawn`
    """

    whole: np.ndarray
    reference: np.ndarray
    frames: np.ndarray
    given: PoseSequence
    poses: PoseSequence
    drawn: np.ndarray | None = None
    standing: np.ndarray | None = None

    def begun(self, frames: int) -> Sample:
        """The same of no more than its first driven frames."""
        drawn = None if self.drawn is None else self.drawn[:frames]
        return replace(self, frames=self.frames[:frames], poses=self.poses.frames(slice(frames)), drawn=drawn)


class Source(Protocol):
    """Whatever samples can be drawn from."""

    def draw(self, rng: np.random.Generator) -> Sample: ...


def pair(length: int, rng: np.random.Generator, margin: int = 30) -> tuple[int, int]:
    """Reference and target among `length` frames, at least `margin` apart where the clip is long enough, the target later if possible."""
    margin = min(margin, length)
    reference = int(rng.integers(length))
    if reference + margin < length:
        return reference, int(rng.integers(reference + margin, length))
    if reference - margin > 0:
        return reference, int(rng.integers(0, reference - margin + 1))
    return reference, int(rng.integers(length))


def stretch(length: int, frames: int, rate: int, rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """Reference and frame numbers of a clip: every `rate`-th from a random start, or denser."""
    span = min(length, (frames - 1) * rate + 1)
    start = int(rng.integers(length - span + 1))
    which = np.linspace(start, start + span - 1, frames).astype(int)
    return int(rng.integers(length)), which


def scattered(length: int, frames: int, rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """A reference and so many other frames, in any order: what a model of single frames learns most from."""
    order = rng.permutation(length)
    return int(order[0]), np.resize(order[1:], frames)


def whole_box(given: Size, size: Size) -> Box:
    """All of a picture and, at its sides or above and below, as much more as the aspect of `size` wants."""
    scale = max(given[0] / size[0], given[1] / size[1])
    width, height = size[0] * scale, size[1] * scale
    return (given[0] - width) / 2, (given[1] - height) / 2, width, height


def published_box(given: Size, size: Size, scale: tuple[float, float], rng: np.random.Generator) -> Box:
    """torchvision's random resized crop as the published training calls it: aspect 0.9 to 1, area `scale`.

    A portrait picture cannot satisfy that and is cut to its middle: heads and feet are lost. Hence `whole_box`.
    """
    width, height = given
    low, high = 0.9, 1.0
    for _ in range(10):
        area = width * height * rng.uniform(*scale)
        aspect = np.exp(rng.uniform(np.log(low), np.log(high)))
        w, h = round(np.sqrt(area * aspect)), round(np.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return float(rng.integers(width - w + 1)), float(rng.integers(height - h + 1)), float(w), float(h)
    w, h = width, height
    if width / height < low:
        h = round(width / low)
    elif width / height > high:
        w = round(height * high)
    return float((width - w) // 2), float((height - h) // 2), float(w), float(h)


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
