"""The networks of a recipe for UniAnimate: new ones, or those of a folder, with the temporal module that the recipe names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from torch import nn

from animato.core.errors import InputError
from animato.encoders.text import EmptyPrompt
from animato.models.copy_head import CopyHead
from animato.models.unified import BESIDE, UnifiedUNet
from animato.training.networks import MAPS, Trained, check_start
from animato.training.recipe import Networks
from animato.weights.own import open_network

COPY_HEAD = "copy_head"
KINDS: dict[str, type[Any]] = {"unet": UnifiedUNet, "prompt": EmptyPrompt}
SIZES = ("channels", "maps", "width", "matched", "learned", "pixels")  # of a copy head, whatever it gives to the network


class UniNetworks(Trained):
    """UniAnimate's one network, and the empty prompt, which does not learn; of a preview model a copy head, too."""

    def __init__(self, unet: UnifiedUNet, prompt: EmptyPrompt, copy_head: CopyHead | None = None) -> None:
        super().__init__()
        self.unet = unet
        self.prompt = prompt
        self.copy_head = copy_head


def uni_networks(recipe: Networks, seed: int) -> UniNetworks:
    """Raises InputError for a folder that lacks a network, MissingModelError for one that lacks a tensor or has another one."""
    torch.manual_seed(seed)
    networks = _continued(recipe) if recipe.start else _new(recipe)
    networks.unet.drop(recipe.dropout)
    return networks


def _continued(recipe: Networks) -> UniNetworks:
    kinds = KINDS | ({COPY_HEAD: CopyHead} if recipe.copy_head else {})
    folder = check_start(recipe, kinds)
    networks: dict[str, Any] = {name: open_network(folder / name, kind).fill().train() for name, kind in kinds.items()}
    return UniNetworks(**networks | {"unet": with_temporal(networks["unet"], recipe)})


def with_temporal(old: UnifiedUNet, recipe: Networks) -> UnifiedUNet:
    """The same network with the temporal modules of the recipe; those of another kind are new and change nothing before they learn."""
    kind = recipe.temporal.get("kind", old.config.temporal)
    if kind == old.config.temporal:
        return old
    new = UnifiedUNet.from_config(old.config, temporal=kind)
    begin_as_identity(new)
    known = old.state_dict()
    new.load_state_dict({name: known.get(name, value) for name, value in new.state_dict().items()})
    return new.train()


def begin_as_identity(net: UnifiedUNet) -> None:
    """Temporal transformers that add nothing yet, as the temporal convolutions and Mamba begin."""
    for module in net.trunk.modules():
        if isinstance(module, TransformerTemporalModel):
            nn.init.zeros_(module.proj_out.weight)
            nn.init.zeros_(module.proj_out.bias)


def _new(recipe: Networks) -> UniNetworks:
    """Whatever the temporal module, everything else begins with the same values. Beside a copy head the answer begins as zero."""
    plain = UnifiedUNet(**cast(Any, recipe.unet))
    begin_as_identity(plain)
    if recipe.copy_head:
        nn.init.zeros_(plain.trunk.conv_out.weight)
        nn.init.zeros_(plain.trunk.conv_out.bias)
    head = _copy_head(recipe, plain.config.in_channels) if recipe.copy_head else None
    return UniNetworks(with_temporal(plain, recipe), EmptyPrompt(plain.config.context[0], 1), head)


def _copy_head(recipe: Networks, channels: int) -> CopyHead:
    """A new copy head, or the one of networks.copy_start. Its features come to the channels beside the noise.

    What it learned for another network's features is left behind. They are there from the beginning, by random weights, for the new
    network answers zero as it is. Raises InputError, MissingModelError.
    """
    head = CopyHead(channels, MAPS[recipe.copy_head], BESIDE)
    head.enter.reset_parameters()
    if not recipe.copy_start:
        return head
    folder = Path(recipe.copy_start) / COPY_HEAD
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} is no copy head: networks.copy_start must be a folder with one, such as a run's networks.")
    learned = open_network(folder, CopyHead).fill()
    if any(learned.config[name] != head.config[name] for name in SIZES):
        raise InputError(f"The copy head in {folder} is of another size, or goes by something else: leave networks.copy_start empty.")
    entering = {name: value for name, value in head.state_dict().items() if name.startswith("enter.")}
    head.load_state_dict(learned.state_dict() | entering)
    return head
