"""UniAnimate's sampler: DDIM with timesteps of its own, and noise that is drawn towards the reference before the first step.

The published code divides by sqrt(alpha_bar), which is 0 at the last timestep, so that numbers of steps that visit it (27, 36, 37 ...) give
nothing but NaN. Here the noise follows from the prediction without a division, which is the same algebra and works at every timestep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from animato.core.errors import InputError
from animato.sampling.schedule import NoiseSchedule, make_scheduler

TIMES = 1000
PUBLISHED = "published"  # the name of these steps among those of diffusers' schedulers
NOISE = NoiseSchedule(beta_schedule="scaled_linear", timestep_spacing="leading", set_alpha_to_one=False)
ROOTS = {"linear": 1, "scaled_linear": 2}  # beta schedules: which power of evenly spaced numbers the betas are


class Step(NamedTuple):
    """One step's result, named as in diffusers."""

    prev_sample: Tensor
    pred_original_sample: Tensor


@dataclass(frozen=True)
class Prior:
    """How noise becomes what sampling begins with. The defaults are those of the published script for short clips.

    level         how noisy the reference is, as a timestep; lower: more of it shows through
    offset        how strong the noise is that is the same all over a channel of a frame
    offset_first  whether that is added to the noise before the reference is, or to both afterwards
    """

    level: int = 949
    offset: float = 0.1
    offset_first: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.level < TIMES:
            raise InputError(f"A prior at level {self.level} is out of range: choose a timestep from 0 to {TIMES - 1}.")

    def begin(
        self, reference: Tensor, noise: Tensor, shift: Tensor, schedule: NoiseSchedule = NOISE
    ) -> Tensor:  # 1 C H W, F C H W, F C 1 1 -> F C H W
        """The reference's latents in noise. Both noises are standard normal."""
        level = float(alphas(schedule)[self.level])
        if self.offset_first:
            return mixed(reference, noise + self.offset * shift, level)
        return mixed(reference, noise, level) + self.offset * shift


SHORT, LONG = Prior(), Prior(level=939, offset_first=False)


class DDIM:
    """The published steps, by the interface of diffusers' schedulers that `sample` uses. v-prediction, eta 0.

    timesteps  1 + k (1000 // steps), which for many numbers of steps are more than `steps`: 31 for 30, from 991 down to 1
    The last step ends at alpha_bar[0] = 0.99915, so a trace of noise stays. Raises InputError for steps out of 1 to 1000, and for noise
    that these steps were not made for.
    """

    init_noise_sigma = 1.0

    def __init__(self, steps: int = 30, schedule: NoiseSchedule = NOISE) -> None:
        if not 1 <= steps <= TIMES:
            raise InputError(f"steps {steps} is out of range: choose a whole number from 1 to {TIMES}.")
        self.stride = TIMES // steps
        self.timesteps = (1 + torch.arange(0, TIMES, self.stride)).clamp(max=TIMES - 1).unique().flip(0)
        if schedule.prediction_type != "v_prediction":
            raise InputError(f"The published steps are for v_prediction, not {schedule.prediction_type}: choose scheduler DDIM.")
        self.alphas = alphas(schedule)

    def scale_model_input(self, x: Tensor, t: Tensor | int) -> Tensor:
        return x

    def step(self, output: Tensor, t: Tensor | int, x: Tensor) -> Step:
        now, then = (float(self.alphas[index]) for index in (int(t), self.before(int(t))))
        clean = now**0.5 * x - (1 - now) ** 0.5 * output
        noise = now**0.5 * output + (1 - now) ** 0.5 * x
        return Step(mixed(clean, noise, then), clean)

    def before(self, t: int) -> int:
        """The timestep at whose noise level a step from t ends."""
        return max(t - self.stride, 0)


def make_steps(schedule: NoiseSchedule, name: str = PUBLISHED, steps: int = 30) -> Any:
    """The published steps, or one of diffusers' schedulers by its name. Raises InputError as they do."""
    return DDIM(steps, schedule) if name.lower() == PUBLISHED else make_scheduler(schedule, name, steps)


def check_steps(schedule: NoiseSchedule, name: str, steps: int) -> None:
    """Raises InputError as `make_steps`."""
    make_steps(schedule, name, steps)


def alphas(schedule: NoiseSchedule = NOISE) -> Tensor:  # 1000
    """alpha_bar in float64: by default Stable Diffusion's betas, shifted and scaled so that at the last timestep nothing is left.

    Zero terminal SNR as in "Common Diffusion Noise Schedules and Sample Steps are Flawed" (arXiv 2305.08891, algorithm 1).
    Raises InputError for a beta schedule that the published steps do not know.
    """
    if schedule.beta_schedule not in ROOTS:
        raise InputError(
            f"The published steps know betas that are {' or '.join(ROOTS)}, not {schedule.beta_schedule}: choose scheduler DDIM."
        )
    power = ROOTS[schedule.beta_schedule]
    first, last = (beta ** (1 / power) for beta in (schedule.beta_start, schedule.beta_end))
    roots = (1 - torch.linspace(first, last, TIMES, dtype=torch.float64) ** power).cumprod(0).sqrt()
    if schedule.rescale_betas_zero_snr:
        roots = (roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])
    return roots**2


def mixed(clean: Tensor, noise: Tensor, level: float) -> Tensor:
    """sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise."""
    return level**0.5 * clean + (1 - level) ** 0.5 * noise
