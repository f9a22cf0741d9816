"""Weights of systems with a ReferenceNet and a Pose Guider: which file feeds which network, under which names.

They are read from official files or from the project's folder. The published code begins with Stable Diffusion 1.5's U-Net, lays
motion_module.pth over it and then denoising_unet.pth, without insisting on anything. Together the two hold every key of the denoiser, so
nothing of the base is left; here they must, and the base serves training. The files of all such systems have the same keys and, but for
the tables of positions, the same shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn
from transformers import CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.core.progress import Progress, silent
from animato.models.pose_guider import PoseGuider
from animato.models.temporal import TemporalAttentionSpec
from animato.models.unet import UNet
from animato.weights import own
from animato.weights.about import About, is_own
from animato.weights.blank import Waiting, built, wanted
from animato.weights.files import Official, Piece
from animato.weights.keymap import IDENTITY, KeyMap, shapes, translate
from animato.weights.official import shared as files
from animato.weights.read import read_state
from animato.weights.shared import (
    HEADS,
    IMAGE_ENCODER,
    MODULES,
    MOTION,
    VAE,
    check_pairs,
    check_positions,
    fill,
    open_folder,
    write,
    write_converted,
)
from animato.weights.sizes import pose_guider_sizes, unet_sizes


class Networks(NamedTuple):
    """All networks of a system, filled, in the order of CLASSES."""

    reference_net: UNet
    denoiser: UNet
    pose_guider: PoseGuider
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection


CLASSES: Mapping[str, type[nn.Module]] = {  # by their folders in the project's form, named as the published files
    "reference_unet": UNet,
    "denoising_unet": UNet,
    "pose_guider": PoseGuider,
    "vae": AutoencoderKL,
    "image_encoder": CLIPVisionModelWithProjection,
}


REFERENCE_FROM_BASE = KeyMap(ignored=((".conv_norm_out.", "a ReferenceNet has no end"), (".conv_out.", "a ReferenceNet has no end")))


@dataclass(frozen=True)
class Published:
    """A system whose weights are of this form. positions: rows of its table, by which alone its files can be told from another's."""

    official: Official
    positions: int

    def read(
        self, folder: Path, dtype: torch.dtype | None = torch.float32, device: torch.device | str = "cpu", progress: Progress = silent
    ) -> Networks:
        """All networks of the system, from the official files or from a folder in the project's form.

        dtype   what the tensors become, one by one; None: each stays as its file has it
        Everything is checked before anything is read. On a CPU, tensors that are of that type already stay mapped to their file and are
        read when they are used: at full size (10 GB of files in fp32) that takes no time and no memory, converting to fp16 5 GiB and some
        seconds. Raises MissingModelError.
        """
        return Networks(*fill(open_weights(self, folder), dtype, device, progress))

    def convert(self, folder: Path, out: Path, dtype: torch.dtype = torch.float32, progress: Progress = silent) -> None:
        """Writes the networks of a folder in the project's form, one after the other: 3 GiB of memory at full size in fp16.

        Raises MissingModelError, OutputError.
        """
        write_converted(open_weights(self, folder), folder, out, self.official.system, dtype, progress)

    def convert_base(self, folder: Path, out: Path, dtype: torch.dtype = torch.float32, progress: Progress = silent) -> None:
        """Writes, in the same form, what the first stage of training begins with (`open_base`). Raises MissingModelError, OutputError."""
        about_base = About(self.official.system, "Stable Diffusion 1.5, to begin training with")
        write(open_base(self, folder), out, about_base, dtype, progress)


def open_weights(system: Published, folder: Path) -> dict[str, Waiting]:
    """All networks, checked and not yet read: that every key has its place, and that the networks belong together."""
    if is_own(folder):
        waiting = own.open_own(folder, system.official.system, CLASSES)
    else:
        waiting = open_official(system.official.find(folder), system.positions)
    config: dict[str, Any] = {name: one.network.config for name, one in waiting.items()}
    if config["denoising_unet"].temporal is None:
        raise MissingModelError(f"The denoiser in {folder} has no motion module: it is for training to begin with, not to be used.")
    _check_together(folder, config)
    return waiting


def open_official(found: Mapping[Piece, Path], positions: int) -> dict[str, Waiting]:
    """The networks of the official files."""
    return {
        "reference_unet": _reference_net(found[files.REFERENCE_UNET]),
        "denoising_unet": _denoiser(found[files.DENOISING_UNET], found[files.MOTION_MODULE], positions),
        "pose_guider": _pose_guider(found[files.POSE_GUIDER]),
        **_encoders(found),
    }


def open_base(system: Published, folder: Path) -> dict[str, Waiting]:
    """Stable Diffusion's U-Net twice, as ReferenceNet and as denoiser without motion module, a new Pose Guider, VAE and image encoder."""
    found = system.official.find(folder, (files.BASE_UNET, files.VAE, files.IMAGE_ENCODER))
    path = found[files.BASE_UNET]
    state = read_state(path)
    denoiser = built(path, UNet, {"heads": HEADS, **unet_sizes(shapes(state))})
    guider = PoseGuider(denoiser.config.block_out_channels[0])
    waiting = {
        "reference_unet": _reference_net(path, REFERENCE_FROM_BASE),
        "denoising_unet": Waiting(denoiser, translate(state, wanted(denoiser), IDENTITY, f"{path} does not fit the denoiser"), path),
        "pose_guider": Waiting(guider, guider.state_dict()),
        **_encoders(found),
    }
    _check_together(folder, {name: one.network.config for name, one in waiting.items()})
    return waiting


def _encoders(found: Mapping[Piece, Path]) -> dict[str, Waiting]:
    return {
        "vae": open_folder(found[files.VAE], AutoencoderKL, VAE),
        "image_encoder": open_folder(found[files.IMAGE_ENCODER], CLIPVisionModelWithProjection, IMAGE_ENCODER),
    }


def _reference_net(path: Path, keymap: KeyMap = IDENTITY) -> Waiting:
    state = read_state(path)
    network = built(path, UNet, {"out_channels": None, "heads": HEADS, **unet_sizes(shapes(state))})
    return Waiting(network, translate(state, wanted(network), keymap, f"{path} does not fit the ReferenceNet"), path)


def _denoiser(path: Path, motion_path: Path, positions: int) -> Waiting:
    state, motion = read_state(path), read_state(motion_path)
    check_positions(motion, motion_path, positions)
    temporal = TemporalAttentionSpec(HEADS, positions, middle=True, norm="frame")
    network = built(path, UNet, {"heads": HEADS, "temporal": temporal, **unet_sizes(shapes(state))})
    both = wanted(network)
    spatial = {key: shape for key, shape in both.items() if MODULES not in key}
    temporals = {key: shape for key, shape in both.items() if MODULES in key}
    values = translate(state, spatial, IDENTITY, f"{path} does not fit the denoiser without its motion module")
    values |= translate(motion, temporals, MOTION, f"{motion_path} does not fit the denoiser's motion module")
    return Waiting(network, values, f"{path} and {motion_path.name}")


def _pose_guider(path: Path) -> Waiting:
    state = read_state(path)
    network = built(path, PoseGuider, pose_guider_sizes(shapes(state)))
    return Waiting(network, translate(state, wanted(network), IDENTITY, f"{path} does not fit the Pose Guider"), path)


def _check_together(folder: Path, config: Mapping[str, Any]) -> None:
    """That what one network makes fits the next one: widths that no single file can be wrong about. Raises MissingModelError."""
    reference, denoiser = config["reference_unet"], config["denoising_unet"]
    pairs = (
        ("channels of the ReferenceNet and of the denoiser", list(reference.block_out_channels), list(denoiser.block_out_channels)),
        ("layers of the ReferenceNet and of the denoiser", reference.layers_per_block, denoiser.layers_per_block),
        ("channels of the Pose Guider's features and of the denoiser", config["pose_guider"].out_channels, denoiser.block_out_channels[0]),
        ("width of CLIP's token and of the denoiser's context", config["image_encoder"].projection_dim, denoiser.cross_attention_dim),
        ("width of CLIP's token and of the ReferenceNet's context", config["image_encoder"].projection_dim, reference.cross_attention_dim),
        ("channels of the VAE's latents and of the denoiser", config["vae"].latent_channels, denoiser.in_channels),
        ("channels of the VAE's latents and of the ReferenceNet", config["vae"].latent_channels, reference.in_channels),
    )
    check_pairs(folder, pairs)
