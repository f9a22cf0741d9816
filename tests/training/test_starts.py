"""Training begins from a ControlNet's embedding and AnimateDiff's motion modules as published, strictly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from animato.core.errors import InputError, MissingModelError
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.training.recipe import Networks
from animato.training.referenced import referenced_networks
from tiny import randomised
from weight_files import State, denoiser_files, plain, positions

UNET = {"block_out_channels": [32, 64], "layers_per_block": 1, "attention_levels": [True, False], "cross_attention_dim": 24}
TEMPORAL = {"kind": "attention", "heads": 8, "positions": 32, "middle": True, "norm": "frame"}
RECIPE = Networks(unet=UNET, temporal=TEMPORAL, guider=[4, 8, 8])
EMBEDDING = {  # layer of a Pose Guider -> the same in a ControlNet
    "conv_in": "controlnet_cond_embedding.conv_in",
    **{f"blocks.{i}": f"controlnet_cond_embedding.blocks.{i}" for i in range(4)},
}


@pytest.fixture(scope="module")
def guider() -> PoseGuider:
    return randomised(PoseGuider(32, (4, 8, 8)), 1)


@pytest.fixture(scope="module")
def denoiser() -> UNet:
    return randomised(UNet(temporal=TEMPORAL, **UNET), 2)  # type: ignore[arg-type]


def controlnet(guider: PoseGuider) -> State:
    """The embedding, with a last layer of another width, beside the rest of a ControlNet."""
    state = guider.state_dict()
    embedding = {f"{name}.{kind}": state[f"{layer}.{kind}"] for layer, name in EMBEDDING.items() for kind in ("weight", "bias")}
    last = {"controlnet_cond_embedding.conv_out.weight": torch.ones(64, 8, 3, 3), "controlnet_cond_embedding.conv_out.bias": torch.ones(64)}
    return embedding | last | {"conv_in.weight": torch.ones(32, 4, 3, 3), "controlnet_mid_block.bias": torch.ones(64)}


def begun(**changes: str) -> dict[str, Tensor]:
    return dict(referenced_networks(replace(RECIPE, **changes), 0).state_dict())  # type: ignore[arg-type]


def test_the_guider_begins_as_a_controlnet(guider: PoseGuider, tmp_path: Path) -> None:
    """All but its last layer, which stays zero; nothing else changes. A folder will do, and a file of the embedding alone."""
    whole = controlnet(guider)
    save_file(whole, tmp_path / "diffusion_pytorch_model.safetensors")
    plain({key: value for key, value in whole.items() if "embedding" in key and "conv_out" not in key}, tmp_path / "part.bin")
    without = begun()
    for path in (tmp_path, tmp_path / "part.bin"):
        networks = begun(guider_start=str(path))
        for key, value in guider.state_dict().items():
            assert torch.equal(networks[f"pose_guider.{key}"], 0 * value if "conv_out" in key else value)
        assert all(torch.equal(value, without[key]) for key, value in networks.items() if not key.startswith("pose_guider."))


@pytest.mark.parametrize("positions", [32, 128])
def test_motion_begins_as_animatediff(positions: int, denoiser: UNet, tmp_path: Path) -> None:
    """Animate Anyone's with as many positions as the file, MusePose's with more."""
    plain(motion(denoiser), tmp_path / "mm.ckpt")
    recipe = replace(RECIPE, temporal=TEMPORAL | {"positions": positions}, motion_start=str(tmp_path / "mm.ckpt"))
    networks, without = referenced_networks(recipe, 0).denoising_unet.state_dict(), referenced_networks(replace(recipe, motion_start=""), 0)
    for key, value in networks.items():
        meant = denoiser.state_dict() if ".motion_modules." in key else without.denoising_unet.state_dict()
        assert torch.equal(value, meant[key]), key


def motion(denoiser: UNet) -> State:
    return denoiser_files(denoiser)[1]


def lost(state: State, part: str) -> State:
    return {key: value for key, value in state.items() if part not in key}


BAD_GUIDERS: dict[str, tuple[Callable[[State], State], str]] = {
    "a layer lost": (lambda s: lost(s, "blocks.3"), r"does not fit the Pose Guider: 2 missing: blocks\.3\.weight \[8, 8, 3, 3\]"),
    "other widths": (
        lambda s: s | {"controlnet_cond_embedding.blocks.3.bias": torch.ones(9)},
        r"1 of another shape: blocks\.3\.bias \[9\] instead of \[8\]",
    ),
    "a layer more": (lambda s: s | {"controlnet_cond_embedding.blocks.4.bias": torch.ones(9)}, r"1 unknown: blocks\.4\.bias \[9\]"),
    "no ControlNet": (lambda s: lost(s, "embedding") | {"down_blocks.0.bias": torch.ones(1)}, "looks like a U-Net without an end"),
}
BAD_MOTIONS: dict[str, tuple[Callable[[State], State], str]] = {
    "a tensor lost": (
        lambda s: lost(s, "0.temporal_transformer.norm.bias"),
        r"denoiser's motion modules: \d+ missing: down_blocks\.0\.motion",
    ),
    "AnimateDiff's first, of 24 positions": (
        lambda s: lost({key: value[:, :24] if key.endswith(".pe") else value for key, value in s.items()}, "mid_block"),
        r"26 missing: mid_block\.motion_modules\.0\.norm\.weight",
    ),
    "more positions": (
        lambda s: {key: positions(40, value.shape[2]) if key.endswith(".pe") else value for key, value in s.items()},
        r"knows 40 positions, the denoiser 32: .*set networks\.temporal\.positions = 40",
    ),
    "another table": (
        lambda s: {key: value + 0.1 * key.endswith(".pe") for key, value in s.items()},
        "should hold what is known without it",
    ),
    "spatial keys": (lambda s: s | {"conv_in.bias": torch.ones(32)}, r"1 unknown: conv_in\.bias"),
}


@pytest.mark.parametrize("kind", [*BAD_GUIDERS, *BAD_MOTIONS])
def test_bad_files_to_begin_with(kind: str, guider: PoseGuider, denoiser: UNet, tmp_path: Path) -> None:
    """ControlNets for a Pose Guider, AnimateDiff's files for motion modules."""
    spoil, expected = (BAD_GUIDERS | BAD_MOTIONS)[kind]
    field, state = ("guider_start", controlnet(guider)) if kind in BAD_GUIDERS else ("motion_start", motion(denoiser))
    plain(spoil(state), tmp_path / "net.bin")
    with pytest.raises(MissingModelError, match=expected):
        begun(**{field: str(tmp_path / "net.bin")})


def test_starts_that_are_no_use(guider: PoseGuider, denoiser: UNet, tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match="nowhere is no weight file, nor a folder with one"):
        begun(guider_start=str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"motion_start has nothing to begin: .*Set networks\.temporal"):
        referenced_networks(replace(RECIPE, temporal={}, motion_start="mm.ckpt"), 0)
    for name, network in (("denoising_unet", denoiser), ("reference_unet", UNet(**UNET | {"out_channels": None})), ("pose_guider", guider)):
        network.save_pretrained(tmp_path / name)
    for field in ("guider_start", "motion_start"):
        with pytest.raises(InputError, match=rf"networks\.{field} would overwrite what has learned already"):
            begun(start=str(tmp_path), **{field: "file"})
