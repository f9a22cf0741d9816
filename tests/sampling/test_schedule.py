"""Schedulers by name, configured as the weights were trained."""

import inspect

import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from animato.core.errors import InputError
from animato.sampling.noise import draw, frame_generators
from animato.sampling.run import sample
from animato.sampling.schedule import UNFIT, NoiseSchedule, make_scheduler, short

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers has numpy work on torch tensors

NAMES = sorted(set(map(short, DDIMScheduler().compatibles)) - set(UNFIT))
ZERO_SNR = ("DDIM", "DDPM", "DPMSolverMultistep", "EulerAncestralDiscrete", "EulerDiscrete", "UniPCMultistep")


def test_published_table():
    """float64 from the formula: no picture is left at the end, and the first level is kept."""
    scheduler = make_scheduler(NoiseSchedule(), steps=30)
    root = torch.cumprod(1 - torch.linspace(0.00085, 0.012, 1000, dtype=torch.float64), 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    torch.testing.assert_close(scheduler.alphas_cumprod, (root**2).float(), atol=1e-6, rtol=0)
    assert scheduler.alphas_cumprod[-1] == 0 and scheduler.final_alpha_cumprod == 1
    assert scheduler.timesteps[:3].tolist() == [999, 966, 932] and scheduler.timesteps[-1] == 32


@pytest.mark.parametrize("name", NAMES)
def test_every_scheduler_finds_the_picture_that_a_perfect_network_knows(name):
    """The network tells the velocity towards one known picture, read from the table at the (rounded) time it is asked for."""
    level = make_scheduler(NoiseSchedule()).alphas_cumprod
    picture = 0.7 * draw(frame_generators(9, 3), (4, 4, 4))

    def network(x, t):
        a = level[int(t)].sqrt()
        s = (1 - a**2).sqrt()
        return a * (x - a * picture) / s - s * picture

    generators = frame_generators(1, 3)
    found = sample(draw(generators, (4, 4, 4)), network, make_scheduler(NoiseSchedule(), name, 20), generators)
    torch.testing.assert_close(found, picture, atol=1e-5 if name in ZERO_SNR else 0.15, rtol=0)


@pytest.mark.parametrize("name", ["DDIM", "EulerDiscrete", "LMSDiscrete"])
def test_the_network_sees_noise_of_one_size_whatever_the_scheduler_counts_in(name):
    seen, generators = [], frame_generators(2, 8)
    sample(draw(generators, (4, 8, 8)), lambda x, t: seen.append(x.std()) or x, make_scheduler(NoiseSchedule(), name, 1), generators)
    assert abs(seen[0] - 1) < 0.05


def test_which_schedulers_begin_with_pure_noise():
    kinds = {short(kind): kind for kind in DDIMScheduler().compatibles}
    assert {name for name in NAMES if "rescale_betas_zero_snr" in inspect.signature(kinds[name]).parameters} == set(ZERO_SNR)


def test_names_are_taken_with_and_without_their_ending():
    assert type(make_scheduler(NoiseSchedule(), "eulerdiscretescheduler")) is type(make_scheduler(NoiseSchedule(), "EulerDiscrete"))


@pytest.mark.parametrize(
    ("name", "steps", "words"), [("Eular", 5, "EulerDiscrete"), ("EDMEuler", 5, "no scheduler"), ("PNDM", 2, "2 steps")]
)
def test_what_cannot_be_done_is_named(name, steps, words):
    with pytest.raises(InputError, match=words):
        make_scheduler(NoiseSchedule(), name, steps)


def test_schedules_of_other_systems():
    scheduler = make_scheduler(
        NoiseSchedule(beta_schedule="scaled_linear", prediction_type="epsilon", timestep_spacing="leading"), "DDIM", 10
    )
    assert scheduler.timesteps.tolist() == [1 + 100 * i for i in reversed(range(10))]
    assert scheduler.config.prediction_type == "epsilon"
