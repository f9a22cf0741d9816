"""From the times at which a file shows its pictures to a constant rate: pure arithmetic, no files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from statistics import median_low
from typing import TypeVar

Shown = TypeVar("Shown")

UNKNOWN_RATE = Fraction(25)
_MOST_HOLES = Fraction(1, 10)  # of the grid of a rate that may stay without a frame of its own
_MOST_REPEATS = Fraction(1, 10)  # of the times in a file that may be those of other frames
FASTEST = 1000  # frames a second that can be meant
SLOWEST = Fraction(1, 10_000)  # a picture every three hours
_OFF_GRID = Fraction(1, 4)  # of a frame; how far from the grid a time may be, however coarse the clock


@dataclass(frozen=True)
class Timing:
    """`length` frames at `fps`, the first at `start` seconds.

    slack    how many seconds later than due a frame may be stamped and still count as in time: the rounding of the file's clock, or
             the jitter of a camera, always less than half a frame
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


def usual_rate(fps: float | Fraction) -> Fraction:
    """A number of frames a second as the ratio that was meant, 29.97 as 30000/1001; never below SLOWEST."""
    exact = Fraction(fps)
    return exact.limit_denominator(1001) if exact > Fraction(1, 10) else max(exact.limit_denominator(1_000_000), SLOWEST)


def constant_rate(ticks: Sequence[int], tick: Fraction, named: Sequence[Fraction]) -> Timing:
    """The constant rate for frames shown from the times `ticks`, in units of `tick` seconds, on.

    1. A rate that the file names itself, or else the whole number nearest to the average, is taken when every frame lies on its grid,
       give or take one tick, and few positions stay empty.
    2. Else times that jitter by less than half a frame are those of a camera: a rate is sought whose grid shows every frame once.
    3. Else the rate truly varies: the average is taken, with as many output frames as the file has.
    Times that make no sense are left aside.
    """
    distinct = sorted(set(ticks))
    timing = _timing(distinct, tick, named)
    if len(distinct) < len(ticks) * (1 - _MOST_REPEATS) or timing.fps > FASTEST:
        return one_by_one(len(ticks), named)
    return timing


def one_by_one(length: int, named: Sequence[Fraction]) -> Timing:
    """The timing of `length` frames without usable times, at the first rate that the file names and that can be meant."""
    return Timing(next((rate for rate in named if rate <= FASTEST), UNKNOWN_RATE), length, stamped=False)


def _timing(ticks: list[int], tick: Fraction, named: Sequence[Fraction]) -> Timing:
    start = ticks[0] * tick
    span = (ticks[-1] - ticks[0]) * tick
    if span == 0:
        rate = named[0] if named else UNKNOWN_RATE
        return Timing(rate, 1, start, _slack(tick, rate))
    average = (len(ticks) - 1) / span
    steady = _exact(ticks, tick, (*named, Fraction(max(round(average), 1)))) or _jittering(ticks, tick, named)
    if steady:
        return steady
    rate = average.limit_denominator(1001) or average  # slower than one frame in 1001 seconds: as it is
    return Timing(rate, len(ticks), start, _slack(tick, rate))


def _slack(tick: Fraction, rate: Fraction) -> Fraction:
    return min(tick, 1 / rate / 4)  # a quarter, for clocks that tick once a frame


def _exact(ticks: list[int], tick: Fraction, rates: Sequence[Fraction]) -> Timing | None:
    """The first rate on whose grid all times lie, but for the rounding of the clock."""
    for rate in rates:
        positions = [(t - ticks[0]) * tick * rate for t in ticks]
        length = round(positions[-1]) + 1
        on_grid = all(abs(position - round(position)) <= min(tick * rate, _OFF_GRID) for position in positions)
        if on_grid and _few_holes(len(ticks), length):
            return Timing(rate, length, ticks[0] * tick, _slack(tick, rate))
    return None


def _jittering(ticks: list[int], tick: Fraction, named: Sequence[Fraction]) -> Timing | None:
    """The timing by a grid on which each frame has a position of its own, less than half a frame from its time.

    Of several, the first that is at most twice as far from the times as the nearest: a rate that is named before one that is found, none
    left empty before some.
    """
    ranks = range(len(ticks))
    found = (
        (len(ticks) - 1) / ((ticks[-1] - ticks[0]) * tick),
        _closest_rate(ranks, ticks, tick),
        _closest_rate(_steps(ticks), ticks, tick),
    )
    rates = [rate for rate in (*named, *(rate.limit_denominator(1001) for rate in found)) if rate]
    tried = [_on_positions(ticks, tick, rate, positions_on) for positions_on in (_by_rank, _by_phase) for rate in rates]
    timings = [timing for timing in tried if timing]
    least = min((timing.slack * timing.fps for timing in timings), default=None)
    return next((timing for timing in timings if least is not None and timing.slack * timing.fps <= 2 * least), None)


def _on_positions(
    ticks: list[int], tick: Fraction, rate: Fraction, positions_on: Callable[[list[int], int], list[int] | None]
) -> Timing | None:
    """The timing that shows each frame at the position that `positions_on` gives it, if there is one for each."""
    frame = (tick * rate).denominator  # the length of a frame in the unit of `times`
    times = [(t - ticks[0]) * (tick * rate).numerator for t in ticks]
    positions = positions_on(times, frame)
    if not positions or not _few_holes(len(ticks), positions[-1] + 1):
        return None
    off = [time - position * frame for time, position in zip(times, positions, strict=True)]
    middle = Fraction(min(off) + max(off), 2 * frame)
    slack = Fraction(max(off) - min(off), 2 * frame)
    return Timing(rate, positions[-1] + 1, ticks[0] * tick + middle / rate, slack / rate)


def _few_holes(frames: int, length: int) -> bool:
    return frames <= length <= frames / (1 - _MOST_HOLES)


def _by_rank(times: list[int], frame: int) -> list[int] | None:
    """Positions 0, 1, 2 ... if the times stay within one frame's length of them; a frame lasts `frame`."""
    off = [time - rank * frame for rank, time in enumerate(times)]
    return list(range(len(times))) if max(off) - min(off) < frame else None


def _by_phase(times: list[int], frame: int) -> list[int] | None:
    """Positions with holes, where each time falls into a cell of its own; cells begin where within a frame the fewest times lie near."""
    phases = sorted({time % frame for time in times})
    _, begin = max((after - before, after) for before, after in zip([phases[-1] - frame, *phases], phases, strict=False))
    cells = [(time - begin) // frame for time in times]
    apart = all(after > before for before, after in pairwise(cells))
    return [cell - cells[0] for cell in cells] if apart else None


def _steps(ticks: list[int]) -> list[int]:
    """Positions counted by the middle one of all steps between times, where frames may be missing."""
    middle = median_low(after - before for before, after in pairwise(ticks))
    return list(accumulate((max(round((after - before) / middle), 1) for before, after in pairwise(ticks)), initial=0))


def _closest_rate(positions: Sequence[int], ticks: Sequence[int], tick: Fraction) -> Fraction:
    """The rate, in frames a second, of the line through the times that keeps the largest distance from it smallest."""
    points = list(zip(positions, ticks, strict=True))
    lower = _lower_hull(points)
    upper = [(p, -t) for p, t in _lower_hull([(p, -t) for p, t in points])]
    slopes = [Fraction(b[1] - a[1], b[0] - a[0]) for hull in (lower, upper) for a, b in pairwise(hull)]
    slope = min(slopes, key=lambda slope: max(t - slope * p for p, t in upper) - min(t - slope * p for p, t in lower))
    return 1 / (slope * tick)


def _lower_hull(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The corners of the lower edge of the convex hull of points that go to the right."""
    hull: list[tuple[int, int]] = []
    for x, y in points:
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (y - hull[-2][1]) <= (hull[-1][1] - hull[-2][1]) * (x - hull[-2][0]):
            hull.pop()
        hull.append((x, y))
    return hull


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
