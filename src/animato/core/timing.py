"""From the times at which a file shows its pictures to a constant rate: pure arithmetic, no files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

Shown = TypeVar("Shown")

_UNKNOWN_RATE = Fraction(25)
_MOST_HOLES = Fraction(1, 10)  # of the grid of a rate that may stay without a frame of its own
_MOST_REPEATS = Fraction(1, 10)  # of the times in a file that may be those of other frames
_FASTEST = 1000  # frames a second that can be meant
_OFF_GRID = Fraction(1, 4)  # of a frame; how far from the grid a time may be, however coarse the clock


@dataclass(frozen=True)
class Timing:
    """`length` frames at `fps`, the first at `start` seconds.

    slack    how many seconds later than due a frame may be stamped and still count as in time: the rounding of the file's clock
    stamped  False where the file gives its frames no times: they are then taken one by one
    """

    fps: Fraction
    length: int
    start: Fraction = Fraction(0)
    slack: Fraction = Fraction(0)
    stamped: bool = True

    def due(self, frame: int) -> Fraction:
        """The time in seconds, on the file's own clock, that output frame `frame` shows."""
        return self.start + frame / self.fps


def constant_rate(ticks: Sequence[int], tick: Fraction, named: Sequence[Fraction]) -> Timing:
    """The constant rate for frames shown from the times `ticks`, in units of `tick` seconds, on.

    A rate that the file names itself, or else the whole number nearest to the average, is taken when every frame lies on its grid, give
    or take one tick, and few places stay empty; otherwise the average, with as many output frames as the file has. Times that make no
    sense are left aside.
    """
    distinct = sorted(set(ticks))
    timing = _grid(distinct, tick, named)
    if len(distinct) < len(ticks) * (1 - _MOST_REPEATS) or timing.fps > _FASTEST:
        return one_by_one(len(ticks), named)
    return replace(timing, slack=min(tick, 1 / timing.fps / 4))  # a quarter, for clocks that tick once a frame


def one_by_one(length: int, named: Sequence[Fraction]) -> Timing:
    """The timing of `length` frames without usable times, at the first rate that the file names."""
    return Timing(named[0] if named else _UNKNOWN_RATE, length, stamped=False)


def _grid(ticks: list[int], tick: Fraction, named: Sequence[Fraction]) -> Timing:
    start, span = ticks[0] * tick, (ticks[-1] - ticks[0]) * tick
    if span == 0:
        return Timing(named[0] if named else _UNKNOWN_RATE, 1, start)
    average = (len(ticks) - 1) / span
    for rate in (*named, Fraction(max(round(average), 1))):
        places = [(t - ticks[0]) * tick * rate for t in ticks]
        length = round(places[-1]) + 1
        on_grid = all(abs(place - round(place)) <= min(tick * rate, _OFF_GRID) for place in places)
        if on_grid and len(ticks) <= length <= len(ticks) / (1 - _MOST_HOLES):
            return Timing(rate, length, start)
    return Timing(average.limit_denominator(1001), len(ticks), start)


def on_screen(shown: Iterable[tuple[Fraction, Shown]], timing: Timing) -> Iterator[Shown]:
    """What stands on the screen at each output frame's due time, from pictures in the order and with the times at which they appear.

    Always `timing.length` of them: a picture stays until the next one comes. None at all if nothing is shown.
    """
    frame, current = 0, None
    for time, picture in shown:
        while current is not None and frame < timing.length and timing.due(frame) + timing.slack < time:
            yield current
            frame += 1
        if frame == timing.length:
            return
        current = picture
    while current is not None and frame < timing.length:
        yield current
        frame += 1
