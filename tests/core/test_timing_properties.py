"""Constant rates out of any times: what every output frame shows, against the plain definition."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from animato.core.timing import Timing, constant_rate, on_screen

TICK = Fraction(1, 1000)
times = st.lists(st.integers(1, 500), max_size=60).map(lambda steps: [sum(steps[:k]) for k in range(len(steps) + 1)])


@given(times, st.integers(0, 5000))
def test_each_output_frame_shows_what_is_on_screen_at_its_time(ticks, start):
    ticks = [start + tick for tick in ticks]
    timing = constant_rate(ticks, TICK, [])
    shown = list(on_screen(((tick * TICK, tick) for tick in ticks), timing))
    assert len(shown) == timing.length
    for frame, tick in enumerate(shown):
        due = timing.start + frame / timing.fps
        assert tick == max(t for t in ticks if t * TICK <= due + timing.slack)


@given(times)
def test_the_average_is_kept(ticks):
    timing = constant_rate(ticks, TICK, [])
    if len(ticks) > 1:
        off = abs((timing.length - 1) / timing.fps - ticks[-1] * TICK)  # the first and the last frame may jitter by half a frame each
        assert off <= 1 / timing.fps + ticks[-1] * TICK / 1000
        assert len(ticks) <= timing.length <= len(ticks) / 0.9


@given(
    st.sampled_from([Fraction(24), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60)]), st.integers(2, 400), st.integers(0, 999)
)
def test_rounded_times_of_a_named_rate_give_that_rate_and_every_frame_once(rate, length, start):
    ticks = [round(start + frame / rate / TICK) for frame in range(length)]
    timing = constant_rate(ticks, TICK, [Fraction(1000), rate])
    assert (timing.fps, timing.length) == (rate, length)
    assert list(on_screen(((tick * TICK, tick) for tick in ticks), timing)) == ticks


@given(
    st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(60), Fraction(2983, 100)]),
    st.lists(st.floats(-0.48, 0.48), min_size=2, max_size=200),
    st.booleans(),
)
def test_a_jitter_below_half_a_frame_costs_no_frame(rate, jitter, rate_is_named):
    tick = Fraction(1, 90_000)
    ticks = [round((frame + Fraction(off)) / rate / tick) for frame, off in enumerate(jitter)]
    timing = constant_rate(ticks, tick, [rate] if rate_is_named else [Fraction(90_000)])
    assert list(on_screen(((time * tick, time) for time in ticks), timing)) == ticks
    if rate_is_named and len(ticks) > 2:
        assert timing.slack < Fraction(1, 2) / timing.fps
        assert all(abs(time * tick - timing.due(frame)) < 1 / timing.fps for frame, time in enumerate(ticks))


@given(st.permutations(range(12)))
def test_times_may_come_in_any_order(order):
    assert constant_rate([40 * place for place in order], TICK, []) == Timing(Fraction(25), 12, slack=TICK)


def test_times_that_make_no_sense_are_left_aside():
    for ticks, tick in (([0] * 30, TICK), ([k // 2 for k in range(30)], TICK), (list(range(30)), Fraction(1, 90_000))):
        assert constant_rate(ticks, tick, [Fraction(30)]) == Timing(Fraction(30), 30, stamped=False)


def test_nothing_shown_gives_nothing():
    assert list(on_screen([], Timing(Fraction(25), 5))) == []


def test_one_frame_takes_the_named_rate():
    assert constant_rate([7], TICK, [Fraction(30)]).fps == 30
    assert constant_rate([7], TICK, []).length == 1
