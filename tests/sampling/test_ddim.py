"""UniAnimate's sampler: at any number of steps, beside a plain reference; noise towards the reference; windows at any length."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from animato.core.errors import InputError
from animato.sampling.ddim import DDIM, LONG, SHORT, Prior, alphas, make_steps
from animato.sampling.plan import Windows
from animato.sampling.run import sample
from animato.sampling.schedule import NoiseSchedule, make_scheduler


def as_published(output: Tensor, t: int, then: int, x: Tensor) -> Tensor:
    """With the division by sqrt(alpha_bar) that gives NaN at the last timestep."""
    now, after = alphas()[t], alphas()[then]
    clean = now.sqrt() * x - (1 - now).sqrt() * output
    noise = (x / now.sqrt() - clean) / (1 / now - 1).sqrt()
    return after.sqrt() * clean + (1 - after).sqrt() * noise


@given(steps=st.integers(1, 1000), place=st.floats(0, 1))
def test_a_step_is_the_published_one(steps: int, place: float) -> None:
    schedule = DDIM(steps)
    t = int(schedule.timesteps[round(place * (len(schedule.timesteps) - 1))])
    x, output = torch.randn(2, 8, generator=torch.Generator().manual_seed(steps), dtype=torch.float64)
    mine, published = schedule.step(output, t, x).prev_sample, as_published(output, t, schedule.before(t), x)
    if t == 999:
        assert mine.isfinite().all() and not published.isfinite().any()
    else:
        torch.testing.assert_close(mine, published, atol=1e-9, rtol=0)


@pytest.mark.parametrize("steps", [3, 9, 27, 36, 37, 999, 1000])
def test_numbers_of_steps_that_crash_where_published(steps: int) -> None:
    schedule = DDIM(steps)
    assert schedule.timesteps[0] == 999 and len(schedule.timesteps.unique()) == len(schedule.timesteps)
    latents = sample(torch.randn(2, 4, 3, 3), lambda x, t: 0.5 * x, schedule, [])
    assert latents.isfinite().all()


def test_thirty_steps_are_thirty_one() -> None:
    times = DDIM(30).timesteps.tolist()
    assert len(times) == 31 and times[:2] == [991, 958] and times[-2:] == [34, 1]
    assert DDIM(30).before(1) == 0


def test_a_network_that_knows_the_answer_leaves_a_trace_of_noise() -> None:
    """The last step ends at alpha_bar[0], not at 1."""
    schedule, clean = DDIM(20), torch.randn(1, 4, 5, 5, dtype=torch.float64)
    noise = torch.randn_like(clean)
    table = alphas()
    start = table[951].sqrt() * clean + (1 - table[951]).sqrt() * noise
    latents = sample(start, lambda _, t: table[t].sqrt() * noise - (1 - table[t]).sqrt() * clean, schedule, [])
    torch.testing.assert_close(latents, table[0].sqrt() * clean + (1 - table[0]).sqrt() * noise, atol=1e-9, rtol=0)


@pytest.mark.parametrize("steps", [0, 1001])
def test_steps_out_of_range(steps: int) -> None:
    with pytest.raises(InputError, match=f"steps {steps} is out of range"):
        DDIM(steps)


def test_priors_differ_in_order() -> None:
    """Offset before the reference is weakened with the noise, afterwards it is not."""
    reference, noise, shift = torch.ones(1, 4, 2, 2), torch.zeros(3, 4, 2, 2), torch.ones(3, 4, 1, 1)
    for prior, weight in ((SHORT, float(1 - alphas()[949]) ** 0.5), (LONG, 1.0)):
        shown = float(alphas()[prior.level]) ** 0.5
        torch.testing.assert_close(prior.begin(reference, noise, shift), torch.full((3, 4, 2, 2), shown + 0.1 * weight))


@pytest.mark.parametrize("level", [-1, 1000])
def test_levels_out_of_range(level: int) -> None:
    with pytest.raises(InputError, match="out of range"):
        Prior(level=level)


@given(frames=st.integers(1, 200), size=st.integers(1, 40), share=st.floats(0, 0.99))
def test_windows_cover_clips_of_any_length(frames: int, size: int, share: float) -> None:
    overlap = int(share * size)
    plan = [window.frames for window in Windows(size, overlap, end="last").over(frames)]
    assert sorted({frame for window in plan for frame in window}) == list(range(frames))
    assert all(len(window) == min(size, frames) and window == tuple(range(window[0], window[-1] + 1)) for window in plan)
    assert all(len(set(left) & set(right)) >= overlap for left, right in zip(plan, plan[1:], strict=False))


def test_windows_that_share_everything() -> None:
    with pytest.raises(InputError, match="cannot share 8"):
        Windows(8, 8, end="last")


@pytest.mark.parametrize("betas", ["linear", "scaled_linear"])
@pytest.mark.parametrize("terminal", [True, False])
def test_other_noise_has_the_levels_of_diffusers(betas: str, terminal: bool) -> None:
    noise = NoiseSchedule(beta_schedule=betas, rescale_betas_zero_snr=terminal)
    torch.testing.assert_close(alphas(noise), make_scheduler(noise).alphas_cumprod.double(), atol=2e-6, rtol=0)


def test_steps_by_name() -> None:
    noise = NoiseSchedule()
    assert isinstance(make_steps(noise, "Published", 20), DDIM) and len(make_steps(noise, "DDIM", 20).timesteps) == 20
    for odd, words in ((NoiseSchedule(prediction_type="epsilon"), "v_prediction"), (NoiseSchedule(beta_schedule="sigmoid"), "sigmoid")):
        with pytest.raises(InputError, match=words):
            make_steps(odd)
