"""What one step of training UniAnimate asks of its network.

The training code was not published. From the sampling code, in which a loss was left behind, and from what its authors say: one stage in
which the whole network learns, clips alone, velocity without weights, noise at the end of which nothing of a clip is left, offset noise,
and conditions that are left out (training/conditions.py). What is chosen or only remembered stands in the recipe.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from animato.models.condition import UnifiedCondition
from animato.models.unified import Given
from animato.sampling.ddim import alphas
from animato.training.animate_anyone import LAST_TIME, noise_of
from animato.training.batch import Batch
from animato.training.conditions import Told, condition, told
from animato.training.loss import levels, min_snr_weight, velocity_loss
from animato.training.stage import Objective, Recipe
from animato.training.uni_networks import UniTrained


class UniDraw(NamedTuple):
    """The chance in a step: one row for every sample."""

    t: Tensor  # B
    noise: Tensor  # B F C h w
    told: Told


class UniAnimateStep(nn.Module):
    """Network and objective as one module whose output is the loss, which is what Accelerate wraps."""

    alphas_cumprod: Tensor

    def __init__(self, networks: UniTrained, recipe: Recipe) -> None:
        super().__init__()
        self.networks, self.objective = networks, recipe.objective
        self.register_buffer("alphas_cumprod", alphas(recipe.noise).float(), persistent=False)

    def forward(self, batch: Batch, draw: UniDraw) -> dict[str, Tensor]:
        """|v - prediction|^2, the mean of all values."""
        x, v = noised(batch.latents, draw.noise, *levels(self.alphas_cumprod, draw.t))
        prediction = self.networks.unet(x, draw.t, self.condition(batch, draw.told))
        return {"loss": velocity_loss(prediction, v, min_snr_weight(self.alphas_cumprod, draw.t, self.objective.snr_gamma))}

    def condition(self, batch: Batch, told: Told) -> UnifiedCondition:
        """What the network is told. The first frame that a clip is to begin with is its own."""
        given = Given(batch.token, batch.reference, batch.given_skeleton, batch.skeletons, batch.first_frame)
        return condition(self.networks.unet, given, told, self.networks.prompt.tokens)


def noised(latents: Tensor, noise: Tensor, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:  # B F C h w
    """Noisy latents, and the velocity that the network is to tell of them."""
    return a * latents + s * noise, a * noise - s * latents


def uni_chance(objective: Objective, latents: Tensor, generators: list[torch.Generator]) -> UniDraw:  # B F C h w
    """Times, all as likely, noise and what is told, of every sample from its own generator.

    The offset of the noise is drawn for every channel of every frame, as published, where Animate Anyone draws it once for a clip.
    """
    noise = [noise_of(row, generator, objective, offsets=len(row)) for row, generator in zip(latents, generators, strict=True)]
    t = [torch.randint(0, LAST_TIME + 1, (), generator=generator) for generator in generators]
    return UniDraw(torch.stack(t), torch.stack(noise), told(objective, generators))
