"""Which frames the network sees together. A plan is data; nothing here knows what is computed with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from animato.core.errors import InputError


@dataclass(frozen=True)
class Window:
    """Frames of a clip that the network sees at once, in this order. A frame can stand in it more than once."""

    frames: tuple[int, ...]

    @property
    def kept(self) -> dict[int, int]:
        """Frame -> its position in the window. Of a frame that stands there twice the last position counts, as in the published code."""
        return {frame: position for position, frame in enumerate(self.frames)}


Plan = Sequence[Window]

End = Literal["closed", "open", "last"]
ENDS: tuple[End, ...] = ("closed", "open", "last")


@dataclass(frozen=True)
class Windows:
    """How a clip is cut into overlapping windows.

    size     frames of a window
    overlap  frames that neighbours share
    stride   1: neighbouring frames only; above, windows of every 2nd, 4th ... (to 2 ** (stride - 1)) frame are added
    end      closed: the last windows end among the first frames, so that the end of the clip is made to lead into its beginning
             open: windows go on as far as they have to, perhaps among the first frames, but no further
             last: the last window is that of the last frames, and shares more with the one before it
    """

    size: int = 24
    overlap: int = 4
    stride: int = 1
    end: End = "closed"

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.size:
            raise InputError(
                f"Windows of {self.size} frames cannot share {self.overlap}: choose an overlap from 0 to one less than the window."
            )
        if self.stride < 1:
            raise InputError(f"A window stride of {self.stride} means nothing: choose 1 or more.")
        if self.end not in ENDS:
            raise InputError(f"Windows cannot end '{self.end}': choose {', '.join(ENDS)}.")
        if self.end == "last" and self.stride > 1:
            raise InputError(f"Windows that end with the last frames have a stride of 1, not {self.stride}: choose closed or open.")

    def lacking(self, frames: int) -> int:
        """How many frames a clip lacks for open windows to end where it does, so that none goes on among its first frames.

        As MusePose's published script counts: below one window, too, the clip is filled up to whole steps from window to window.
        """
        return (self.size - frames) % (self.size - self.overlap) if self.end == "open" else 0

    def over(self, frames: int) -> Plan:
        if self.end == "last":
            return ending(frames, self.size, self.overlap)
        return overlapping(frames, self.size, self.overlap, self.stride, self.end == "closed")


@dataclass(frozen=True)
class Chain:
    """How a clip is cut into short clips, each of which begins with the last frame of the one before it.

    size    frames of a clip at most
    anchor  how far that frame's colours are pulled back to the reference's, from 0 to 1, so that what drifts does not add up
    """

    size: int = 32
    anchor: float = 0.0

    def __post_init__(self) -> None:
        if self.size < 2:
            raise InputError(f"A chain of clips of {self.size} frames never gets on, as they share one: choose 2 or more.")
        if not 0 <= self.anchor <= 1:
            raise InputError(f"An anchor of {self.anchor} is out of range: choose a number from 0 to 1.")

    def over(self, frames: int) -> Plan:
        return chained(frames, self.size)


def overlapping(frames: int, size: int, overlap: int, stride: int = 1, closed: bool = True, step: int = 0) -> Plan:
    """The published `uniform` windows, which cover every frame; a single one where the clip fits into it.

    `step` moves where the first window begins; the published pipelines leave it at 0.
    """
    if frames <= size:
        return [Window(tuple(range(frames)))]
    begin = bits_reversed(step)
    shift = round(frames * begin)
    end = frames + shift - (0 if closed else overlap)
    plan = []
    for apart in (2**i for i in range(min(stride, math.ceil(math.log2(frames / size)) + 1))):
        for start in range(int(begin * apart) + shift, end, size * apart - overlap):
            plan.append(Window(tuple((start + apart * position) % frames for position in range(size))))
    return plan


def ending(frames: int, size: int, overlap: int) -> Plan:
    """UniAnimate's windows: the last one ends where the clip does and shares more with its neighbour; a single one where the clip fits.

    The published code wraps around or fails for clips shorter than a window.
    """
    if frames <= size:
        return [Window(tuple(range(frames)))]
    starts = [*range(0, frames - overlap, size - overlap)][:-1] + [frames - size]
    return [Window(tuple(range(start, start + size))) for start in starts]


def chained(frames: int, size: int) -> Plan:
    """As few clips of at most `size` frames as will do, of lengths as even as can be; neighbours share one frame."""
    links = max(math.ceil((frames - 1) / (size - 1)), 1)
    ends = [(frames - 1) * link // links for link in range(links + 1)]
    return [Window(tuple(range(first, last + 1))) for first, last in zip(ends, ends[1:], strict=False)]


def bits_reversed(step: int) -> float:
    """The 64 bits of a number in reverse order, as a fraction of 1: 0, 1/2, 1/4, 3/4, 1/8 ..."""
    return int(f"{step:064b}"[::-1], 2) / 2**64
