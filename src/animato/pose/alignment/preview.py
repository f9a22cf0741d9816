"""The preview video of an alignment: picture | its pose | driving frame | driving pose | aligned pose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat

import numpy as np

from animato.core.media import Clip
from animato.core.panels import GAP, LABEL, resized, side_by_side, titled
from animato.core.shapes import Size
from animato.core.timing import UNKNOWN_RATE, usual_rate
from animato.pose.alignment.align import Aligned
from animato.pose.draw import draw_overlay
from animato.pose.keypoints import PoseSequence

HEIGHT = 480  # of a panel, in pixels
TITLES = ("picture", "its pose", "driving video", "its pose", "aligned pose")
_DIM = 0.35  # what is left of a picture under a pose


def preview(
    picture: np.ndarray, reference: PoseSequence, clip: Clip | None, motion: PoseSequence, aligned: Aligned, height: int = HEIGHT
) -> Clip:
    """Panels of equal height side by side, as a clip as long and as fast as the motion; frames are made when they are asked for.

    picture    H W 3 uint8, of any size in the shape of `reference.size`
    reference  its pose (all people are drawn, the aligned one in colour)
    clip       the driving frames, or None if the motion comes from a file: then its panels are black
    motion     the driving poses;  aligned  what align() made of them
    Both pictures are dimmed under their poses; the aligned pose stands over the picture, where it will be.
    """
    still, moving = _panel_size(reference.size, height), _panel_size(motion.size, height)
    small = resized(picture, still)
    dim = _dimmed(small)
    fixed = [titled(small, TITLES[0]), titled(draw_overlay(dim, reference), TITLES[1])]

    def frames() -> Iterator[np.ndarray]:
        black = np.zeros((moving[1], moving[0], 3), np.uint8)
        for index, frame in zip(range(len(motion)), clip or repeat(black), strict=False):
            driving = resized(frame, moving)
            panels = [driving, draw_overlay(_dimmed(driving), motion, index), draw_overlay(dim, aligned.pose, index)]
            yield side_by_side([*fixed, *(titled(panel, title) for panel, title in zip(panels, TITLES[2:], strict=True))])

    width = 2 * still[0] + 2 * moving[0] + still[0] + 4 * GAP
    fps = clip.fps if clip else usual_rate(motion.fps or UNKNOWN_RATE)
    return Clip(frames, (width + width % 2, height + LABEL), fps, len(motion), clip.sound if clip else None)


def overlaid(clip: Clip, motion: PoseSequence) -> Clip:
    """A clip with its poses drawn over it, as long as the shorter of both."""

    def frames() -> Iterator[np.ndarray]:
        return (draw_overlay(frame, motion, index) for index, frame in zip(range(len(motion)), clip, strict=False))

    length = len(motion) if clip.length is None else min(clip.length, len(motion))
    return replace(clip, open=frames, length=length)


def _panel_size(size: Size, height: int) -> Size:
    return max(1, round(size[0] * height / size[1])), height


def _dimmed(frame: np.ndarray) -> np.ndarray:
    return (frame * _DIM).astype(np.uint8)
