"""Small weight files in the layout of the official ones. Published names are written out here, not taken from the tables under test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.weights.referenced import Networks
from tiny import randomised

State = dict[str, Tensor]
Save = Callable[[State, Path], None]

BLOCK = "transformer_blocks.0"
MODULE = {  # a layer of this project's temporal module -> the same in motion_module.pth
    "norm": "temporal_transformer.norm",
    "proj_in": "temporal_transformer.proj_in",
    f"{BLOCK}.norm1": f"temporal_transformer.{BLOCK}.norms.0",
    f"{BLOCK}.attn1.to_q": f"temporal_transformer.{BLOCK}.attention_blocks.0.to_q",
    f"{BLOCK}.attn1.to_k": f"temporal_transformer.{BLOCK}.attention_blocks.0.to_k",
    f"{BLOCK}.attn1.to_v": f"temporal_transformer.{BLOCK}.attention_blocks.0.to_v",
    f"{BLOCK}.attn1.to_out.0": f"temporal_transformer.{BLOCK}.attention_blocks.0.to_out.0",
    f"{BLOCK}.norm2": f"temporal_transformer.{BLOCK}.norms.1",
    f"{BLOCK}.attn2.to_q": f"temporal_transformer.{BLOCK}.attention_blocks.1.to_q",
    f"{BLOCK}.attn2.to_k": f"temporal_transformer.{BLOCK}.attention_blocks.1.to_k",
    f"{BLOCK}.attn2.to_v": f"temporal_transformer.{BLOCK}.attention_blocks.1.to_v",
    f"{BLOCK}.attn2.to_out.0": f"temporal_transformer.{BLOCK}.attention_blocks.1.to_out.0",
    f"{BLOCK}.norm3": f"temporal_transformer.{BLOCK}.ff_norm",
    f"{BLOCK}.ff.net.0.proj": f"temporal_transformer.{BLOCK}.ff.net.0.proj",
    f"{BLOCK}.ff.net.2": f"temporal_transformer.{BLOCK}.ff.net.2",
    "proj_out": "temporal_transformer.proj_out",
}
VAE_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}  # diffusers' names since 0.17 -> before


def tiny_networks(seed: int = 0, cross: int = 24, positions: int = 32) -> Networks:
    """Animate Anyone's networks at the size of a thumbnail, with random weights everywhere; MusePose's with 128 positions."""
    shape: dict[str, Any] = {"block_out_channels": (32, 64), "layers_per_block": 1, "attention_levels": (True, False)}
    temporal: dict[str, Any] = {"kind": "attention", "heads": 8, "positions": positions, "middle": True, "norm": "frame"}
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    clip = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14, projection_dim=cross
    )
    networks = Networks(
        UNet(out_channels=None, cross_attention_dim=cross, **shape),
        UNet(temporal=temporal, cross_attention_dim=cross, **shape),
        PoseGuider(32, (8, 16, 24)),
        AutoencoderKL(block_out_channels=(8, 16), norm_num_groups=4, latent_channels=4, **blocks),
        CLIPVisionModelWithProjection(clip),
    )
    return Networks(*(randomised(network, seed + i) for i, network in enumerate(networks)))


def plain(state: State, path: Path) -> None:
    torch.save(state, path)


def legacy(state: State, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def wrapped(state: State, path: Path) -> None:
    """As a trainer saves it: beside its own counters, each key behind the prefix of data-parallel training."""
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}, "global_step": 7}, path)


def shards(state: State, path: Path) -> None:
    """In two files and an index, as diffusers and transformers write what is large. `path` is the index's."""
    stem, kind = path.name.split(".")[:2]
    names = [f"{stem}-0000{i}-of-00002.{kind}" for i in (1, 2)]
    locations = {key: names[i % 2] for i, key in enumerate(state)}
    for name in names:
        part = {key: value for key, value in state.items() if locations[key] == name}
        (save_file if kind == "safetensors" else torch.save)(part, path.parent / name)
    path.write_text(json.dumps({"metadata": {"total_size": sum(value.nbytes for value in state.values())}, "weight_map": locations}))


FORMATS: dict[str, tuple[str, Save]] = {
    "pth": (".pth", plain),
    "ckpt": (".ckpt", wrapped),
    "bin": (".bin", plain),
    "safetensors": (".safetensors", save_file),
    "before 2020": (".pth", legacy),
    "sharded": (".safetensors.index.json", shards),
    "sharded pickles": (".bin.index.json", shards),
    "sharded halves": (".safetensors.index.fp16.json", shards),
}


def official(folder: Path, networks: Networks, form: str = "pth", old_vae: bool = False) -> Path:
    """The networks as official files."""
    ending, save = FORMATS[form]
    vae = old_vae_names(networks.vae.state_dict()) if old_vae else networks.vae.state_dict()
    spatial, motion = denoiser_files(networks.denoiser)
    states = {
        "reference_unet": networks.reference_net.state_dict(),
        "denoising_unet": spatial,
        "motion_module": motion,
        "pose_guider": networks.pose_guider.state_dict(),
        "sd-vae-ft-mse/diffusion_pytorch_model": vae,
        "image_encoder/pytorch_model": image_encoder_file(networks.image_encoder),
    }
    for name, state in states.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save({key: value.clone() for key, value in state.items()}, folder / f"{name}{ending}")
    networks.vae.save_config(folder / "sd-vae-ft-mse")
    config = networks.image_encoder.config.to_dict() | {"architectures": ["CLIPVisionModelWithProjection"]}
    CLIPVisionConfig.from_dict(config).save_pretrained(folder / "image_encoder")
    return folder


def denoiser_files(denoiser: UNet) -> tuple[State, State]:
    """What denoising_unet.pth and motion_module.pth hold of a denoiser."""
    state = denoiser.state_dict()
    motion = {motion_key(key): value for key, value in state.items() if ".motion_modules." in key}
    tables = {
        key.replace("to_q.weight", "pos_encoder.pe"): positions(denoiser.config.temporal["positions"], value.shape[0])
        for key, value in motion.items()
        if key.endswith("to_q.weight")
    }
    return {key: value for key, value in state.items() if ".motion_modules." not in key}, motion | tables


def motion_key(key: str) -> str:
    """down_blocks.0.motion_modules.1.LAYER.weight with its layer under the published name."""
    level, number, layer = *key.split(".motion_modules.")[0:1], *key.split(".motion_modules.")[1].split(".", 1)
    layer, kind = layer.rsplit(".", 1)
    return f"{level}.motion_modules.{number}.{MODULE[layer]}.{kind}"


def positions(frames: int, channels: int) -> Tensor:  # 1 F C
    """The table of a motion module, by a loop over its formula."""
    table = torch.zeros(1, frames, channels)
    for p in range(frames):
        for i in range(channels // 2):
            angle = torch.tensor(p * 10000 ** (-2 * i / channels), dtype=torch.float64)
            table[0, p, 2 * i], table[0, p, 2 * i + 1] = angle.sin(), angle.cos()
    return table


def old_vae_names(state: State, convolution: bool = False) -> State:
    """A VAE's tensors under the names of before diffusers 0.17; on request with 1x1 convolutions, as in the first of all."""
    old = {}
    for key, value in state.items():
        for new, name in VAE_ATTENTION.items():
            if f".attentions.0.{new}." in key:
                key = key.replace(f".{new}.", f".{name}.")
                value = value[..., None, None] if convolution and value.ndim == 2 else value
        old[key] = value
    return old


def image_encoder_file(encoder: CLIPVisionModelWithProjection) -> State:
    """CLIP's tensors with the numbers of its positions, which older versions of transformers stored."""
    count = encoder.vision_model.embeddings.num_positions
    return encoder.state_dict() | {"vision_model.embeddings.position_ids": torch.arange(count).unsqueeze(0)}


def refused(read: Callable[[Path], object], folder: Path, words: str) -> None:
    """A folder's weights are not read, and the sentence says why."""
    with pytest.raises(MissingModelError, match=words):
        read(folder)


def signed(folder: Path, system: str) -> None:
    """A folder of the project's form says that it is another system's."""
    said = json.loads((folder / "animato.json").read_text())
    (folder / "animato.json").write_text(json.dumps(said | {"system": system}))
