"""Which frames the network sees together. A plan is data; nothing here knows what is computed with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from animato.core.errors import InputError


@dataclass(frozen=True)
class Window:
    """Frames of a clip that the network sees at once, in this order. A frame can stand in it more than once."""

    frames: tuple[int, ...]

    @property
    def kept(self) -> dict[int, int]:
        """Frame -> its place in the window. Of a frame that stands there twice the last place counts, as in the published code."""
        return {frame: place for place, frame in enumerate(self.frames)}


Plan = Sequence[Window]


@dataclass(frozen=True)
class Windows:
    """How a clip is cut into overlapping windows.

    size     frames of a window
    overlap  frames that neighbours share
    stride   1: neighbouring frames only; above, windows of every 2nd, 4th ... (to 2 ** (stride - 1)) frame are added
    closed   the last windows end among the first frames, so that the end of the clip is made to lead into its beginning
    """

    size: int = 24
    overlap: int = 4
    stride: int = 1
    closed: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.size:
            raise InputError(
                f"Windows of {self.size} frames cannot share {self.overlap}: choose an overlap from 0 to one less than the window."
            )
        if self.stride < 1:
            raise InputError(f"A window stride of {self.stride} means nothing: choose 1 or more.")

    def lacking(self, frames: int) -> int:
        """How many frames a clip lacks for open windows to end where it does, so that none goes on among its first frames.

        As MusePose's published script counts: below one window, too, the clip is filled up to whole steps from window to window.
        """
        return 0 if self.closed else (self.size - frames) % (self.size - self.overlap)

    def over(self, frames: int) -> Plan:
        return overlapping(frames, self.size, self.overlap, self.stride, self.closed)


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
            plan.append(Window(tuple((start + apart * place) % frames for place in range(size))))
    return plan


def ending(frames: int, size: int, overlap: int) -> Plan:
    """UniAnimate's windows: the last one ends where the clip does and shares more with its neighbour; a single one where the clip fits.

    The published code wraps around or fails for clips shorter than a window. Raises InputError for an overlap that is no overlap.
    """
    if not 0 <= overlap < size:
        raise InputError(f"Windows of {size} frames cannot share {overlap}: choose an overlap from 0 to one less than the window.")
    if frames <= size:
        return [Window(tuple(range(frames)))]
    starts = [*range(0, frames - overlap, size - overlap)][:-1] + [frames - size]
    return [Window(tuple(range(start, start + size))) for start in starts]


def bits_reversed(step: int) -> float:
    """The 64 bits of a number in reverse order, as a fraction of 1: 0, 1/2, 1/4, 3/4, 1/8 ..."""
    return int(f"{step:064b}"[::-1], 2) / 2**64
