"""Training UniAnimate, and its preview models.

The training code was not published. From the sampling code, in which a loss was left behind, and from what its authors say: one stage in
which the whole network learns, clips alone, velocity without weights, noise at the end of which nothing of a clip is left, offset noise,
and conditions that are left out (training/conditions.py). What is chosen or only remembered stands in the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from animato.core.errors import InputError
from animato.data.sample import Sample
from animato.encoders.codec import FrameCodec
from animato.models.condition import UnifiedCondition
from animato.models.copy_head import Copied
from animato.models.unified import Given
from animato.pose.styles.uni_animate import STYLE
from animato.sampling.ddim import alphas, make_steps
from animato.sampling.schedule import NoiseSchedule
from animato.training.batch import HINTS, Batch, Encoders, drawn
from animato.training.chance import draw_late, even_time, noise_of
from animato.training.check import Requirements, checked
from animato.training.conditions import Kept, condition, keep
from animato.training.copying import CleanStep, FetchStep
from animato.training.lacking import check_there
from animato.training.loss import levels, min_snr_weight, velocity_loss
from animato.training.networks import make_encoders
from animato.training.objective import BegunClean, Fetch, SubsetVelocity
from animato.training.recipe import Data, Recipe
from animato.training.step import Denoising, Step
from animato.training.trainee import LOOK_STEPS, Trainee, Use, make_source
from animato.training.uni_animate_networks import KINDS, UniNetworks, uni_networks

NEEDS = Requirements(
    "uni-animate",
    objectives=(SubsetVelocity, BegunClean, Fetch),
    copy_head="limbs",
    networks=tuple(KINDS),
    reads=("start", "copy_start", "dropout", "unet", "temporal", "copy_head", "vae", "clip"),
    lengths=True,
)


def trainee(recipe: Recipe) -> Trainee:
    """What the loop drives. Raises InputError for a recipe that cannot be trained, MissingModelError."""
    recipe = checked(recipe, NEEDS)
    check_lengths(recipe)
    check_there(recipe, NEEDS)
    networks = uni_networks(recipe.networks, recipe.run.seed)
    if recipe.run.checkpointing:
        networks.unet.enable_gradient_checkpointing()
    vae, clip = make_encoders(recipe.networks)
    halvings = max(2, FrameCodec(vae).stride.bit_length() - 1)  # its stems halve twice
    encoders = Encoders(vae, clip, halvings, HINTS[recipe.networks.copy_head], partial(drawn, STYLE), "bilinear")
    over = partial(uni_step, recipe=recipe)
    return Trainee(recipe, NEEDS, networks, over, encoders, make_source(recipe.data), of_one_length(recipe.data))


def uni_step(networks: UniNetworks, recipe: Recipe) -> Step:
    """The step of the recipe's objective."""
    match recipe.objective:
        case SubsetVelocity():
            return SubsetStep(networks, recipe.objective, recipe.noise)
        case BegunClean():
            return BegunCleanStep(networks, recipe.objective, recipe.noise)
        case Fetch():
            return FetchStep(networks, recipe.objective)
    raise AssertionError("the recipe is checked before")


class SubsetDraw(NamedTuple):
    """The chance in a step: one row for every sample."""

    t: Tensor  # B
    noise: Tensor  # B F C h w
    kept: Kept


def draw_subsets(objective: SubsetVelocity, latents: Tensor, generators: Sequence[torch.Generator]) -> SubsetDraw:  # B F C h w
    """Times, all as likely, noise and the conditions.

    The offset of the noise is drawn for every channel of every frame, as published, where Animate Anyone draws it once for a clip.
    """
    noise = [
        noise_of(row, generator, objective.noise_offset, objective.same_noise, offsets=len(row))
        for row, generator in zip(latents, generators, strict=True)
    ]
    t = [even_time(generator) for generator in generators]
    return SubsetDraw(torch.stack(t), torch.stack(noise), keep(objective, generators))


class SubsetStep(Denoising):
    """Velocity, by subsets of the conditions."""

    objective: SubsetVelocity

    def alphas_of(self, noise: NoiseSchedule) -> Tensor:  # 1000
        """By the published formula, in double precision before the end."""
        return alphas(noise).float()

    def forward(self, batch: Batch, draw: SubsetDraw) -> dict[str, Tensor]:
        """|v - prediction|^2, the mean of all values."""
        x, v = noised(batch.latents, draw.noise, *levels(self.alphas_cumprod, draw.t))
        prediction = self.networks.unet(x, draw.t, self.condition(batch, draw.kept))
        return {"loss": velocity_loss(prediction, v, min_snr_weight(self.alphas_cumprod, draw.t, self.objective.snr_gamma))}

    def condition(self, batch: Batch, kept: Kept) -> UnifiedCondition:
        """The first frame that a clip is to begin with is its own."""
        given = Given(batch.token, batch.reference, batch.given_skeleton, batch.skeletons, batch.first_frame)
        return condition(self.networks.unet, given, kept, self.networks.prompt.tokens)

    def chance(self, latents: Tensor, generators: Sequence[torch.Generator]) -> SubsetDraw:  # B F C h w
        return draw_subsets(self.objective, latents, generators)

    def generate(self, batch: Batch, generator: torch.Generator) -> Tensor:  # B F C h w
        """By the reference, without a first frame, which would give the answer away."""
        steps = make_steps(self.noise, steps=LOOK_STEPS)
        yes = torch.ones(len(batch.latents), dtype=torch.bool, device=batch.latents.device)
        known = self.condition(batch, Kept(yes, yes, ~yes, yes))
        x = torch.randn(batch.latents.shape, generator=generator).to(batch.latents.device)
        for t in steps.timesteps:
            x = steps.step(self.networks.unet(x, t, known), t, x).prev_sample
        return x


def noised(latents: Tensor, noise: Tensor, a: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:  # B F C h w
    """Noisy latents, and their velocity."""
    return a * latents + s * noise, a * noise - s * latents


class BegunDraw(NamedTuple):
    """The chance in a step: one row for every sample."""

    t: Tensor  # B
    noise: Tensor  # B F C h w
    first: Tensor  # B 1 1 1 1: 1 where the first frame is given, else 0


class BegunCleanStep(CleanStep):
    """Over a copy head, of clips with or without a first frame."""

    objective: BegunClean

    def predict(self, x: Tensor, batch: Batch, draw: BegunDraw, copied: Copied) -> Tensor:  # B F C h w
        """What the copy head learned of the reference comes to the channels beside the noise."""
        net = self.networks.unet
        size = (x.shape[-2], x.shape[-1])
        stems = net.encode(Given(batch.token, batch.reference, batch.given_skeleton, batch.skeletons), self.networks.prompt.tokens, size)
        known = net.condition(stems, range(x.shape[1]))
        first = net.first_frame.together(net.first_frame.each(batch.first_frame, size))
        known = replace(known, channels=known.channels + draw.first * first + copied.features)
        return net(x, draw.t, known)

    def chance(self, latents: Tensor, generators: Sequence[torch.Generator]) -> BegunDraw:  # B F C h w
        t, noise, _ = draw_late(self.objective, latents, generators)
        given = [float(torch.rand((), generator=generator) >= self.objective.drop_first) for generator in generators]
        return BegunDraw(t, noise, torch.tensor(given).view(-1, 1, 1, 1, 1))

    def from_noise(self, t: Tensor, noise: Tensor) -> BegunDraw:  # B, B F C h w
        """Without a first frame."""
        return BegunDraw(t, noise, torch.zeros(len(t), 1, 1, 1, 1, device=t.device))


def of_one_length(data: Data) -> Callable[[np.random.Generator], Use]:
    """Clips of several lengths: the first sample's generator decides how long all of the batch are."""

    def use(rng: np.random.Generator) -> Use:
        frames = int(rng.choice(data.lengths or [data.frames]))
        return partial(Sample.begun, frames=frames)

    return use


def check_lengths(recipe: Recipe) -> None:
    """Raises InputError for lengths that samples do not have."""
    lengths, frames = recipe.data.lengths, recipe.data.frames
    if lengths and recipe.networks.copy_head:
        raise InputError("A copy head does not learn from clips of several lengths: leave data.lengths empty.")
    if lengths and not 1 <= min(lengths) <= max(lengths) <= frames:
        raise InputError(f"data.lengths {lengths} must be from 1 to data.frames, which is {frames}: they are the first frames of a sample.")
