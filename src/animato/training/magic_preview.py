"""What one step of training MagicAnimate's preview model asks: x0 over what its copy head chose, from networks of which none is trained."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from animato.models.copy_head import Copied, clean
from animato.training.animate_anyone import LAST_TIME, Draw
from animato.training.batch import Batch
from animato.training.copying import error_over_copy, exactly, fetching_error
from animato.training.loss import levels
from animato.training.magic_animate import MagicAnimateStep, MagicTrained
from animato.training.stage import Recipe


class MagicPreviewStep(MagicAnimateStep):
    """Networks and objective as one module whose output is the loss."""

    def __init__(self, networks: MagicTrained, recipe: Recipe) -> None:
        super().__init__(networks, recipe)
        self.objective = recipe.objective

    def forward(self, batch: Batch, draw: Draw) -> dict[str, Tensor]:
        """`loss`, and what is worth watching beside it."""
        copied = self.copied(batch)
        if self.objective.kind == "fetch":
            return fetching_error(self.objective, batch, copied)
        return error_over_copy(self.objective, batch, copied, self.made(batch, draw, copied))

    def copied(self, batch: Batch) -> Copied:
        assert self.networks.copy_head is not None, "the recipe is checked for a copy head before training begins"
        return exactly(self.networks.copy_head, batch)

    def made(self, batch: Batch, draw: Draw, copied: Copied) -> Tensor:  # B F C h w
        """x0 of the noisy frames."""
        a, s = levels(self.alphas_cumprod, draw.t)
        x = a * batch.latents + s * draw.noise
        condition = replace(self.condition(batch, x, draw.t), conv_in=copied.features)
        return clean(self.networks.denoising_unet(x, draw.t, condition), x, copied.base, a, s)

    def generate(self, batch: Batch, noise: Tensor) -> Tensor:  # B F C h w
        """Frames from noise in one step; of a copy head that learns alone what it chose."""
        copied = self.copied(batch)
        if self.objective.kind == "fetch":
            return copied.base
        return self.made(batch, Draw(torch.full((len(noise),), LAST_TIME), noise, False), copied)
