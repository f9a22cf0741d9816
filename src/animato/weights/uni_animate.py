"""UniAnimate's weights: which file feeds which network; read from the official files or from the project's own folder.

The VAE comes as a folder, or is cut out of Stable Diffusion's whole checkpoint. Of OpenCLIP's file the image side is kept, and of its text
side only what it says of the empty prompt. How their keys become those of the networks is in uni_animate_names.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn
from transformers import CLIPTextModel, CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.core.progress import Progress, silent
from animato.encoders.text import EmptyPrompt
from animato.models.unified import UnifiedUNet
from animato.weights import own
from animato.weights.about import is_own
from animato.weights.blank import Waiting, built, wanted
from animato.weights.files import CONFIG, STEMS, Piece
from animato.weights.keymap import KeyMap, shapes, translate
from animato.weights.official.uni_animate import OFFICIAL, OPEN_CLIP, SD_VAE, UNIFIED_UNET
from animato.weights.read import read_state
from animato.weights.shared import VAE, Device, DType, Speaking, check_pairs, fill, open_folder, write_converted
from animato.weights.uni_animate_names import (
    ENTRANCE_HEADS,
    FIRST_STAGE,
    HEAD_DIM,
    IMAGE,
    IMAGE_HEAD,
    TEXT_HEAD,
    TEXT_RENAMES,
    UNSAID,
    Layout,
    image_sizes,
    text_sizes,
    unet_names,
    unfused,
    unified_sizes,
    vae_names,
    vae_sizes,
)

SYSTEM = OFFICIAL.system
FILLER = 0  # what OpenCLIP's empty prompt is filled up with


class Networks(NamedTuple):
    """All networks of the system, filled, in the order of CLASSES."""

    unet: UnifiedUNet
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection
    prompt: EmptyPrompt


CLASSES: Mapping[str, type[nn.Module]] = {  # by their folders in the project's form
    "unet": UnifiedUNet,
    "vae": AutoencoderKL,
    "image_encoder": CLIPVisionModelWithProjection,
    "prompt": EmptyPrompt,
}


def read(folder: Path, dtype: DType = torch.float32, device: Device = "cpu", progress: Progress = silent) -> Networks:
    """All networks of UniAnimate, official or in the project's form. Arguments and errors as those of referenced.Published.read."""
    return Networks(*fill(open_weights(folder), dtype, device, progress))


def convert(folder: Path, out: Path, dtype: torch.dtype = torch.float32, progress: Progress = silent) -> None:
    """Writes the networks of a folder in the project's form, one after the other. Raises MissingModelError, OutputError."""
    write_converted(open_weights(folder), folder, out, SYSTEM, dtype, progress)


def open_weights(folder: Path) -> dict[str, Waiting]:
    """All networks, checked and not yet read: that every key has its place, and that the networks belong together.

    Raises MissingModelError.
    """
    waiting = own.open_own(folder, SYSTEM, CLASSES) if is_own(folder) else open_official(OFFICIAL.find(folder))
    config: dict[str, Any] = {name: one.network.config for name, one in waiting.items()}
    context, latents = config["unet"].context[0], config["vae"].latent_channels
    pairs = (
        ("width of the prompt and of the network's context", config["prompt"].hidden_size, context),
        ("width of CLIP's token and of the network's context", config["image_encoder"].projection_dim, context),
        ("channels of the VAE's latents and of the network", latents, config["unet"].in_channels),
    )
    check_pairs(folder, pairs)
    return waiting


def open_official(found: Mapping[Piece, Path]) -> dict[str, Waiting]:
    """The networks of the official files."""
    text = open_text_encoder(found[OPEN_CLIP])
    return {
        "unet": open_unet(found[UNIFIED_UNET]),
        "vae": open_vae(found[SD_VAE]),
        "image_encoder": open_image_encoder(found[OPEN_CLIP]),
        "prompt": Speaking(text.network, text.state, text.where, FILLER),
    }


def open_unet(path: Path, head_dim: int = HEAD_DIM, entrance_heads: int = ENTRANCE_HEADS) -> Waiting:
    """The network of unianimate_16f_32f_non_ema_223000.pth. Raises MissingModelError."""
    state = read_state(path)
    sizes = unified_sizes(shapes(state), path, entrance_heads)
    network = built(path, UnifiedUNet, {"head_dim": head_dim, **sizes})
    names = unet_names(Layout(sizes["attention_levels"], sizes["layers_per_block"]))
    return Waiting(network, translate(unfused(state), wanted(network), names, f"{path} does not fit UniAnimate's network"), path)


def open_vae(path: Path) -> Waiting:
    """The VAE of a whole Stable Diffusion checkpoint, such as v2-1_512-ema-pruned.ckpt, or of a folder in diffusers' form.

    Raises MissingModelError.
    """
    if path.with_name(CONFIG).is_file() and path.name.startswith(STEMS):
        return open_folder(path, AutoencoderKL, VAE)
    state = read_state(path, FIRST_STAGE)
    if not state:
        raise MissingModelError(f"{path} has no VAE in it (no key {FIRST_STAGE}*). Give a whole Stable Diffusion checkpoint.")
    sizes = vae_sizes(shapes(state), path)
    network = built(path, AutoencoderKL, sizes)
    names = vae_names(len(sizes["block_out_channels"]))
    return Waiting(network, translate(state, wanted(network), names, f"{path} does not fit the VAE"), path)


def open_image_encoder(path: Path, head: int = IMAGE_HEAD) -> Waiting:
    """CLIP's image side from OpenCLIP's file of the whole model. head: width of an attention head. Raises MissingModelError."""
    state = unfused({key: value for key, value in read_state(path).items() if key.startswith("visual.")})
    if "visual.proj" in state:
        state["visual.proj"] = state["visual.proj"].T
    sizes = image_sizes(shapes(state), path, head)
    network = built(path, CLIPVisionModelWithProjection, {"hidden_act": "gelu", **sizes})
    return Waiting(network, translate(state, wanted(network), IMAGE, f"{path} does not fit CLIP's image encoder"), path)


def open_text_encoder(path: Path, head: int = TEXT_HEAD) -> Waiting:
    """CLIP's text side from the same file, without its last layer, whose output UniAnimate does not read. Raises MissingModelError."""
    state = unfused({key: value for key, value in read_state(path).items() if not key.startswith("visual.")})
    sizes = text_sizes(shapes(state), path, head)
    last = f".transformer.resblocks.{sizes['num_hidden_layers']}."
    network = built(path, CLIPTextModel, {"hidden_act": "gelu", **sizes})
    keys = wanted(network)
    before = ((".", ".text_model."),) if any(key.startswith("text_model.") for key in keys) else ()  # until transformers 5
    names = KeyMap(renames=TEXT_RENAMES, ignored=((last, "the last layer is not used"), *UNSAID))
    if before:
        keys = {key.removeprefix("text_model."): shape for key, shape in keys.items()}
    values = translate(state, keys, names, f"{path} does not fit CLIP's text encoder")
    return Waiting(network, {f"text_model.{key}" if before else key: value for key, value in values.items()}, path)
