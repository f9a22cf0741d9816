"""Networks with recorded weights: built from the sidecar of a `magic_*` file, whatever its sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from animato.models.controlnet import ControlNet
from animato.models.unet import UNet
from moore import assert_near, renamed_motion, sidecar, weights

FLOORS = 10  # how many times as far as a run in float32 may lie from one in float64


def near(file: Path, name: str, mine: Tensor, recorded: Tensor) -> None:
    """Within the tolerance that the sidecar tells of this output."""
    assert_near(mine, recorded, FLOORS * sidecar(file)["float64_floor"][name]["max_abs"])


def config(file: Path, network: str) -> dict[str, Any]:
    return sidecar(file)["model_config"][network]


def shape(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "in_channels": config["in_channels"],
        "block_out_channels": tuple(config["block_out_channels"]),
        "layers_per_block": config["layers_per_block"],
        "heads": config["attention_head_dim"],
        "cross_attention_dim": config["cross_attention_dim"],
    }


def temporal(file: Path) -> dict[str, Any]:
    module = config(file, "unet")["motion_module_kwargs"]
    positions = module["temporal_position_encoding_max_len"]
    middle = config(file, "unet")["motion_module_mid_block"]
    return {"kind": "attention", "heads": module["num_attention_heads"], "positions": positions, "middle": middle, "norm": "clip"}


def denoiser(file: Path) -> UNet:
    state = weights(file, "unet")
    unet = UNet(temporal=temporal(file), **shape(config(file, "unet")))
    unet.load_state_dict({key: value for key, value in state.items() if ".motion_modules." not in key} | renamed_motion(state))
    return unet.eval()


def appearance_encoder(file: Path) -> UNet:
    unet = UNet(**shape(config(file, "appearance_encoder")) | {"out_channels": 0})
    unet.load_state_dict(weights(file, "appearance_encoder"))
    return unet.eval()


def controlnet(file: Path) -> ControlNet:
    net = ControlNet(**config(file, "controlnet"))
    net.load_state_dict(weights(file, "controlnet"))
    return net.eval()


def vae(file: Path) -> AutoencoderKL:
    net = AutoencoderKL.from_config(config(file, "vae"))
    net.load_state_dict(weights(file, "vae"))
    return net.eval()


def text_encoder(file: Path) -> CLIPTextModel:
    """Its keys have lost their first word since they were published."""
    net = CLIPTextModel(CLIPTextConfig(**config(file, "text_encoder")))
    first = "" if any(key.startswith("text_model.") for key in net.state_dict()) else "text_model."
    net.load_state_dict({key.removeprefix(first): value for key, value in weights(file, "text_encoder").items()})
    return net.eval()
