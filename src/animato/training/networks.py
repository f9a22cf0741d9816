"""The networks of a recipe: new ones, or those of a folder with what they lack added, and what either begins with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn
from transformers import CLIPVisionModelWithProjection

from animato.core.errors import InputError
from animato.encoders.patches import MeanColour, PatchVAE
from animato.models.copy_head import LIMBS, CopyHead
from animato.models.copy_head import PARTS as BODY_PARTS
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.training.stage import Networks
from animato.weights.own import open_network
from animato.weights.starts import begin_guider, begin_motion, read_image_encoder, read_vae

PARTS = {"denoising_unet": UNet, "reference_unet": UNet, "pose_guider": PoseGuider, "copy_head": CopyHead}
MAPS = {"limbs": 4 * len(LIMBS), "parts": 3 * BODY_PARTS}  # of a copy head


class Parts(nn.Module):
    """Networks that learn together, by name."""

    def parts(self, dtype: torch.dtype | None = None) -> Iterator[tuple[str, Any]]:
        """Names and networks, to be written; with `dtype` copies of that type."""
        for name, part in self.named_children():
            model = cast(Any, part)
            if dtype is not None:
                model = type(model).from_config(model.config)
                model.load_state_dict(part.state_dict())
                nn.Module.to(model, dtype)  # ModelMixin.to warns of what concerns no network here
            yield name, model


class Trained(Parts):
    """The networks of Animate Anyone that learn; a copy head where there is one."""

    denoising_unet: UNet
    reference_unet: UNet
    pose_guider: PoseGuider
    copy_head: CopyHead | None

    def __init__(self, denoising_unet: UNet, reference_unet: UNet, pose_guider: PoseGuider, copy_head: CopyHead | None = None) -> None:
        super().__init__()
        self.denoising_unet, self.reference_unet = denoising_unet, reference_unet
        self.pose_guider, self.copy_head = pose_guider, copy_head


def make_networks(recipe: Networks, seed: int) -> Trained:
    """Raises InputError for a folder that lacks a network, MissingModelError for one that lacks a tensor or has another one."""
    torch.manual_seed(seed)
    kinds = {name: kind for name, kind in PARTS.items() if name != "copy_head" or recipe.copy_head}
    networks = Trained(**continued(recipe, kinds)) if recipe.start else _new(recipe)
    if recipe.guider_start:
        _check_unlearned(networks.pose_guider, "networks.guider_start", "conv_out.")
        begin_guider(networks.pose_guider, Path(recipe.guider_start))
    if recipe.motion_start:
        begin_motion_modules(networks.denoising_unet, recipe)
    return networks


def begin_motion_modules(denoiser: UNet, recipe: Networks) -> None:
    """From networks.motion_start. Raises InputError where there are none or they have learned already, MissingModelError."""
    _check_unlearned(denoiser, "networks.motion_start", ".motion_modules.", ".proj_out.")
    begin_motion(denoiser, Path(recipe.motion_start))


def _new(recipe: Networks) -> Trained:
    options: dict[str, Any] = dict(recipe.unet)
    denoiser = UNet(**options, temporal=cast(Any, recipe.temporal or None))
    reference = UNet(**(options | {"out_channels": None}))
    reference.load_state_dict({name: denoiser.state_dict()[name] for name in reference.state_dict()})
    begin_at_zero(denoiser)
    guider = PoseGuider(denoiser.config.block_out_channels[0], tuple(recipe.guider))
    return Trained(denoiser, reference, guider, copy_head_for(denoiser, recipe.copy_head) if recipe.copy_head else None)


def begin_at_zero(denoiser: UNet) -> None:
    """A new denoiser that answers zero. Beside a copy head, what was chosen stays as it is until it has learned."""
    nn.init.zeros_(denoiser.conv_out.weight)
    nn.init.zeros_(cast(Any, denoiser.conv_out.bias))


def copy_head_for(denoiser: UNet, kind: str) -> CopyHead:
    """One whose patches and features fit into the denoiser."""
    return CopyHead(denoiser.config.in_channels, MAPS[kind], denoiser.config.block_out_channels[0])


def continued(recipe: Networks, kinds: Mapping[str, type[Any]]) -> dict[str, Any]:
    """The networks of a folder. A denoiser without temporal modules gets new ones, which change nothing before they have learned.

    Raises InputError, MissingModelError.
    """
    folder = check_start(recipe, kinds)
    parts: dict[str, Any] = {name: open_network(folder / name, kind).fill().train() for name, kind in kinds.items()}
    old = parts["denoising_unet"]
    if recipe.temporal and old.config.temporal is None:
        new = UNet.from_config(old.config, temporal=recipe.temporal)
        new.load_state_dict(new.state_dict() | old.state_dict())
        parts["denoising_unet"] = new
    return parts


def check_start(recipe: Networks, kinds: Mapping[str, type[Any]]) -> Path:
    """The folder of networks.start. Raises InputError where a network is not in it."""
    folder = Path(recipe.start)
    missing = [name for name in kinds if not (folder / name / "config.json").is_file()]
    if missing:
        raise InputError(f"{folder} has no {missing[0]}: networks.start must be a folder with {', '.join(kinds)}.")
    return folder


def _check_unlearned(network: nn.Module, field: str, *parts: str) -> None:
    """What a field is to begin must be there and new, which its last layer tells: it is zero. Raises InputError."""
    last = [value for name, value in network.named_parameters() if all(part in name for part in parts)]
    if not last:
        raise InputError(f"{field} has nothing to begin: the networks have no motion modules. Set networks.temporal.")
    if any(value.any() for value in last):
        raise InputError(f"{field} would overwrite what has learned already in networks.start: leave one of them empty.")


def make_encoders(recipe: Networks) -> tuple[AutoencoderKL, CLIPVisionModelWithProjection]:
    """VAE and CLIP, or what takes their places. They do not learn. Raises MissingModelError."""
    vae = read_vae(Path(recipe.vae)) if recipe.vae else PatchVAE()
    clip = read_image_encoder(Path(recipe.clip)) if recipe.clip else MeanColour()
    return cast(AutoencoderKL, vae.requires_grad_(False)), cast(CLIPVisionModelWithProjection, clip.requires_grad_(False))
