"""What one step of training UniAnimate's preview model asks: x0 over what its copy head chose, of clips with or without a first frame."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from animato.models.copy_head import Copied, clean
from animato.models.unified import Given
from animato.training.animate_anyone import LAST_TIME, chance
from animato.training.batch import Batch
from animato.training.copying import error_over_copy, exactly, fetching_error
from animato.training.loss import alphas, levels
from animato.training.stage import Objective, Recipe
from animato.training.uni_networks import UniTrained


class PreviewDraw(NamedTuple):
    """The chance in a step: one row for every sample."""

    t: Tensor  # B
    noise: Tensor  # B F C h w
    first: Tensor  # B 1 1 1 1: 1 where the first frame is told, else 0


class UniPreviewStep(nn.Module):
    """Networks and objective as one module whose output is the loss."""

    alphas_cumprod: Tensor

    def __init__(self, networks: UniTrained, recipe: Recipe) -> None:
        super().__init__()
        self.networks, self.objective = networks, recipe.objective
        self.register_buffer("alphas_cumprod", alphas(recipe.noise), persistent=False)

    def forward(self, batch: Batch, draw: PreviewDraw) -> dict[str, Tensor]:
        """`loss`, and what is worth watching beside it."""
        copied = self.copied(batch)
        if self.objective.kind == "fetch":
            return fetching_error(self.objective, batch, copied)
        return error_over_copy(self.objective, batch, copied, self.made(batch, draw, copied))

    def copied(self, batch: Batch) -> Copied:
        assert self.networks.copy_head is not None, "the recipe is checked for a copy head before training begins"
        return exactly(self.networks.copy_head, batch)

    def made(self, batch: Batch, draw: PreviewDraw, copied: Copied) -> Tensor:  # B F C h w
        """x0 of the noisy frames. What the copy head learned of the reference comes to the channels beside the noise."""
        net, (frames, _, height, width) = self.networks.unet, batch.latents.shape[1:]
        a, s = levels(self.alphas_cumprod, draw.t)
        x = a * batch.latents + s * draw.noise
        told = Given(batch.token, batch.reference, batch.given_skeleton, batch.skeletons)
        stems = net.encode(told, self.networks.prompt.tokens, (height, width))
        condition = net.condition(stems, range(frames))
        first = net.first_frame.together(net.first_frame.each(batch.first_frame, (height, width)))
        condition = replace(condition, channels=condition.channels + draw.first * first + copied.features)
        return clean(net(x, draw.t, condition), x, copied.base, a, s)

    def generate(self, batch: Batch, noise: Tensor) -> Tensor:  # B F C h w
        """Frames from noise in one step, without a first frame; of a copy head that learns alone what it chose."""
        copied = self.copied(batch)
        if self.objective.kind == "fetch":
            return copied.base
        draw = PreviewDraw(torch.full((len(noise),), LAST_TIME), noise, torch.zeros(len(noise), 1, 1, 1, 1))
        return self.made(batch, draw, copied)


def preview_chance(objective: Objective, latents: Tensor, generators: list[torch.Generator]) -> PreviewDraw:  # B F C h w
    """As `chance`, and whether the first frame is told."""
    draw = chance(objective, latents, generators)
    told = [float(torch.rand((), generator=generator) >= objective.drop_first) for generator in generators]
    return PreviewDraw(draw.t, draw.noise, torch.tensor(told).view(-1, 1, 1, 1, 1))
