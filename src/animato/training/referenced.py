"""Training a denoiser that reads its reference from a ReferenceNet and its poses from a Pose Guider.

Published bugs that are not repeated: noise is that of sampling, not forced to scaled-linear betas (8); the token
without a reference is the zero of sampling, and CLIP sees the whole picture as in sampling (9); nothing is patched, so that looking at
samples does not change the training (10); banks are values, which cannot pile up or grow stale (11); width and height have names (15);
there is one Pose Guider, whose channels the recipe says (16).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from animato.models.condition import UNetCondition
from animato.models.copy_head import Copied, CopyHead, velocity
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.pose.draw import Style
from animato.sampling.schedule import make_scheduler
from animato.training.batch import HINTS, Batch, Encoders, drawn
from animato.training.chance import Draw, draw_evenly
from animato.training.check import Requirements, checked
from animato.training.copying import CleanStep, FetchStep
from animato.training.lacking import check_there
from animato.training.loss import min_snr_weight, velocity_loss
from animato.training.networks import (
    Trained,
    begin_at_zero,
    begin_motion_modules,
    check_unlearned,
    continued,
    copy_head_for,
    make_encoders,
)
from animato.training.objective import Clean, Fetch, Velocity
from animato.training.recipe import Networks, Recipe
from animato.training.step import Denoising, Step, one_noise
from animato.training.trainee import LOOK_STEPS, Trainee, make_source
from animato.weights.starts import begin_guider

REFERENCE_TIME = 0
KINDS = {"denoising_unet": UNet, "reference_unet": UNet, "pose_guider": PoseGuider}


def requirements(system: str) -> Requirements:
    """What training needs of a recipe, under the system's name."""
    return Requirements(
        system,
        objectives=(Velocity, Clean, Fetch),
        copy_head="limbs",
        networks=tuple(KINDS),
        reads=("start", "guider_start", "motion_start", "unet", "temporal", "guider", "copy_head", "vae", "clip"),
    )


def referenced_trainee(recipe: Recipe, needs: Requirements, style: Style) -> Trainee:
    """`style`: how skeletons are drawn. Raises InputError for a recipe that cannot be trained, MissingModelError."""
    recipe = checked(recipe, needs)
    check_there(recipe, needs)
    networks = referenced_networks(recipe.networks, recipe.run.seed)
    if recipe.run.checkpointing:
        networks.denoising_unet.enable_gradient_checkpointing()
    vae, clip = make_encoders(recipe.networks)
    halvings = len(networks.pose_guider.config.block_out_channels) - 1
    encoders = Encoders(vae, clip, halvings, HINTS[recipe.networks.copy_head], partial(drawn, style))
    return Trainee(recipe, needs, networks, partial(referenced_step, recipe=recipe), encoders, make_source(recipe.data))


def referenced_step(networks: ReferencedNetworks, recipe: Recipe) -> Step:
    """The step of the recipe's objective."""
    match recipe.objective:
        case Velocity():
            return VelocityStep(networks, recipe.objective, recipe.noise)
        case Clean():
            return ReferencedCleanStep(networks, recipe.objective, recipe.noise)
        case Fetch():
            return FetchStep(networks, recipe.objective)
    raise AssertionError("the recipe is checked before")


class ReferencedNetworks(Trained):
    """The networks that learn; a copy head where there is one."""

    def __init__(self, denoising_unet: UNet, reference_unet: UNet, pose_guider: PoseGuider, copy_head: CopyHead | None = None) -> None:
        super().__init__()
        self.denoising_unet = denoising_unet
        self.reference_unet = reference_unet
        self.pose_guider = pose_guider
        self.copy_head = copy_head


def referenced_networks(recipe: Networks, seed: int) -> ReferencedNetworks:
    """Raises InputError for a folder that lacks a network, MissingModelError for one that lacks a tensor or has another one."""
    torch.manual_seed(seed)
    kinds = KINDS | ({"copy_head": CopyHead} if recipe.copy_head else {})
    networks = ReferencedNetworks(**continued(recipe, kinds)) if recipe.start else _new(recipe)
    if recipe.guider_start:
        check_unlearned(networks.pose_guider, "networks.guider_start", "conv_out.")
        begin_guider(networks.pose_guider, Path(recipe.guider_start))
    if recipe.motion_start:
        begin_motion_modules(networks.denoising_unet, recipe)
    return networks


def _new(recipe: Networks) -> ReferencedNetworks:
    options: dict[str, Any] = dict(recipe.unet)
    denoiser = UNet(**options, temporal=recipe.temporal or None)
    reference = UNet(**(options | {"out_channels": None}))
    reference.load_state_dict({name: denoiser.state_dict()[name] for name in reference.state_dict()})
    begin_at_zero(denoiser)
    guider = PoseGuider(denoiser.config.block_out_channels[0], tuple(recipe.guider))
    return ReferencedNetworks(denoiser, reference, guider, copy_head_for(denoiser, recipe.copy_head) if recipe.copy_head else None)


def condition(networks: ReferencedNetworks, batch: Batch, dropped: bool = False) -> UNetCondition:
    """The denoiser's condition. Dropped: the null of guidance, which knows the skeletons alone."""
    denoiser, reference = networks.denoising_unet, networks.reference_unet
    pose = networks.pose_guider(batch.skeletons)
    if dropped:
        return UNetCondition(denoiser.project_context(torch.zeros_like(batch.token)), conv_in=pose)
    features = reference.reference(batch.reference, REFERENCE_TIME, reference.project_context(batch.token))
    context = denoiser.project_context(batch.token)
    return UNetCondition(context, denoiser.project_bank(features), pose)


class VelocityStep(Denoising):
    """As published: velocity by min-SNR weights."""

    objective: Velocity

    def forward(self, batch: Batch, draw: Draw) -> dict[str, Tensor]:
        x, a, s = self.noisy(batch.latents, draw)
        output = self.networks.denoising_unet(x, draw.t, condition(self.networks, batch, draw.dropped))
        weight = min_snr_weight(self.alphas_cumprod, draw.t, self.objective.snr_gamma)
        return {"loss": velocity_loss(output, velocity(batch.latents, x, a, s), weight)}

    def chance(self, latents: Tensor, generators: Sequence[torch.Generator]) -> Draw:
        return draw_evenly(self.objective, latents, generators)

    def generate(self, batch: Batch, generator: torch.Generator) -> Tensor:  # B F C h w
        scheduler = make_scheduler(self.noise, steps=LOOK_STEPS)
        known = condition(self.networks, batch)
        x = one_noise(batch.latents, generator)
        for t in scheduler.timesteps:
            x = scheduler.step(self.networks.denoising_unet(x, t, known), t, x).prev_sample
        return x


class ReferencedCleanStep(CleanStep):
    """Over a copy head, whose features come to those of the Pose Guider."""

    def predict(self, x: Tensor, batch: Batch, draw: Draw, copied: Copied) -> Tensor:  # B F C h w
        known = condition(self.networks, batch)
        known = replace(known, conv_in=cast(Tensor, known.conv_in) + copied.features)
        return self.networks.denoising_unet(x, draw.t, known)
