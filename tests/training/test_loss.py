"""The formulas of training against plain arithmetic, and against diffusers' scheduler."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from animato.models.copy_head import GAIN, SPREAD, clean, velocity
from animato.sampling.schedule import NoiseSchedule
from animato.training.chance import draw_evenly, draw_late
from animato.training.ema import EMA
from animato.training.loop import rate
from animato.training.loss import alphas, levels, min_snr_weight, offset_noise, velocity_loss
from animato.training.objective import Clean, Velocity
from animato.training.recipe import Optimizer, Recipe, Run
from tiny import normal

TIMES = torch.tensor([0, 500, 999])


def test_noisy_frames_and_velocity_are_diffusers() -> None:
    scheduler = DDIMScheduler(**asdict(NoiseSchedule()))
    x0, noise = normal(3, 2, 4, 3, 5), normal(3, 2, 4, 3, 5, seed=2)
    a, s = levels(alphas(NoiseSchedule()), TIMES)
    torch.testing.assert_close(a * x0 + s * noise, scheduler.add_noise(x0, noise, TIMES))
    torch.testing.assert_close(a * noise - s * x0, scheduler.get_velocity(x0, noise, TIMES))


def test_velocity_of_x0_is_the_target() -> None:
    """What the loss compares with is a noise - s x0 at every time, pure noise included."""
    x0, noise = normal(3, 1, 4, 3, 5), normal(3, 1, 4, 3, 5, seed=2)
    a, s = levels(alphas(NoiseSchedule()), TIMES)
    torch.testing.assert_close(velocity(x0, a * x0 + s * noise, a, s), a * noise - s * x0, atol=1e-4, rtol=1e-4)


def test_weight_of_noise_levels() -> None:
    squared = torch.tensor([0.9, 0.5, 0.0])
    weight = min_snr_weight(squared, torch.arange(3), 5.0)
    assert weight.tolist() == pytest.approx([5 / 10, 1.0, 1.0])  # SNR 9, 1, 0
    assert min_snr_weight(squared, torch.arange(3), 0.0).tolist() == [1, 1, 1]


def test_loss_weighs_rows() -> None:
    prediction, target = torch.zeros(2, 1, 1, 1, 2), torch.tensor([[1.0, 3.0], [2.0, 2.0]]).view(2, 1, 1, 1, 2)
    assert float(velocity_loss(prediction, target, torch.tensor([1.0, 0.5]))) == pytest.approx((5 + 0.5 * 4) / 2)


def test_offset_is_one_draw_a_channel() -> None:
    draw = normal(2, 1, 3, 1, 1)
    moved = offset_noise(torch.zeros(2, 4, 3, 5, 5), draw, 0.05)
    assert torch.equal(moved, (0.05 * draw).expand_as(moved))


def test_x0_over_fetched_patches() -> None:
    """Pure noise: the patches and the residual; without noise: the frames themselves; between: the best estimate if the residual is 0."""
    x, base, residual = normal(1, 1, 2, 3, 3), normal(1, 1, 2, 3, 3, seed=2), normal(1, 1, 2, 3, 3, seed=3)
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    torch.testing.assert_close(clean(residual, x, base, zero, one), base + GAIN * residual)
    torch.testing.assert_close(clean(residual, x, base, one, zero), x)
    a, s = torch.tensor(0.6), torch.tensor(0.8)
    kalman = base + a * SPREAD**2 / (a**2 * SPREAD**2 + s**2) * (x - a * base)
    torch.testing.assert_close(clean(torch.zeros_like(x), x, base, a, s), kalman)


def test_chance_belongs_to_the_sample() -> None:
    """A sample's time and noise are the same beside any other samples."""
    objective, latents = Velocity(), normal(2, 3, 4, 2, 2)

    def draw(rows: slice):
        return draw_evenly(objective, latents[rows], [torch.Generator().manual_seed(seed) for seed in (5, 6)][rows])

    both, second = draw(slice(0, 2)), draw(slice(1, 2))
    assert torch.equal(both.noise[1:], second.noise) and torch.equal(both.t[1:], second.t)
    assert not torch.equal(both.noise[0], both.noise[1])


def test_same_noise_for_all_frames() -> None:
    draw = draw_evenly(Velocity(same_noise=True), torch.zeros(1, 3, 4, 2, 2), [torch.Generator().manual_seed(1)])
    assert torch.equal(draw.noise[:, 0], draw.noise[:, 2])


def test_how_often_the_reference_is_dropped() -> None:
    drops = [draw_evenly(Velocity(drop=0.25), torch.zeros(1, 1, 1, 1, 1), [torch.Generator().manual_seed(i)]).dropped for i in range(400)]
    assert 0.17 < sum(drops) / 400 < 0.33
    assert not draw_late(Clean(), torch.zeros(1, 1, 1, 1, 1), [torch.Generator()]).dropped


def test_how_often_there_is_nothing_but_noise() -> None:
    times = [int(draw_late(Clean(), torch.zeros(1, 1, 1, 1, 1), [torch.Generator().manual_seed(i)]).t) for i in range(400)]
    assert 0.32 < sum(t == 999 for t in times) / 400 < 0.48
    assert min(times) >= 0


def test_rate() -> None:
    recipe = Recipe(optimizer=Optimizer(warmup=4, decay=0.5), run=Run(steps=20))
    assert [rate(recipe, step) for step in (0, 3, 10, 15, 19, 20)] == pytest.approx([0.25, 1, 1, 0.5, 0.1, 0])
    assert rate(Recipe(run=Run(steps=20)), 19) == 1


def test_average_of_weights() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(0.0)
    average = EMA(module, 0.5)
    module.weight.data.fill_(1.0)
    average.update(module)  # early steps count more: d = 1 / 10
    assert float(average.module.weight) == pytest.approx(0.9)
    for _ in range(30):
        average.update(module)
    assert float(average.module.weight) == pytest.approx(1.0, abs=1e-6)
    follower = EMA(module, 0.0)
    module.weight.data.fill_(3.0)
    follower.update(module)
    assert float(follower.module.weight) == 3.0
