"""The sampler's loop, and what may happen in it."""

import pytest
import torch

from animato.sampling.noise import draw, frame_generators
from animato.sampling.plan import Window
from animato.sampling.run import blend, sample, ticks
from animato.sampling.schedule import NoiseSchedule, make_scheduler


def test_sampling_is_the_loop_of_the_paper_written_out():
    """DDIM with eta 0 in float64 from the formulas, with a nonlinear network."""
    steps, noise = 7, draw(frame_generators(3, 4), (2, 3, 3))

    def network(x, t):
        return torch.tanh(x + t / 1000) - 0.3 * x.mean(0, keepdim=True)

    mine = sample(noise, network, make_scheduler(NoiseSchedule(), "DDIM", steps), [])

    root = torch.cumprod(1 - torch.linspace(0.00085, 0.012, 1000, dtype=torch.float64), 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    level, x = root**2, noise.double()
    for t in [round(1000 - i * 1000 / steps) - 1 for i in range(steps)]:
        before = t - 1000 // steps
        a, b = level[t], level[before] if before >= 0 else torch.tensor(1.0, dtype=torch.float64)
        v = network(x, torch.tensor(t))
        clean, eps = a.sqrt() * x - (1 - a).sqrt() * v, a.sqrt() * v + (1 - a).sqrt() * x
        x = b.sqrt() * clean + (1 - b).sqrt() * eps
    torch.testing.assert_close(mine, x.float(), atol=1e-5, rtol=1e-5)


def test_what_is_told_after_a_step():
    scheduler, told = make_scheduler(NoiseSchedule(), "DDIM", 4), []
    end = sample(torch.ones(2, 1, 1, 1), lambda x, t: x * 0.1, scheduler, [], lambda *what: told.append(what))
    assert [(step, t) for step, t, _ in told] == [(0, 999), (1, 749), (2, 499), (3, 249)]
    assert torch.equal(told[-1][2], end)


def test_whoever_raises_after_a_step_ends_the_work():
    def stop(step, t, x):
        if step == 1:
            raise KeyboardInterrupt

    asked = []
    with pytest.raises(KeyboardInterrupt):
        sample(torch.ones(1, 1, 1, 1), lambda x, t: asked.append(int(t)) or x, make_scheduler(NoiseSchedule(), steps=5), [], stop)
    assert asked == [999, 799]


def test_each_frame_is_asked_for_in_its_windows_only():
    plan = [Window((0, 1, 2)), Window((2, 3, 0))]
    asked = []

    def ask(rows, t, windows):
        asked.append(rows.flatten(0, 1).flatten().tolist())
        return rows

    x = torch.arange(4.0).view(4, 1, 1, 1)
    assert torch.equal(blend(plan, ask)(x, torch.tensor(0)), x)
    assert asked == [[0, 1, 2], [2, 3, 0]]


def test_blending_adds_up_in_full_precision():
    """Sums of half precision would lose the small part of 2049."""
    plan = [Window((0,)), Window((0,))]
    out = blend(plan, lambda rows, t, windows: torch.full_like(rows, 2049).half().to(torch.bfloat16))(
        torch.zeros(1, 1, 1, 1), torch.tensor(0)
    )
    assert out.dtype == torch.float32


def test_progress_counts_parts():
    told = []
    done = ticks(lambda *what: told.append(what), "denoise", 2)
    done(), done()
    assert told == [("denoise", 0, 2), ("denoise", 1, 2), ("denoise", 2, 2)]
