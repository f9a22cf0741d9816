"""Networks with recorded weights: built from a UniAnimate file and its sidecar, whatever its sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from animato.models.unified import Given, UnifiedUNet
from animato.weights.blank import wanted
from animato.weights.keymap import shapes, translate
from animato.weights.uni_animate_names import Layout, unet_names, unfused, unified_sizes
from moore import frames_second, sidecar, tensors


def recorded_weights(file: Path, component: str) -> dict[str, Tensor]:
    """The component's tensors, from the file itself or from the one beside it that its sidecar names."""
    other = sidecar(file).get("weights_from")
    prefix = f"weights.{component}."
    stored = tensors(file.with_name(f"{other}.safetensors") if other else file)
    return {key.removeprefix(prefix): value.float() for key, value in stored.items() if key.startswith(prefix)}


def network(file: Path) -> UnifiedUNet:
    state = recorded_weights(file, "unet")
    config: dict[str, Any] = sidecar(file)["config"]
    config = config.get("unet", config)
    sizes = unified_sizes(shapes(state), file, config["num_heads"])
    net = UnifiedUNet(head_dim=config["head_dim"], **sizes)
    names = unet_names(Layout(sizes["attention_levels"], sizes["layers_per_block"]))
    net.load_state_dict(translate(unfused(state), wanted(net), names, file.name))
    return net.eval()


def given(recorded: dict[str, Tensor], keys: list[str]) -> Given:
    """The recorded conditions with these published names, and none of the others."""
    clips = {key: frames_second(recorded[f"inputs.{key}"]) for key in ("dwpose", "randomref", "local_image") if key in keys}
    reference, poses = clips.get("randomref"), clips.get("dwpose")
    return Given(
        image=recorded["inputs.image"] if "image" in keys else None,
        reference=None if reference is None else reference[:, :1],
        reference_pose=None if poses is None else poses[:, :1],
        poses=None if poses is None else poses[:, 1:],
        first_frame=clips.get("local_image"),
    )


def whole_checkpoint(file: Path) -> dict[str, Tensor]:
    """The recorded VAE as a part of a Stable Diffusion checkpoint, which holds a U-Net as well."""
    state = recorded_weights(file, "vae")
    first = "" if any(key.startswith("first_stage_model.") for key in state) else "first_stage_model."
    return {f"{first}{key}": value for key, value in state.items()} | {"model.diffusion_model.out.2.bias": torch.zeros(4)}
