"""What one step of training Animate Anyone asks of its networks, and of a preview model with a copy head.

Published bugs that are not repeated: noise is that of sampling, not forced to scaled-linear betas (8); the token
without a reference is the zero of sampling, and CLIP sees the whole picture as in sampling (9); nothing is patched, so that looking at
samples does not change the training (10); banks are values, which cannot pile up or grow stale (11); width and height have names (15);
there is one Pose Guider, whose channels the recipe tells (16).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from animato.models.condition import UNetCondition
from animato.models.copy_head import Copied, clean, velocity
from animato.training.batch import Batch
from animato.training.copying import error_over_copy, exactly, fetching_error
from animato.training.loss import alphas, levels, min_snr_weight, offset_noise, velocity_loss
from animato.training.networks import Trained
from animato.training.stage import Objective, Recipe

REFERENCE_TIME = 0
LAST_TIME = 999
EVERY_TIME = ("velocity", "epsilon")  # objectives whose times are drawn evenly, and that may lose the reference


class Draw(NamedTuple):
    """The chance in a step: one row for every sample."""

    t: Tensor  # B
    noise: Tensor  # B F C h w
    dropped: bool  # without reference and token, the whole batch


class AnimateAnyoneStep(nn.Module):
    """Networks and objective as one module whose output is the loss, which is what Accelerate wraps."""

    alphas_cumprod: Tensor

    def __init__(self, networks: Trained, recipe: Recipe) -> None:
        super().__init__()
        self.networks, self.objective = networks, recipe.objective
        self.register_buffer("alphas_cumprod", alphas(recipe.noise), persistent=False)

    def forward(self, batch: Batch, draw: Draw) -> dict[str, Tensor]:
        """`loss`, and what is worth watching beside it."""
        if self.objective.kind == "fetch":
            return fetching_error(self.objective, batch, self._copied(batch))
        a, s = levels(self.alphas_cumprod, draw.t)
        x = a * batch.latents + s * draw.noise
        condition, copied = self.condition(batch, draw.dropped)
        output = self.networks.denoising_unet(x, draw.t, condition)
        if self.objective.kind == "velocity":
            weight = min_snr_weight(self.alphas_cumprod, draw.t, self.objective.snr_gamma)
            return {"loss": velocity_loss(output, velocity(batch.latents, x, a, s), weight)}
        assert copied is not None, "the recipe is checked for a copy head before training begins"
        return error_over_copy(self.objective, batch, copied, clean(output, x, copied.base, a, s))

    def condition(self, batch: Batch, dropped: bool = False) -> tuple[UNetCondition, Copied | None]:
        """What the denoiser is told. Dropped: the null of guidance, which knows the skeletons alone."""
        net = self.networks
        pose = net.pose_guider(batch.skeletons)
        if dropped:
            return UNetCondition(net.denoising_unet.project_context(torch.zeros_like(batch.token)), conv_in=pose), None
        features = net.reference_unet.reference(batch.reference, REFERENCE_TIME, net.reference_unet.project_context(batch.token))
        context = net.denoising_unet.project_context(batch.token)
        bank = net.denoising_unet.project_bank(features)
        if net.copy_head is None:
            return UNetCondition(context, bank, pose), None
        copied = self._copied(batch)
        return UNetCondition(context, bank, pose + copied.features), copied

    def _copied(self, batch: Batch) -> Copied:
        assert self.networks.copy_head is not None, "the recipe is checked for a copy head before training begins"
        return exactly(self.networks.copy_head, batch)


def chance(objective: Objective, latents: Tensor, generators: list[torch.Generator]) -> Draw:  # B F C h w
    """Times and noise of every sample from its own generator. The first sample's decides whether all lose reference and token."""
    rows = [_row(objective, row, generator) for row, generator in zip(latents, generators, strict=True)]
    dropped = objective.kind in EVERY_TIME and float(torch.rand((), generator=generators[0])) < objective.drop
    return Draw(torch.stack([t for t, _ in rows]), torch.stack([noise for _, noise in rows]), dropped)


def _row(objective: Objective, latents: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:  # F C h w
    noise = noise_of(latents, generator, objective)
    if objective.kind in EVERY_TIME:
        t = torch.randint(0, LAST_TIME + 1, (), generator=generator)
    else:
        pure, u = torch.rand(2, generator=generator)
        t = torch.tensor(LAST_TIME) if pure < objective.pure else (u.sqrt() * (LAST_TIME + 1)).long().clamp_max(LAST_TIME)
    return t, noise


def noise_of(latents: Tensor, generator: torch.Generator, objective: Objective, offsets: int = 1) -> Tensor:  # F C h w
    """Noise of the latents' shape with an offset for every channel: one for the clip, or as many as frames, one for each."""
    frames, channels, height, width = latents.shape
    noise = torch.randn((1 if objective.same_noise else frames, channels, height, width), generator=generator).expand(latents.shape)
    return offset_noise(noise, torch.randn((offsets, channels, 1, 1), generator=generator), objective.noise_offset)
