"""Noise schedules: diffusers' schedulers, configured as the weights were trained."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor

from animato.core.errors import InputError

UNFIT = ("EDMEuler", "DPMSolverSDE")  # the first has noise levels of its own, the second draws its noise where no seed of ours reaches


@dataclass(frozen=True)
class NoiseSchedule:
    """The noise that weights were trained on, in diffusers' terms. The defaults are Animate Anyone's."""

    beta_start: float = 0.00085
    beta_end: float = 0.012
    beta_schedule: str = "linear"
    prediction_type: str = "v_prediction"
    rescale_betas_zero_snr: bool = True
    timestep_spacing: str = "trailing"
    steps_offset: int = 1
    set_alpha_to_one: bool = True
    clip_sample: bool = False


Noise = NoiseSchedule
"""The noise of weights: a closed union. Flow matching joins it with a record of its own, which `make_scheduler` then tells apart."""


def make_scheduler(noise: Noise, name: str = "DDIM", steps: int = 30) -> Any:
    """A fresh diffusers scheduler with its timesteps set.

    `DDIM` is what the published systems sample with; its previous timestep is t - 1000 // steps, which for many numbers of steps is not
    the next entry of its list. Of the others those that know `rescale_betas_zero_snr` (DDPM, DPMSolverMultistep, Euler, EulerAncestral,
    UniPC) begin with pure noise as DDIM does, the rest with a trace of a picture in it.
    Raises InputError for a name that is no scheduler of this kind, or steps that it cannot make.
    """
    if not isinstance(noise, NoiseSchedule):
        raise TypeError(f"no scheduler is known for {type(noise).__name__}")
    kinds = {short(kind): kind for kind in DDIMScheduler().compatibles if short(kind) not in UNFIT}
    kind = next((kind for known, kind in kinds.items() if known.lower() == name.lower().removesuffix("scheduler")), None)
    if kind is None:
        raise InputError(f"There is no scheduler '{name}': choose {', '.join(sorted(kinds))}.")
    takes = inspect.signature(kind).parameters
    scheduler = kind(**{option: value for option, value in asdict(noise).items() if option in takes})
    try:
        scheduler.set_timesteps(steps)
    except ValueError as error:
        raise InputError(f"The scheduler {name} cannot do {steps} steps ({error}): choose another number of steps.") from error
    return scheduler


def check_scheduler(noise: Noise, name: str, steps: int) -> None:
    """Raises InputError as `make_scheduler`."""
    make_scheduler(noise, name, steps)


def short(kind: type) -> str:
    return kind.__name__.removesuffix("Scheduler")


def advance(scheduler: Any, output: Tensor, t: Tensor, x: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """One step from x (F C H W), frames as rows, so that a scheduler that adds noise draws it from every frame's own generator."""
    takes = inspect.signature(scheduler.step).parameters
    noise = {"generator": list(generators)} if "generator" in takes else {}
    return scheduler.step(output, t, x, **noise).prev_sample
