"""What one step of training MagicAnimate asks of its networks.

Neither the training code nor its numbers were published. As the paper says: epsilon loss; first the appearance encoder and the ControlNet
learn on single frames, the denoiser being Stable Diffusion's, then the motion modules alone on clips; and both stages see single pictures
among the videos (`joint`). How often, and at which rates, is chosen by this project and stands in its recipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from animato.core.errors import InputError
from animato.data.sample import Sample
from animato.encoders.text import EmptyPrompt
from animato.models.condition import MIDDLE_AND_UP, UNetCondition
from animato.models.controlnet import ControlNet, controlnet_for
from animato.models.copy_head import CopyHead
from animato.models.unet import UNet
from animato.training.animate_anyone import Draw
from animato.training.batch import Batch
from animato.training.loss import alphas, levels, weighted_error
from animato.training.networks import Parts, begin_at_zero, begin_motion_modules, continued, copy_head_for
from animato.training.stage import Networks, Recipe


class MagicTrained(Parts):
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
        self.denoising_unet, self.appearance_encoder = denoising_unet, appearance_encoder
        self.densepose_controlnet, self.prompt, self.copy_head = densepose_controlnet, prompt, copy_head


KINDS: dict[str, type[Any]] = {
    "denoising_unet": UNet,
    "appearance_encoder": UNet,
    "densepose_controlnet": ControlNet,
    "prompt": EmptyPrompt,
}


def magic_networks(recipe: Networks, seed: int) -> MagicTrained:
    """New networks, or those of networks.start, such as `animato convert --base` writes. Raises InputError, MissingModelError."""
    torch.manual_seed(seed)
    networks = (
        MagicTrained(**continued(recipe, KINDS | ({"copy_head": CopyHead} if recipe.copy_head else {}))) if recipe.start else _new(recipe)
    )
    if recipe.motion_start:
        begin_motion_modules(networks.denoising_unet, recipe)
    return networks


def _new(recipe: Networks) -> MagicTrained:
    """One U-Net in three roles, and a prompt of one token that says nothing."""
    options: dict[str, Any] = dict(recipe.unet)
    denoiser = UNet(**options, temporal=cast(Any, recipe.temporal or None))
    encoder = UNet(**options | {"out_channels": 0})
    controlnet = controlnet_for(denoiser, tuple(recipe.guider))
    state = denoiser.state_dict()
    for network in (encoder, controlnet):
        network.load_state_dict({name: state.get(name, value) for name, value in network.state_dict().items()})
    prompt = EmptyPrompt(denoiser.config.cross_attention_dim, 1)
    if not recipe.copy_head:
        return MagicTrained(denoiser, encoder, controlnet, prompt)
    begin_at_zero(denoiser)
    return MagicTrained(denoiser, encoder, controlnet, prompt, copy_head_for(denoiser, recipe.copy_head))


class MagicAnimateStep(nn.Module):
    """Networks and objective as one module whose output is the loss, which is what Accelerate wraps."""

    alphas_cumprod: Tensor

    def __init__(self, networks: MagicTrained, recipe: Recipe) -> None:
        super().__init__()
        self.networks = networks
        self.register_buffer("alphas_cumprod", alphas(recipe.noise), persistent=False)

    def forward(self, batch: Batch, draw: Draw) -> dict[str, Tensor]:
        """|noise - prediction|^2, the mean of all values."""
        a, s = levels(self.alphas_cumprod, draw.t)
        x = a * batch.latents + s * draw.noise
        prediction = self.networks.denoising_unet(x, draw.t, self.condition(batch, x, draw.t, draw.dropped))
        return {"loss": weighted_error(prediction, draw.noise, torch.ones((), device=x.device))}

    def condition(self, batch: Batch, x: Tensor, t: Tensor, dropped: bool = False) -> UNetCondition:
        """What the denoiser is told of x (B F C h w) at t (one time, or one for each row). Dropped: the null of guidance."""
        net = self.networks
        tokens = net.prompt.tokens
        stem = net.densepose_controlnet.stem(batch.skeletons.flatten(0, 1)).unflatten(0, x.shape[:2])
        context = net.denoising_unet.project_context(tokens)
        null = UNetCondition(context, residuals=net.densepose_controlnet.residuals(x, t, tokens, stem))
        if dropped:
            return null
        written = net.appearance_encoder.reference(batch.reference, t, net.appearance_encoder.project_context(tokens))
        read = {name: value for name, value in written.items() if name.startswith(MIDDLE_AND_UP)}
        return replace(null, bank=net.denoising_unet.project_bank(read))


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


def check_taus(taus: Sequence[float], frames: int) -> None:
    """Raises InputError for thresholds that mean nothing."""
    if len(taus) > 2 or sorted(taus) != list(taus) or any(not 0 <= tau <= 1 for tau in taus):
        raise InputError(f"objective.taus {list(taus)} must be one or two rising numbers from 0 to 1: the shares of single pictures.")
    if len(taus) == 2 and frames == 1:
        raise InputError("objective.taus has two numbers, which are for clips, and data.frames is 1: give one number.")
