"""The networks of a recipe, of any system: those of a folder with what they lack added, what new ones begin with, and the encoders."""

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
from animato.models.copy_head import LIMBS, PARTS, CopyHead
from animato.models.unet import UNet
from animato.training.recipe import Networks
from animato.weights.own import open_network
from animato.weights.starts import begin_motion, read_image_encoder, read_vae

MAPS = {"limbs": 4 * len(LIMBS), "parts": 3 * PARTS}  # of a copy head


class Trained(nn.Module):
    """Networks that learn together, by name."""

    def named(self, dtype: torch.dtype | None = None) -> Iterator[tuple[str, Any]]:
        """Names and networks, to be written; with `dtype` copies of that type."""
        for name, network in self.named_children():
            model = cast(Any, network)
            if dtype is not None:
                model = type(model).from_config(model.config)
                model.load_state_dict(network.state_dict())
                nn.Module.to(model, dtype)  # ModelMixin.to warns of what concerns no network here
            yield name, model


def begin_motion_modules(denoiser: UNet, recipe: Networks) -> None:
    """From networks.motion_start. Raises InputError where there are none or they have learned already, MissingModelError."""
    check_unlearned(denoiser, "networks.motion_start", ".motion_modules.", ".proj_out.")
    begin_motion(denoiser, Path(recipe.motion_start))


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
    networks: dict[str, Any] = {name: open_network(folder / name, kind).fill().train() for name, kind in kinds.items()}
    old = networks["denoising_unet"]
    if recipe.temporal and old.config.temporal is None:
        new = UNet.from_config(old.config, temporal=recipe.temporal)
        new.load_state_dict(new.state_dict() | old.state_dict())
        networks["denoising_unet"] = new
    return networks


def check_start(recipe: Networks, kinds: Mapping[str, type[Any]]) -> Path:
    """The folder of networks.start. Raises InputError where a network is not in it."""
    folder = Path(recipe.start)
    missing = [name for name in kinds if not (folder / name / "config.json").is_file()]
    if missing:
        raise InputError(f"{folder} has no {missing[0]}: networks.start must be a folder with {', '.join(kinds)}.")
    return folder


def check_unlearned(network: nn.Module, field: str, *parts: str) -> None:
    """What a field is to begin must be there and new, which its last layer shows: it is zero. Raises InputError."""
    last = [value for name, value in network.named_parameters() if all(part in name for part in parts)]
    if not last:
        raise InputError(f"{field} has nothing to begin: the networks have no motion modules. Set networks.temporal.")
    if any(value.any() for value in last):
        raise InputError(f"{field} would overwrite what has learned already in networks.start: leave one of them empty.")


def make_encoders(recipe: Networks) -> tuple[AutoencoderKL, CLIPVisionModelWithProjection]:
    """VAE and CLIP, or what stands in for them. They do not learn. Raises MissingModelError."""
    vae = read_vae(Path(recipe.vae)) if recipe.vae else PatchVAE()
    clip = read_image_encoder(Path(recipe.clip)) if recipe.clip else MeanColour()
    return cast(AutoencoderKL, vae.requires_grad_(False)), cast(CLIPVisionModelWithProjection, clip.requires_grad_(False))
