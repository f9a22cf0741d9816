"""A step of training: networks and objective as one module whose output is the loss, which is what Accelerate wraps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from animato.sampling.schedule import NoiseSchedule
from animato.training.batch import Batch
from animato.training.chance import Draw
from animato.training.loss import alphas, levels
from animato.training.objective import Objective


class Step(nn.Module, ABC):
    """What every system's training has. The networks that learn are `networks`, whatever they are."""

    networks: Any

    def __init__(self, networks: nn.Module) -> None:
        super().__init__()
        self.networks = networks

    @abstractmethod
    def forward(self, batch: Batch, draw: Any) -> dict[str, Tensor]:
        """`loss`, and what is worth watching beside it, for what `chance` drew."""

    @abstractmethod
    def chance(self, latents: Tensor, generators: Sequence[torch.Generator]) -> Any:  # B F C h w
        """A tuple of what is left to chance, of every sample from its own generator."""

    @abstractmethod
    def generate(self, batch: Batch, generator: torch.Generator) -> Tensor:  # -> B F C h w
        """A batch's frames from noise, without guidance: a quick look, not the system's sampling."""


class Denoising(Step):
    """A step on noisy latents. alphas_cumprod: a^2 at every time."""

    alphas_cumprod: Tensor
    objective: Any  # the record that a system's step is for

    def __init__(self, networks: nn.Module, objective: Objective, noise: NoiseSchedule) -> None:
        super().__init__(networks)
        self.objective = objective
        self.noise = noise
        self.register_buffer("alphas_cumprod", self.alphas_of(noise), persistent=False)

    def alphas_of(self, noise: NoiseSchedule) -> Tensor:  # 1000
        """a^2 of a schedule, as the system's sampling has it."""
        return alphas(noise)

    def noisy(self, latents: Tensor, draw: Draw) -> tuple[Tensor, Tensor, Tensor]:  # B F C h w -> the same, B 1 1 1 1 twice
        """Noisy latents x = a x0 + s noise, with a and s."""
        a, s = levels(self.alphas_cumprod, draw.t)
        return a * latents + s * draw.noise, a, s


def one_noise(latents: Tensor, generator: torch.Generator) -> Tensor:  # B F C h w
    """Noise that all frames of a clip have in common, on the device of the latents."""
    noise: Tensor = torch.randn(latents[:, :1].shape, generator=generator)
    return noise.to(latents.device).expand(latents.shape)
