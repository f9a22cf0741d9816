"""The tables of names are a one-to-one match of the published keys with the networks' keys, at full size; any departure is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.weights.blank import blank, wanted
from animato.weights.keymap import IDENTITY, KeyMap, Shapes, match, translate
from animato.weights.official.animate_anyone import OFFICIAL
from animato.weights.referenced import REFERENCE_FROM_BASE
from animato.weights.shared import IMAGE_ENCODER, MODULES, MOTION, TABLE, VAE, is_sinusoid
from animato.weights.sizes import pose_guider_sizes, unet_sizes
from recorded import PARITY
from weight_files import motion_key, positions

MANIFESTS = PARITY.parent / "manifests" / "animate_anyone"
needs_manifests = pytest.mark.skipif(not MANIFESTS.is_dir(), reason=f"no lists of published keys in {MANIFESTS}")

TEMPORAL: dict[str, Any] = {"kind": "attention", "heads": 8, "positions": 32, "middle": True, "norm": "frame"}
VIT_L = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "patch_size": 14,
    "projection_dim": 768,
}
SD_VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
}

Build = Callable[[], nn.Module]
REFERENCE_NET: Build = partial(UNet, out_channels=None)
DENOISER: Build = partial(UNet, temporal=TEMPORAL)
LONG_DENOISER: Build = partial(UNet, temporal=TEMPORAL | {"positions": 128})
STAGE_1: Build = UNet
PUBLISHED: dict[str, tuple[Build, KeyMap]] = {  # list of published keys -> the network that they feed, by which table
    "reference_unet": (REFERENCE_NET, IDENTITY),
    "denoising_unet": (STAGE_1, IDENTITY),
    "denoising_unet_full_moore": (DENOISER, MOTION),
    "denoising_unet_full_musepose": (LONG_DENOISER, MOTION),
    "pose_guider": (PoseGuider, IDENTITY),
    "sd15_unet": (REFERENCE_NET, REFERENCE_FROM_BASE),
    "sd_vae_ft_mse": (lambda: AutoencoderKL(**SD_VAE), VAE),
    "sd_vae_ft_mse_deprecated_names": (lambda: AutoencoderKL(**SD_VAE), VAE),
    "image_encoder": (lambda: CLIPVisionModelWithProjection(CLIPVisionConfig(**VIT_L)), IMAGE_ENCODER),
}


def published(name: str) -> dict[str, tuple[int, ...]]:
    return {key: tuple(shape) for key, shape in json.loads((MANIFESTS / f"{name}.json").read_text())["keys"].items()}


def assert_one_to_one(given: Shapes, wanted: Shapes, keymap: KeyMap) -> None:
    found = match(given, wanted, keymap)
    assert found.complaint() == ""
    assert found.sources.keys() == wanted.keys()
    used = list(found.sources.values())
    assert len(set(used)) == len(used)
    assert set(given) - set(used) == {key for key in given if keymap.drops(key)}


@needs_manifests
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_keys_one_to_one(name: str) -> None:
    build, keymap = PUBLISHED[name]
    assert_one_to_one(published(name), wanted(blank(build)), keymap)


@needs_manifests
@pytest.mark.parametrize(
    ("name", "positions"), [("motion_module_moore", 32), ("motion_module_musepose", 128), ("animatediff_mm_sd_v15_v2_expected", 32)]
)
def test_motion_modules_one_to_one(name: str, positions: int) -> None:
    keys = published(name)
    assert {shape[1] for key, shape in keys.items() if TABLE in key} == {positions}
    modules = {key: shape for key, shape in wanted(blank(DENOISER)).items() if MODULES in key}
    assert_one_to_one(keys, modules, MOTION)
    assert sum(map(MOTION.drops, keys)) == 42


@needs_manifests
def test_places_of_older_image_encoders_are_dropped() -> None:
    build, keymap = PUBLISHED["image_encoder"]
    positions = {"vision_model.embeddings.position_ids": (1, 257)}
    assert_one_to_one(published("image_encoder") | positions, wanted(blank(build)), keymap)


@needs_manifests
def test_sizes_that_are_announced_are_those_of_the_lists() -> None:
    lists = ("reference_unet", "denoising_unet", "motion_module_moore", "pose_guider", "sd_vae_ft_mse", "image_encoder", "sd15_unet")
    for piece, name in zip(OFFICIAL.pieces, lists, strict=True):
        assert piece.size == 4 * sum(torch.Size(shape).numel() for shape in published(name).values())


def test_spatial_names_are_those_of_diffusers() -> None:
    """Without any list at hand: the U-Net of Stable Diffusion 1.5, as diffusers builds it, is the published denoising_unet.pth."""
    stock = wanted(blank(lambda: UNet2DConditionModel(cross_attention_dim=768)))
    assert len(stock) == 686
    assert_one_to_one(stock, wanted(blank(STAGE_1)), IDENTITY)
    assert_one_to_one(stock, wanted(blank(REFERENCE_NET)), REFERENCE_FROM_BASE)


def test_temporal_names_written_out() -> None:
    """Without any list at hand: the published names, written out in weight_files."""
    modules = {key: shape for key, shape in wanted(blank(DENOISER)).items() if MODULES in key}
    keys = {motion_key(key): shape for key, shape in modules.items()}
    tables = {key.replace("to_q.weight", "pos_encoder.pe"): (1, 32, shape[0]) for key, shape in keys.items() if "to_q" in key}
    assert len(keys | tables) == 588 and len(tables) == 42
    assert_one_to_one(keys | tables, modules, MOTION)


def test_sizes_are_read_from_shapes() -> None:
    for sizes in (
        {
            "in_channels": 9,
            "block_out_channels": (32, 64),
            "layers_per_block": 3,
            "attention_levels": (False, True),
            "cross_attention_dim": 40,
        },
        {
            "in_channels": 4,
            "block_out_channels": (32, 32, 96),
            "layers_per_block": 1,
            "attention_levels": (True, False, True),
            "cross_attention_dim": 16,
        },
    ):
        for out_channels in (None, 4):
            assert unet_sizes(wanted(blank(partial(UNet, out_channels=out_channels, **sizes)))) == sizes
    guider = wanted(blank(lambda: PoseGuider(64, (8, 16, 24, 48))))
    assert pose_guider_sizes(guider) == {"out_channels": 64, "block_out_channels": (8, 16, 24, 48)}
    assert unet_sizes(guider) == {} == pose_guider_sizes({})
    assert unet_sizes({"down_blocks.1.resnets.0.conv1.weight": (32, 32, 3, 3), "mid_block.attn2.to_k.weight": (32, 24)}) == {}


KEYS: Shapes = wanted(blank(lambda: PoseGuider(32, (8, 16))))


@given(st.data())
def test_any_departure_is_told(data: st.DataObject) -> None:
    """Keys taken away, renamed or of another shape: each is named, and nothing else is."""
    gone = data.draw(st.sets(st.sampled_from(sorted(KEYS)), max_size=3))
    other = data.draw(st.sets(st.sampled_from(sorted(KEYS)), max_size=3)) - gone
    extra = data.draw(st.sets(st.text("abc.", min_size=1), max_size=3))
    keys = {key: (*shape, 2) if key in other else shape for key, shape in KEYS.items() if key not in gone} | dict.fromkeys(extra, (5,))
    found = match(keys, KEYS)
    assert [text.split(" ")[0] for text in found.missing] == [key for key in KEYS if key in gone]
    assert {text.split(" ")[0] for text in found.misshapen} == other
    assert {text.removesuffix(" [5]") for text in found.unknown} == extra
    assert (found.complaint() == "") == (not gone | other | extra)


def test_a_long_complaint_names_three_of_each_and_counts_the_rest() -> None:
    complaint = match({f"new.{i}": (i,) for i in range(9)}, {f"old.{i}": (i,) for i in range(4)}).complaint()
    assert complaint == "4 missing: old.0 [0], old.1 [1], old.2 [2] and 1 more; 9 unknown: new.0 [0], new.1 [1], new.2 [2] and 6 more"


def test_only_named_parts_lose_trailing_axes() -> None:
    """A 1x1 convolution becomes a linear layer where the table says so, and nowhere else."""
    keymap = KeyMap(renames=((".old.", ".new."),), flattened=(".old.",))
    value = torch.arange(6.0).reshape(2, 3, 1, 1)
    flat = translate({"a.old.weight": value}, {"a.new.weight": (2, 3)}, keymap, "it")["a.new.weight"]
    assert torch.equal(flat, value[:, :, 0, 0]) and flat.data_ptr() == value.data_ptr()
    assert translate({"a.old.weight": torch.ones(2, 1)}, {"a.new.weight": (2, 1)}, keymap, "it")["a.new.weight"].shape == (2, 1)
    for state in ({"a.new.weight": value}, {"a.old.weight": torch.ones(2, 3, 1, 2)}, {"a.old.weight": torch.ones(3, 2, 1, 1)}):
        with pytest.raises(MissingModelError, match="1 of another shape"):
            translate(state, {"a.new.weight": (2, 3)}, keymap, "it")


def test_tables_of_positions_are_checked_as_exactly_as_they_are_stored() -> None:
    table = positions(32, 64)
    assert is_sinusoid(table) and is_sinusoid(table.half()) and is_sinusoid(table.bfloat16())
    assert not is_sinusoid(table + 1e-4) and not is_sinusoid(table[0]) and not is_sinusoid(table.flip(1))
    assert not is_sinusoid((table + 0.01).half())
