"""MagicAnimate's weights: which file feeds which network, under which names; read from the official files or the project's own folder.

The published code begins with Stable Diffusion 1.5's U-Net and lays temporal_attention.ckpt over it, without insisting on anything. By its
size that file holds the whole denoiser, by its name the motion modules alone: either is read, and Stable Diffusion's U-Net for the rest, if
there is a rest. Of the text encoder only what it says of the empty prompt is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn
from transformers import CLIPTextModel

from animato.core.errors import MissingModelError
from animato.core.progress import Progress, silent
from animato.encoders.text import EmptyPrompt
from animato.models.controlnet import ControlNet, controlnet_for
from animato.models.temporal import TemporalAttentionSpec
from animato.models.unet import UNet
from animato.weights import own
from animato.weights.about import About, is_own
from animato.weights.blank import Waiting, built, configured, wanted
from animato.weights.files import Piece
from animato.weights.keymap import IDENTITY, KeyMap, Shapes, shapes, translate
from animato.weights.official import shared as files
from animato.weights.official.magic_animate import CONTROLNET, ENCODER, OFFICIAL, TEMPORAL
from animato.weights.official.shared import SD_UNET, TEXT_ENCODER
from animato.weights.read import read_state
from animato.weights.shared import (
    COUNTED,
    HEADS,
    MODULES,
    MOTION,
    VAE,
    Device,
    DType,
    Speaking,
    check_pairs,
    check_positions,
    fill,
    open_folder,
    write,
    write_converted,
)
from animato.weights.sizes import unet_sizes

SYSTEM = OFFICIAL.system
POSITIONS = 24  # rows of the published table


class Networks(NamedTuple):
    """All networks of the system, filled, in the order of CLASSES."""

    denoiser: UNet
    appearance_encoder: UNet
    controlnet: ControlNet
    vae: AutoencoderKL
    prompt: EmptyPrompt


CLASSES: Mapping[str, type[nn.Module]] = {  # by their folders in the project's form
    "denoising_unet": UNet,
    "appearance_encoder": UNet,
    "densepose_controlnet": ControlNet,
    "vae": AutoencoderKL,
    "prompt": EmptyPrompt,
}
WHOLE = KeyMap(renames=((".module.", "."), (".unet.", "."), *MOTION.renames), dropped=MOTION.dropped)
TEXT = KeyMap(renames=((".text_model.", "."),), dropped=(COUNTED,))  # which transformers 5 does not write any more
TEXT_BEFORE = KeyMap(dropped=(COUNTED,))


def read(folder: Path, dtype: DType = torch.float32, device: Device = "cpu", progress: Progress = silent) -> Networks:
    """All networks of MagicAnimate, official or in the project's form. Arguments and errors as those of referenced.Published.read."""
    return Networks(*fill(open_weights(folder), dtype, device, progress))


def convert(folder: Path, out: Path, dtype: torch.dtype = torch.float32, progress: Progress = silent) -> None:
    """Writes the networks of a folder in the project's form, one after the other. Raises MissingModelError, OutputError."""
    write_converted(open_weights(folder), folder, out, SYSTEM, dtype, progress)


def convert_base(folder: Path, out: Path, dtype: torch.dtype = torch.float32, progress: Progress = silent) -> None:
    """Writes, in the project's form, what the first stage of training begins with (`open_base`). Raises MissingModelError, OutputError."""
    write(open_base(folder), out, About(SYSTEM, "Stable Diffusion 1.5, to begin training with"), dtype, progress)


def open_weights(folder: Path) -> dict[str, Waiting]:
    """All networks, checked and not yet read: that every key has its place, and that the networks belong together."""
    waiting = own.open_own(folder, SYSTEM, CLASSES) if is_own(folder) else open_official(OFFICIAL.find(folder))
    config: dict[str, Any] = {name: one.network.config for name, one in waiting.items()}
    if config["denoising_unet"].temporal is None:
        raise MissingModelError(f"The denoiser in {folder} has no motion module: it is for training to begin with, not to be used.")
    _check_together(folder, config)
    return waiting


def open_official(found: Mapping[Piece, Path]) -> dict[str, Waiting]:
    """The networks of the official files."""
    return {
        "denoising_unet": _denoiser(found[TEMPORAL], found[SD_UNET]),
        "appearance_encoder": _encoder(found[ENCODER]),
        "densepose_controlnet": open_folder(found[CONTROLNET], ControlNet, IDENTITY),
        **_ends(found),
    }


def open_base(folder: Path) -> dict[str, Waiting]:
    """Stable Diffusion's U-Net as denoiser without motion module, as appearance encoder, and with a new stem as ControlNet; VAE, prompt."""
    found = OFFICIAL.find(folder, (SD_UNET, files.VAE, TEXT_ENCODER))
    path = found[SD_UNET]
    state = read_state(path)
    denoiser = built(path, UNet, {"heads": HEADS, **unet_sizes(shapes(state))})
    controlnet = controlnet_for(denoiser)
    waiting = {
        "denoising_unet": Waiting(denoiser, translate(state, wanted(denoiser), IDENTITY, f"{path} does not fit the denoiser"), path),
        "appearance_encoder": _encoder(path, rest=True),
        "densepose_controlnet": Waiting(controlnet, {key: state.get(key, new) for key, new in controlnet.state_dict().items()}, path),
        **_ends(found),
    }
    _check_together(folder, {name: one.network.config for name, one in waiting.items()})
    return waiting


def _denoiser(path: Path, base_path: Path) -> Waiting:
    """The motion modules and, where the file has more than those, all of the denoiser; otherwise Stable Diffusion's U-Net around them."""
    state = read_state(path)
    check_positions(state, path, POSITIONS)
    alone = all(MODULES in key for key in state)
    around = read_state(base_path) if alone else state
    named = {WHOLE.rename(key): shape for key, shape in shapes(around).items()}
    temporal = TemporalAttentionSpec(HEADS, POSITIONS, middle=False, norm="clip")
    network = built(path, UNet, {"heads": HEADS, "temporal": temporal, **unet_sizes(named)})
    both = wanted(network)
    if not alone:
        return Waiting(network, translate(state, both, WHOLE, f"{path} does not fit the denoiser"), path)
    spatial = {key: shape for key, shape in both.items() if MODULES not in key}
    temporals = {key: shape for key, shape in both.items() if MODULES in key}
    values = translate(around, spatial, IDENTITY, f"{base_path} does not fit the denoiser without its motion modules")
    values |= translate(state, temporals, WHOLE, f"{path} does not fit the denoiser's motion modules")
    return Waiting(network, values, f"{base_path} and {path.name}")


def _encoder(path: Path, rest: bool = False) -> Waiting:
    """The appearance encoder. rest: of the file of a whole U-Net, what follows its last bank being left out."""
    state = read_state(path)
    network = built(path, UNet, {"out_channels": 0, "heads": HEADS, **unet_sizes(shapes(state))})
    keys = wanted(network)
    if rest:
        state = {key: value for key, value in state.items() if key in keys}
    return Waiting(network, translate(state, keys, IDENTITY, f"{path} does not fit the appearance encoder"), path)


def _ends(found: Mapping[Piece, Path]) -> dict[str, Waiting]:
    """The VAE, and the text encoder as what it says."""
    path = found[TEXT_ENCODER]
    network = configured(path.parent, CLIPTextModel)
    keys: Shapes = wanted(network)
    names = TEXT_BEFORE if any(key.startswith("text_model.") for key in keys) else TEXT
    values = translate(read_state(path), keys, names, f"{path} does not fit its config.json")
    return {"vae": open_folder(found[files.VAE], AutoencoderKL, VAE), "prompt": Speaking(network, values, path)}


def _check_together(folder: Path, config: Mapping[str, Any]) -> None:
    """That what one network makes fits the next one: widths that no single file can be wrong about. Raises MissingModelError."""
    denoiser, encoder, controlnet = (config[name] for name in ("denoising_unet", "appearance_encoder", "densepose_controlnet"))
    words, latents = config["prompt"].hidden_size, config["vae"].latent_channels
    pairs: tuple[tuple[str, object, object], ...] = (
        ("channels of the appearance encoder and of the denoiser", list(encoder.block_out_channels), list(denoiser.block_out_channels)),
        ("layers of the appearance encoder and of the denoiser", encoder.layers_per_block, denoiser.layers_per_block),
        ("channels of the ControlNet and of the denoiser", list(controlnet.block_out_channels), list(denoiser.block_out_channels)),
        ("layers of the ControlNet and of the denoiser", controlnet.layers_per_block, denoiser.layers_per_block),
    )
    for name, one in (("denoiser", denoiser), ("appearance encoder", encoder), ("ControlNet", controlnet)):
        pairs += ((f"width of the prompt and of the {name}'s context", words, one.cross_attention_dim),)
        pairs += ((f"channels of the VAE's latents and of the {name}", latents, one.in_channels),)
    check_pairs(folder, pairs)
