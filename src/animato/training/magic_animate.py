"""Training MagicAnimate, and its preview models.

Neither the training code nor its numbers were published. As the paper says: epsilon loss; first the appearance encoder and the ControlNet
learn on single frames, the denoiser being Stable Diffusion's, then the motion modules alone on clips; and both stages see single pictures
among the videos (`joint`). How often, and at which rates, is chosen by this project and stands in its recipes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.data.sample import Sample
from animato.encoders.text import EmptyPrompt
from animato.models.condition import MIDDLE_AND_UP, UNetCondition
from animato.models.controlnet import ControlNet, controlnet_for
from animato.models.copy_head import Copied, CopyHead
from animato.models.unet import UNet
from animato.pose.keypoints import PoseSequence
from animato.pose.surface.densepose import densepose_frames
from animato.sampling.schedule import make_scheduler
from animato.training.batch import HINTS, Batch, Encoders
from animato.training.chance import Draw, draw_evenly
from animato.training.check import Requirements, checked
from animato.training.copying import CleanStep, FetchStep
from animato.training.lacking import check_there
from animato.training.loss import weighted_error
from animato.training.networks import Trained, begin_at_zero, begin_motion_modules, continued, copy_head_for, make_encoders
from animato.training.objective import Clean, Epsilon, Fetch
from animato.training.recipe import Networks, Recipe
from animato.training.step import Denoising, Step, one_noise
from animato.training.trainee import LOOK_STEPS, Trainee, Use, as_drawn, make_source

KINDS: dict[str, type[Any]] = {
    "denoising_unet": UNet,
    "appearance_encoder": UNet,
    "densepose_controlnet": ControlNet,
    "prompt": EmptyPrompt,
}
NEEDS = Requirements(
    "magic-animate",
    objectives=(Epsilon, Clean, Fetch),
    copy_head="parts",
    networks=tuple(KINDS),
    reads=("start", "motion_start", "unet", "temporal", "guider", "copy_head", "vae"),
)


def trainee(recipe: Recipe) -> Trainee:
    """What the loop drives. Raises InputError for a recipe that cannot be trained, MissingModelError."""
    recipe = checked(recipe, NEEDS)
    check_taus(recipe)
    check_there(recipe, NEEDS)
    networks = magic_networks(recipe.networks, recipe.run.seed)
    if recipe.run.checkpointing:
        networks.denoising_unet.enable_gradient_checkpointing()
    vae, clip = make_encoders(recipe.networks)
    halvings = len(networks.densepose_controlnet.config.conditioning_embedding_out_channels) - 1
    encoders = Encoders(vae, clip, halvings, HINTS[recipe.networks.copy_head], body_pictures)
    over = partial(magic_step, recipe=recipe)
    return Trainee(recipe, NEEDS, networks, over, encoders, make_source(recipe.data), jointly(recipe))


def magic_step(networks: MagicNetworks, recipe: Recipe) -> Step:
    """The step of the recipe's objective."""
    match recipe.objective:
        case Epsilon():
            return EpsilonStep(networks, recipe.objective, recipe.noise)
        case Clean():
            return MagicCleanStep(networks, recipe.objective, recipe.noise)
        case Fetch():
            return FetchStep(networks, recipe.objective)
    raise AssertionError("the recipe is checked before")


def body_pictures(poses: PoseSequence, size: Size) -> np.ndarray:  # F H W 3 uint8
    """Body parts, as DensePose shows them, without masks, which aligned motions do not have."""
    return densepose_frames(replace(poses, mask=None), size)


class MagicNetworks(Trained):
    """The networks of MagicAnimate, and the empty prompt, which does not learn; of a preview model a copy head, too."""

    def __init__(
        self,
        denoising_unet: UNet,
        appearance_encoder: UNet,
        densepose_controlnet: ControlNet,
        prompt: EmptyPrompt,
        copy_head: CopyHead | None = None,
    ) -> None:
        super().__init__()
        self.denoising_unet = denoising_unet
        self.appearance_encoder = appearance_encoder
        self.densepose_controlnet = densepose_controlnet
        self.prompt = prompt
        self.copy_head = copy_head


def magic_networks(recipe: Networks, seed: int) -> MagicNetworks:
    """New networks, or those of networks.start, such as `animato convert --base` writes. Raises InputError, MissingModelError."""
    torch.manual_seed(seed)
    kinds = KINDS | ({"copy_head": CopyHead} if recipe.copy_head else {})
    networks = MagicNetworks(**continued(recipe, kinds)) if recipe.start else _new(recipe)
    if recipe.motion_start:
        begin_motion_modules(networks.denoising_unet, recipe)
    return networks


def _new(recipe: Networks) -> MagicNetworks:
    """One U-Net in three roles, and a prompt of one token that says nothing."""
    options: dict[str, Any] = dict(recipe.unet)
    denoiser = UNet(**options, temporal=recipe.temporal or None)
    encoder = UNet(**options | {"out_channels": 0})
    controlnet = controlnet_for(denoiser, tuple(recipe.guider))
    state = denoiser.state_dict()
    for network in (encoder, controlnet):
        network.load_state_dict({name: state.get(name, value) for name, value in network.state_dict().items()})
    prompt = EmptyPrompt(denoiser.config.cross_attention_dim, 1)
    if not recipe.copy_head:
        return MagicNetworks(denoiser, encoder, controlnet, prompt)
    begin_at_zero(denoiser)
    return MagicNetworks(denoiser, encoder, controlnet, prompt, copy_head_for(denoiser, recipe.copy_head))


def condition(networks: MagicNetworks, batch: Batch, x: Tensor, t: Tensor, dropped: bool = False) -> UNetCondition:
    """The denoiser's condition for x (B F C h w) at t (one time, or one for each row). Dropped: the null of guidance."""
    denoiser, encoder, controlnet = networks.denoising_unet, networks.appearance_encoder, networks.densepose_controlnet
    tokens = networks.prompt.tokens
    stem = controlnet.stem(batch.skeletons.flatten(0, 1)).unflatten(0, x.shape[:2])
    context = denoiser.project_context(tokens)
    null = UNetCondition(context, residuals=controlnet.residuals(x, t, tokens, stem))
    if dropped:
        return null
    written = encoder.reference(batch.reference, t, encoder.project_context(tokens))
    read = {name: value for name, value in written.items() if name.startswith(MIDDLE_AND_UP)}
    return replace(null, bank=denoiser.project_bank(read))


class EpsilonStep(Denoising):
    """As the paper says. The condition depends on the time."""

    objective: Epsilon

    def forward(self, batch: Batch, draw: Draw) -> dict[str, Tensor]:
        """|noise - prediction|^2, the mean of all values."""
        x, _, _ = self.noisy(batch.latents, draw)
        prediction = self.networks.denoising_unet(x, draw.t, condition(self.networks, batch, x, draw.t, draw.dropped))
        return {"loss": weighted_error(prediction, draw.noise, torch.ones((), device=x.device))}

    def chance(self, latents: Tensor, generators: Sequence[torch.Generator]) -> Draw:
        return draw_evenly(self.objective, latents, generators)

    def generate(self, batch: Batch, generator: torch.Generator) -> Tensor:  # B F C h w
        scheduler = make_scheduler(self.noise, steps=LOOK_STEPS)
        x = one_noise(batch.latents, generator)
        for t in scheduler.timesteps:
            known = condition(self.networks, batch, x, t)
            x = scheduler.step(self.networks.denoising_unet(x, t, known), t, x).prev_sample
        return x


class MagicCleanStep(CleanStep):
    """Over a copy head, whose features come to the denoiser's first convolution."""

    def predict(self, x: Tensor, batch: Batch, draw: Draw, copied: Copied) -> Tensor:  # B F C h w
        known = condition(self.networks, batch, x, draw.t)
        return self.networks.denoising_unet(x, draw.t, replace(known, conv_in=copied.features))


def jointly(recipe: Recipe) -> Callable[[np.random.Generator], Use]:
    """Joint training, where the recipe has it: the first sample's generator decides what all of the batch are for."""
    if not isinstance(recipe.objective, Epsilon):
        return as_drawn
    taus = recipe.objective.taus

    def use(rng: np.random.Generator) -> Use:
        return partial(joint, r=float(rng.random()), taus=taus)

    return use


def joint(sample: Sample, r: float, taus: Sequence[float]) -> Sample:
    """What a sample is used for, by a number r drawn evenly from 0 to 1 and the thresholds of the paper.

    (tau_0), first stage; (tau_1, tau_2), second stage:
    r <= tau_0 or tau_1   a single picture makes itself: reference, frame and body parts are of one picture
    r <= tau_2            a single frame of another pose than the reference's
    otherwise             the sample as it is
    """
    if taus and r <= taus[0]:
        single, frame = sample.begun(1), sample.frames[0]
        return replace(single, whole=frame, reference=frame, given=single.poses, standing=single.drawn)
    if len(taus) > 1 and r <= taus[1]:
        return sample.begun(1)
    return sample


def check_taus(recipe: Recipe) -> None:
    """Raises InputError for thresholds that mean nothing."""
    taus = recipe.objective.taus if isinstance(recipe.objective, Epsilon) else []
    if len(taus) > 2 or sorted(taus) != list(taus) or any(not 0 <= tau <= 1 for tau in taus):
        raise InputError(f"objective.taus {taus} must be one or two rising numbers from 0 to 1: the shares of single pictures.")
    if len(taus) == 2 and recipe.data.frames == 1:
        raise InputError("objective.taus has two numbers, which are for clips, and data.frames is 1: give one number.")
