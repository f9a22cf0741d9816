"""What is left to chance in a step: times and noise, of every sample from its own generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from animato.training.loss import offset_noise
from animato.training.objective import BegunClean, Clean, Epsilon, Velocity

LAST_TIME = 999
Generators = Sequence[torch.Generator]


class Draw(NamedTuple):
    """The chance in a step: one row for every sample."""

    t: Tensor  # B
    noise: Tensor  # B F C h w
    dropped: bool = False  # without reference and token, the whole batch


def noise_of(latents: Tensor, generator: torch.Generator, offset: float, same: bool, offsets: int = 1) -> Tensor:  # F C h w
    """Noise of the latents' shape with an offset for every channel: one for the clip, or as many as frames, one for each.

    same: all frames have the same noise.
    """
    frames, channels, height, width = latents.shape
    noise = torch.randn((1 if same else frames, channels, height, width), generator=generator).expand(latents.shape)
    return offset_noise(noise, torch.randn((offsets, channels, 1, 1), generator=generator), offset)


def even_time(generator: torch.Generator) -> Tensor:
    """Any time, all as likely."""
    return torch.randint(0, LAST_TIME + 1, (), generator=generator)


def late_time(pure: float, generator: torch.Generator) -> Tensor:
    """The last time for a share of samples, which are nothing but noise, and 1000 sqrt(u) for the others."""
    chance, u = torch.rand(2, generator=generator)
    return torch.tensor(LAST_TIME) if chance < pure else (u.sqrt() * (LAST_TIME + 1)).long().clamp_max(LAST_TIME)


def draw_evenly(objective: Velocity | Epsilon, latents: Tensor, generators: Generators) -> Draw:  # B F C h w
    """Times, all as likely, and noise. The first sample's generator decides whether all lose reference and token."""
    t, noise = _rows(objective, latents, generators, even_time)
    return Draw(t, noise, float(torch.rand((), generator=generators[0])) < objective.drop)


def draw_late(objective: Clean | BegunClean, latents: Tensor, generators: Generators) -> Draw:  # B F C h w
    """Times, many of them of pure noise, and noise. Nothing is dropped: the network works over a copy of the reference."""
    return Draw(*_rows(objective, latents, generators, lambda generator: late_time(objective.pure, generator)))


def _rows(
    objective: Velocity | Epsilon | Clean | BegunClean, latents: Tensor, generators: Generators, time: Callable[[torch.Generator], Tensor]
) -> tuple[Tensor, Tensor]:  # B F C h w -> B, B F C h w
    noise, t = [], []
    for row, generator in zip(latents, generators, strict=True):
        noise.append(noise_of(row, generator, objective.noise_offset, objective.same_noise))
        t.append(time(generator))
    return torch.stack(t), torch.stack(noise)
