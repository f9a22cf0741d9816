"""Whatever the clip and the windows: every frame is seen, and blending them is a mean."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from animato.sampling.plan import ENDS, Chain, Window, Windows, bits_reversed, overlapping
from animato.sampling.run import blend

frames = st.integers(1, 120)
windows = st.builds(
    lambda size, overlap, stride, end: Windows(size, overlap % size, 1 if end == "last" else stride, end),
    st.integers(1, 40),
    st.integers(0, 39),
    st.integers(1, 4),
    st.sampled_from(ENDS),
)


@given(frames, windows, st.integers(0, 40))
def test_every_frame_is_seen(count, how, step):
    plan = overlapping(count, how.size, how.overlap, how.stride, how.end == "closed", step)
    assert set().union(*(window.frames for window in plan)) == set(range(count))


@given(frames, windows)
def test_windows_are_as_long_as_asked_and_run_at_an_even_pace(count, how):
    plan = how.over(count)
    for window in plan:
        assert len(window.frames) == min(how.size, count)
        paces = {(after - before) % count for before, after in zip(window.frames, window.frames[1:], strict=False)}
        assert len(paces) <= 1
        assert paces <= {2**i % count for i in range(how.stride)}
    if count <= how.size:
        assert plan == [Window(tuple(range(count)))]


@given(frames, windows)
def test_neighbours_share_the_overlap(count, how):
    plan = Windows(how.size, how.overlap, 1, how.end).over(count)
    hops = [(after.frames[0] - before.frames[0]) % count for before, after in zip(plan, plan[1:], strict=False)]
    if how.end == "last" and hops:
        assert plan[-1].frames[-1] == count - 1 and 0 < hops.pop() <= how.size - how.overlap
    assert set(hops) <= {(how.size - how.overlap) % count}


@given(frames, windows)
def test_an_open_plan_that_comes_out_even_does_not_wrap(hops, how):
    count = how.size + (hops % 8) * (how.size - how.overlap)
    plan = Windows(how.size, how.overlap, end="open").over(count)
    assert plan[-1].frames[-1] == count - 1
    assert all(list(window.frames) == sorted(window.frames) for window in plan)


@given(st.integers(2, 60), windows)
def test_a_closed_plan_joins_the_end_to_the_beginning(count, how):
    plan = Windows(how.size, how.overlap, end="closed").over(count)
    if count > how.size and how.overlap:
        assert any({0, count - 1} <= set(window.frames) for window in plan)


@given(frames, st.integers(2, 40))
def test_links_of_a_chain_share_one_frame_and_are_as_even_as_can_be(count, size):
    plan = [window.frames for window in Chain(size).over(count)]
    assert [*plan[0], *(frame for link in plan[1:] for frame in link[1:])] == list(range(count))
    assert all(before[-1] == after[0] for before, after in zip(plan, plan[1:], strict=False))
    lengths = [len(link) for link in plan]
    assert max(lengths) <= min(size, count) and max(lengths) - min(lengths) <= 1
    assert len(plan) == 1 or (len(plan) - 1) * (size - 1) + 1 < count  # one link fewer would not reach


def test_links_of_a_chain_leave_no_stump():
    assert [len(link.frames) for link in Chain(32).over(33)] == [17, 17]
    assert [len(link.frames) for link in Chain(8).over(23)] == [6, 7, 6, 7]


def test_strides():
    """No stride so wide that its windows go round the clip more than once or twice; each begins where the step shifts it."""
    plan = overlapping(20, 8, 4, stride=9)
    assert {window.frames[1] - window.frames[0] for window in plan if window.frames[0] < 16} == {1, 2, 4}
    shifted = overlapping(20, 8, 4, stride=2, step=1)
    assert [window.frames[:2] for window in shifted] == [*(((10 + i) % 20, (11 + i) % 20) for i in range(0, 20, 4)), (11, 13), (3, 5)]


@given(st.integers(0, 2**32))
def test_reversed_bits(number):
    assert bits_reversed(number) == sum((number >> place & 1) / 2 ** (place + 1) for place in range(64))


@given(frames, windows, st.integers(1, 5), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_blending_is_the_mean_over_windows_whatever_the_batch(count, how, batch, seed):
    """Against a plain loop over frames. The network here tells a frame apart by its value, its place and its window."""
    plan = how.over(count)
    x = torch.randn(count, 2, 1, 1, generator=torch.Generator().manual_seed(seed))
    number = {window: i for i, window in enumerate(plan)}

    def ask(rows, t, asked):
        own = torch.tensor([[float(number[window])] for window in asked])
        places = torch.arange(rows.shape[1]) * 0.1
        return rows * t + (own + places)[..., None, None, None]

    mine = blend(plan, ask, batch)(x, torch.tensor(0.5))
    for frame in range(count):
        said = []
        for window in plan:
            if frame in window.frames:
                last = max(place for place, other in enumerate(window.frames) if other == frame)
                said.append(x[frame] * 0.5 + number[window] + 0.1 * last)
        torch.testing.assert_close(mine[frame], torch.stack(said).mean(0))
