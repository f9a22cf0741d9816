"""Recorded weights, laid out as the official files are, become the same networks through the tables of names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from animato.core.errors import MissingModelError
from animato.weights.animate_anyone import PUBLISHED, convert, read
from animato.weights.referenced import Networks, open_weights
from moore import denoiser, pose_guider, reference_net, sidecar, weights

RECORDED = pytest.mark.parity("moore_denoising_unet_ref*.safetensors")
PLACES = {  # component -> its official file
    "reference_unet": "reference_unet.pth",
    "denoising_unet": "denoising_unet.pth",
    "motion_module": "motion_module.pth",
    "pose_guider": "pose_guider.pth",
    "vae": "sd-vae-ft-mse/diffusion_pytorch_model.safetensors",
    "image_encoder": "image_encoder/pytorch_model.bin",
}


def official(file: Path, folder: Path) -> Path:
    """The weights of a recorded file as the official files hold them, under the published keys."""
    for component, place in PLACES.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (save_file if place.endswith(".safetensors") else torch.save)(weights(file, component), folder / place)
    meta = sidecar(file)
    write_config(folder / "sd-vae-ft-mse", {"_class_name": "AutoencoderKL", **meta["vae_config"]})
    clip = {"architectures": ["CLIPVisionModelWithProjection"], "model_type": "clip_vision_model"}
    write_config(folder / "image_encoder", clip | meta["clip_config"])
    return folder


def write_config(folder: Path, config: dict[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(config))


def assert_recorded(found: Networks, file: Path) -> None:
    meant = {"reference_net": reference_net(file), "denoiser": denoiser(file), "pose_guider": pose_guider(file)}
    for name, network in meant.items():
        assert_state(getattr(found, name), network.state_dict())
        assert as_lists(getattr(found, name).config) == as_lists(network.config)
    assert_state(found.vae, weights(file, "vae"))
    assert_state(found.image_encoder, weights(file, "image_encoder"))


def assert_state(network: torch.nn.Module, meant: dict[str, torch.Tensor]) -> None:
    state = network.state_dict()
    assert state.keys() == meant.keys() and all(torch.equal(value, meant[key]) for key, value in state.items())


def as_lists(config: Any) -> Any:
    """A configuration without what only says who wrote it, as JSON gives it."""
    return json.loads(json.dumps({key: value for key, value in config.items() if not key.startswith("_")}))


@RECORDED
def test_official_files(fixture_file: Path, tmp_path: Path) -> None:
    assert_recorded(read(official(fixture_file, tmp_path)), fixture_file)


@RECORDED
def test_own_folder(fixture_file: Path, tmp_path: Path) -> None:
    convert(official(fixture_file, tmp_path / "official"), tmp_path / "own")
    assert_recorded(read(tmp_path / "own"), fixture_file)


@RECORDED
def test_one_key_less_is_refused(fixture_file: Path, tmp_path: Path) -> None:
    """The flicker of this field: a motion module of which something has not been loaded."""
    path = official(fixture_file, tmp_path) / "motion_module.pth"
    state = torch.load(path)
    state.pop("mid_block.motion_modules.0.temporal_transformer.proj_out.weight")
    torch.save(state, path)
    with pytest.raises(MissingModelError, match=r"1 missing: mid_block\.motion_modules\.0\.proj_out\.weight"):
        open_weights(PUBLISHED, tmp_path)
