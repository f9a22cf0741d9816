"""Networks with recorded weights: built from the sidecar of a `moore_*` or `musepose_*` file, whatever its sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet

RENAMED = (
    (".temporal_transformer.", "."),
    (".attention_blocks.0.", ".attn1."),
    (".attention_blocks.1.", ".attn2."),
    (".norms.0.", ".norm1."),
    (".norms.1.", ".norm2."),
    (".ff_norm.", ".norm3."),
)


def sidecar(file: Path) -> dict[str, Any]:
    return json.loads(file.with_suffix(".json").read_text())


def tensors(file: Path) -> dict[str, Tensor]:
    return load_file(file)


def weights(file: Path, component: str) -> dict[str, Tensor]:
    """The component's tensors in fp32, from the files that the sidecar names."""
    prefix = f"weights.{component}."
    stored = {name: value for other in sidecar(file)["weights_files"] for name, value in load_file(file.parent / other).items()}
    return {name.removeprefix(prefix): value.float() for name, value in stored.items() if name.startswith(prefix)}


def motion_weights(file: Path) -> dict[str, Tensor]:
    """Temporal weights under this project's names."""
    return renamed_motion(weights(file, "motion_module"))


def renamed_motion(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The motion modules of published weights. The tables of positions are left out: they are computed."""
    renamed = {}
    for name, value in state.items():
        for old, new in RENAMED:
            name = name.replace(old, new)
        renamed[name] = value
    return {name: value for name, value in renamed.items() if ".motion_modules." in name and not name.endswith("pos_encoder.pe")}


def shape(meta: dict[str, Any]) -> dict[str, Any]:
    config = meta["config"]
    return {
        "block_out_channels": tuple(config["block_out_channels"]),
        "layers_per_block": config["layers_per_block"],
        "heads": config["attention_head_dim"],
        "cross_attention_dim": config["cross_attention_dim"],
    }


def reference_net(file: Path) -> UNet:
    unet = UNet(out_channels=None, **shape(sidecar(file)))
    unet.load_state_dict(weights(file, "reference_unet"))
    return unet.eval()


def denoiser(file: Path, motion: bool = True) -> UNet:
    """The denoiser of the second stage, or without its temporal modules that of the first."""
    meta = sidecar(file)
    temporal = temporal_config(meta) if motion else None
    unet = UNet(temporal=temporal, **shape(meta))
    unet.load_state_dict(weights(file, "denoising_unet") | (motion_weights(file) if motion else {}))
    return unet.eval()


def temporal_config(meta: dict[str, Any]) -> dict[str, Any]:
    """As published, but for the length of the table of positions, which some sidecars tell."""
    module = meta.get("denoising_extra_kwargs", {}).get("motion_module_kwargs", {})
    positions = module.get("temporal_position_encoding_max_len", 32)
    return {"kind": "attention", "heads": meta["config"]["motion_heads"], "positions": positions, "middle": True, "norm": "frame"}


def pose_guider(file: Path) -> PoseGuider:
    meta = sidecar(file)["config"]
    guider = PoseGuider(meta["block_out_channels"][0], tuple(meta["pose_channels"]))
    guider.load_state_dict(weights(file, "pose_guider"))
    return guider.eval()


def frames_second(clip: Tensor) -> Tensor:
    """B C F H W, as recorded, <-> B F C H W."""
    return clip.transpose(1, 2)


def bank_name(module: str) -> str:
    """The spatial transformer of a recorded block."""
    return module.removesuffix(".transformer_blocks.0")


def assert_near(mine: Tensor, recorded: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(mine, recorded, atol=tolerance, rtol=0)
