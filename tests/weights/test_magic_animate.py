"""MagicAnimate's official files become its networks: key by key at full size, and on small files of the same layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from animato.core.errors import MissingModelError
from animato.encoders.text import EmptyPrompt
from animato.models.controlnet import ControlNet
from animato.models.unet import UNet
from animato.systems.load import load
from animato.weights.blank import blank, wanted
from animato.weights.keymap import IDENTITY, KeyMap, match
from animato.weights.magic_animate import CLASSES, TEXT, TEXT_BEFORE, WHOLE, convert, convert_base, open_weights, read
from animato.weights.official.magic_animate import OFFICIAL
from magic_files import TEMPORAL, Parts, denoiser_file, official, only, same, tiny_parts
from recorded import PARITY
from weight_files import State, plain, refused, signed, wrapped

MANIFESTS = PARITY.parent / "manifests" / "magic_animate"
needs_manifests = pytest.mark.skipif(not MANIFESTS.is_dir(), reason=f"no lists of published keys in {MANIFESTS}")
VIT_L: dict[str, int] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
}

TEXT_MODEL = partial(CLIPTextModel, CLIPTextConfig(**VIT_L))
PUBLISHED: dict[str, tuple[Callable[[], nn.Module], KeyMap]] = {  # list of published keys -> the network that they feed, by which table
    "unet3d_full": (partial(UNet, temporal=TEMPORAL), WHOLE),
    "appearance_encoder": (partial(UNet, out_channels=0), IDENTITY),
    "densepose_controlnet": (partial(ControlNet, cross_attention_dim=768), IDENTITY),
    "sd15_text_encoder": (TEXT_MODEL, TEXT),
    "sd15_text_encoder_with_position_ids": (TEXT_MODEL, TEXT),
    "sd15_unet": (UNet, IDENTITY),
}
SIZES = {  # list -> the piece whose size it tells
    "unet3d_full": 0,
    "appearance_encoder": 1,
    "densepose_controlnet": 2,
    "sd15_unet": 3,
    "sd15_text_encoder": 4,
    "sd_vae": 5,
}


def keys(name: str) -> dict[str, tuple[int, ...]]:
    return {key: tuple(shape) for key, shape in json.loads((MANIFESTS / f"{name}.json").read_text()).items()}


@needs_manifests
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_keys_are_the_networks(name: str) -> None:
    build, table = PUBLISHED[name]
    network = wanted(blank(build))
    if table is TEXT and any(key.startswith("text_model.") for key in network):
        table = TEXT_BEFORE
    found = match(keys(name), network, table)
    assert not found.complaint() and len(found.sources) == len(network)


@needs_manifests
def test_published_motion_modules_fill_what_the_base_leaves() -> None:
    network = wanted(blank(partial(UNet, temporal=TEMPORAL)))
    found = match(keys("temporal_attention_motion_modules") | keys("sd15_unet"), network, WHOLE)
    assert not found.complaint() and len(found.sources) == len(network)


@needs_manifests
@pytest.mark.parametrize("name", SIZES)
def test_sizes_of_the_official_files(name: str) -> None:
    values = sum(torch.Size(shape).numel() for shape in keys(name).values())
    assert OFFICIAL.pieces[SIZES[name]].size == 4 * values


@pytest.fixture(scope="module")
def parts() -> Parts:
    return tiny_parts()


def temporal(folder: Path) -> Path:
    return folder / "temporal_attention" / "temporal_attention.ckpt"


def assert_parts(folder: Path, parts: Parts, dtype: torch.dtype = torch.float32) -> None:
    found = read(folder, dtype)
    for one, meant in zip(found[:4], parts[:4], strict=True):
        assert same(one.state_dict(), meant.state_dict()) and one.dtype == dtype and not one.training
    assert dict(found.denoiser.config)["temporal"] == TEMPORAL
    with torch.no_grad():
        spoken = parts.text(torch.tensor([[512] + [513] * 76])).last_hidden_state
    assert torch.equal(found.prompt.tokens, spoken.to(dtype))


PREFIXES = ("", "module.", "unet.", "module.unet.")
CONTENTS: dict[str, Callable[[State, Path], None]] = {  # of temporal_attention.ckpt
    **{
        f"whole {prefix}": lambda state, path, prefix=prefix: plain({prefix + key: v for key, v in state.items()}, path)
        for prefix in PREFIXES
    },
    **{
        f"motion {prefix}": lambda state, path, prefix=prefix: plain({prefix + key: v for key, v in only(state, True).items()}, path)
        for prefix in PREFIXES
    },
    "whole in a checkpoint": wrapped,
    "motion in a checkpoint": lambda state, path: wrapped(only(state, True), path),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_every_content_of_the_temporal_file(content: str, parts: Parts, tmp_path: Path) -> None:
    CONTENTS[content](denoiser_file(parts.denoiser), temporal(official(tmp_path, parts)))
    assert_parts(tmp_path, parts)


def test_of_a_whole_denoiser_the_base_is_not_used(parts: Parts, tmp_path: Path) -> None:
    """As the published loader overwrites it."""
    path = official(tmp_path, parts) / "stable-diffusion-v1-5" / "unet" / "diffusion_pytorch_model.bin"
    plain({key: 2 * value for key, value in torch.load(path).items()}, path)
    assert_parts(tmp_path, parts)
    plain(only(denoiser_file(parts.denoiser), True), temporal(tmp_path))
    assert torch.equal(read(tmp_path).denoiser.conv_in.weight, 2 * parts.denoiser.conv_in.weight)


def test_the_layout_of_the_instructions(parts: Parts, tmp_path: Path) -> None:
    assert_parts(official(tmp_path, parts, "MagicAnimate"), parts)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_own_folder(dtype: torch.dtype, parts: Parts, tmp_path: Path) -> None:
    """Without the text encoder, of which the folder keeps what it says."""
    convert(official(tmp_path / "official", parts), tmp_path / "own", dtype)
    assert_parts(tmp_path / "own", parts, dtype)
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["animato.json", *sorted(CLASSES)]
    convert(tmp_path / "own", tmp_path / "own", dtype)
    animator = load("magic-animate", weights=tmp_path / "own").system
    assert animator.name == "magic-animate" and same(animator.controlnet.state_dict(), parts.controlnet.to(torch.float32).state_dict())


def test_what_training_begins_with(parts: Parts, tmp_path: Path) -> None:
    """One U-Net in three roles; the ControlNet adds nothing yet, and nothing is said to be ready for use."""
    convert_base(official(tmp_path / "base", parts), tmp_path / "start")
    found = {name: kind.from_pretrained(tmp_path / "start" / name) for name, kind in CLASSES.items()}
    base = only(denoiser_file(parts.denoiser), motion=False)
    for name in ("denoising_unet", "appearance_encoder"):
        assert all(torch.equal(value, base[key]) for key, value in found[name].state_dict().items())
    controlnet = found["densepose_controlnet"].state_dict()
    copied = {key for key in controlnet if key in base}
    assert all(torch.equal(controlnet[key], base[key]) for key in copied) and "mid_block.resnets.1.conv2.weight" in copied
    zero = ("controlnet_mid_block.", "controlnet_down_blocks.", "controlnet_cond_embedding.conv_out.")
    assert not any(value.any() for key, value in controlnet.items() if key.startswith(zero))
    assert controlnet["controlnet_cond_embedding.conv_in.weight"].std() > 0.01
    assert isinstance(found["prompt"], EmptyPrompt) and found["denoising_unet"].config.temporal is None
    with pytest.raises(MissingModelError, match="no motion module: it is for training to begin with"):
        open_weights(tmp_path / "start")


def change(name: str, edit: Callable[[State], State]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / name
        tensors = path.suffix == ".safetensors"
        state = edit(load_file(path) if tensors else torch.load(path))
        (save_file if tensors else plain)(state, path)

    return spoil


def without(part: str) -> Callable[[State], State]:
    return lambda state: {key: value for key, value in state.items() if part not in key}


def incomplete_base(folder: Path) -> None:
    change(CKPT, lambda state: only(state, True))(folder)
    change(BASE, without("conv_norm_out.bias"))(folder)


CKPT = "temporal_attention/temporal_attention.ckpt"
ENCODER = "appearance_encoder/diffusion_pytorch_model.safetensors"
BASE = "stable-diffusion-v1-5/unet/diffusion_pytorch_model.bin"
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "one key less": (
        change(CKPT, without("down_blocks.0.motion_modules.0.temporal_transformer.proj_out.bias")),
        r"1 missing: .*proj_out\.bias",
    ),
    "one key more": (change(CKPT, lambda state: state | {"conv_extra.weight": torch.ones(1)}), r"1 unknown: conv_extra\.weight"),
    "Animate Anyone's": (
        change(CKPT, lambda _: only(denoiser_file(tiny_parts().denoiser, 32), True)),
        r"32 positions, where 24 .*another system's",
    ),
    "MusePose's": (
        change(CKPT, lambda _: only(denoiser_file(tiny_parts().denoiser, 128), True)),
        r"128 positions, where 24 .*another system's",
    ),
    "other positions": (
        change(CKPT, lambda state: {key: value * (0.5 if key.endswith(".pe") else 1) for key, value in state.items()}),
        r"pos_encoder\.pe.* should hold what is known without it",
    ),
    "no motion modules": (change(CKPT, without(".motion_modules.")), r"missing: .*It looks like a U-Net with an end"),
    "a whole ReferenceNet": (
        change(ENCODER, lambda _: {key: value.clone() for key, value in UNet(out_channels=None, **SIZE).state_dict().items()}),
        r"does not fit the appearance encoder: .*20 unknown: up_blocks\.1\.attentions\.1",
    ),
    "incomplete base": (incomplete_base, r"bin does not fit the denoiser without its motion modules: 1 missing: conv_norm_out\.bias"),
    "networks of two sizes": (
        lambda folder: save_file(
            {key: value.clone() for key, value in tiny_parts(cross=40).encoder.state_dict().items()}, folder / ENCODER
        ),
        r"do not belong together: width of the prompt and of the appearance encoder's context are 24 and 40",
    ),
    "nothing there": (
        lambda folder: (folder / CKPT).unlink(),
        r"lacks temporal_attention/temporal_attention\.ckpt \(5\.1 GB\)\. Run `animato fetch",
    ),
    "no words": (
        lambda folder: (folder / "stable-diffusion-v1-5" / "text_encoder" / "config.json").unlink(),
        r"lacks stable-diffusion-v1-5/text_encoder/config\.json",
    ),
}
SIZE = {"block_out_channels": (32, 64), "layers_per_block": 1, "attention_levels": (True, False), "cross_attention_dim": 24}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_told(what: str, parts: Parts, tmp_path: Path) -> None:
    spoil, words = BAD[what]
    spoil(official(tmp_path, parts))
    refused(open_weights, tmp_path, words)


def test_the_folder_of_another_system(parts: Parts, tmp_path: Path) -> None:
    convert(official(tmp_path / "official", parts), tmp_path / "own")
    signed(tmp_path / "own", "muse-pose")
    refused(read, tmp_path / "own", "holds weights of muse-pose, not of magic-animate")
