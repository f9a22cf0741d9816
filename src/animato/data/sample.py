"""Samples of training: a reference and driven frames of the same person, chosen as the published code chooses them, and cut to size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from animato.core.shapes import Size
from animato.pose.crop import Box
from animato.pose.keypoints import PoseSequence

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
