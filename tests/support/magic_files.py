"""MagicAnimate's weights as small files in the layout of the official ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from animato.models.controlnet import ControlNet
from animato.models.unet import UNet
from tiny import randomised
from weight_files import State, motion_key, plain, positions

SHAPE: dict[str, Any] = {"block_out_channels": (32, 64), "layers_per_block": 1, "attention_levels": (True, False)}
TEMPORAL: dict[str, Any] = {"kind": "attention", "heads": 8, "positions": 24, "middle": False, "norm": "clip"}
VAE: dict[str, Any] = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
WORDS = {"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 514}


class Parts(NamedTuple):
    """What the official files hold."""

    denoiser: UNet
    encoder: UNet
    controlnet: ControlNet
    vae: AutoencoderKL
    text: CLIPTextModel


def tiny_parts(seed: int = 0, cross: int = 24) -> Parts:
    words = CLIPTextConfig(**WORDS | {"hidden_size": cross}, bos_token_id=0, eos_token_id=2)
    blocks = ("CrossAttnDownBlock2D", "DownBlock2D")
    parts = (
        UNet(temporal=TEMPORAL, cross_attention_dim=cross, **SHAPE),
        UNet(out_channels=0, cross_attention_dim=cross, **SHAPE),
        ControlNet(down_block_types=blocks, block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=cross),
        AutoencoderKL(block_out_channels=(8, 16), norm_num_groups=4, latent_channels=4, **VAE),
        CLIPTextModel(words),
    )
    return Parts(*(randomised(part, seed + i) for i, part in enumerate(parts)))


def denoiser_file(denoiser: UNet, rows: int = 24) -> State:
    """The whole denoiser under its published names, tables of positions included."""
    state: State = {}
    for key, value in denoiser.state_dict().items():
        name = motion_key(key) if ".motion_modules." in key else key
        state[name] = value.clone()
        if name.endswith("to_q.weight") and ".motion_modules." in name:
            state[name.replace("to_q.weight", "pos_encoder.pe")] = positions(rows, value.shape[0])
    return state


def only(state: State, motion: bool) -> State:
    return {key: value for key, value in state.items() if (".motion_modules." in key) is motion}


def text_file(encoder: CLIPTextModel) -> State:
    """As transformers wrote it before its 5th version, with the numbers of places of before its 4.31st."""
    state = {f"text_model.{key.removeprefix('text_model.')}": value.clone() for key, value in encoder.state_dict().items()}
    return state | {"text_model.embeddings.position_ids": torch.arange(77).unsqueeze(0)}


def official(folder: Path, parts: Parts, below: str = "") -> Path:
    """All files; those of MagicAnimate itself may be in a folder below. temporal_attention.ckpt holds the whole denoiser."""
    whole = denoiser_file(parts.denoiser)
    unet, words, vae = (
        folder / "stable-diffusion-v1-5" / "unet",
        folder / "stable-diffusion-v1-5" / "text_encoder",
        folder / "sd-vae-ft-mse",
    )
    written: dict[Path, State] = {
        folder / below / "temporal_attention" / "temporal_attention.ckpt": whole,
        folder / below / "appearance_encoder" / "diffusion_pytorch_model.safetensors": parts.encoder.state_dict(),
        folder / below / "densepose_controlnet" / "diffusion_pytorch_model.safetensors": parts.controlnet.state_dict(),
        unet / "diffusion_pytorch_model.bin": only(whole, motion=False),
        words / "pytorch_model.bin": text_file(parts.text),
        vae / "diffusion_pytorch_model.safetensors": parts.vae.state_dict(),
    }
    for path, state in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        (save_file if path.suffix == ".safetensors" else plain)({key: value.clone() for key, value in state.items()}, path)
    parts.controlnet.save_config(folder / below / "densepose_controlnet")
    config = folder / below / "densepose_controlnet" / "config.json"
    config.write_text(config.read_text().replace('"ControlNet"', '"ControlNetModel"'))
    parts.vae.save_config(vae)
    (unet / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')
    CLIPTextConfig.from_dict(parts.text.config.to_dict() | {"architectures": ["CLIPTextModel"]}).save_pretrained(words)
    return folder


def same(found: dict[str, Tensor], meant: dict[str, Tensor]) -> bool:
    return found.keys() == meant.keys() and all(torch.equal(value, meant[key].to(value.dtype)) for key, value in found.items())
