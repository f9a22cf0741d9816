"""UniAnimate's official files, small ones of the same layout, become its networks and the project's own form; what is wrong is told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from animato.core.errors import MissingModelError
from animato.encoders.text import EmptyPrompt
from animato.models.unified import UnifiedUNet
from animato.systems.load import load
from animato.systems.uni_animate import UniAnimate
from animato.weights.about import About
from animato.weights.own import save
from animato.weights.read import read_state
from animato.weights.uni_animate import CLASSES, convert, open_weights, read
from magic_files import same
from tiny import randomised
from uni_files import CHECKPOINT, CLIP, UNET, Parts, checkpoint_file, official, tiny_parts, unet_file
from weight_files import Save, State, legacy, old_vae_names, plain, refused, signed, wrapped


@pytest.fixture(scope="module")
def parts() -> Parts:
    return tiny_parts()


@torch.no_grad()
def assert_parts(folder: Path, parts: Parts, dtype: torch.dtype = torch.float32) -> None:
    found = read(folder, dtype)
    for one, meant in zip(found[:3], parts[:3], strict=True):
        assert same(one.state_dict(), meant.state_dict()) and one.dtype == dtype and not one.training
    spoken = parts.words(torch.tensor([[28, 29] + [0] * 75])).last_hidden_state
    assert torch.equal(found.prompt.tokens, spoken.to(dtype))


@pytest.mark.parametrize("form", [plain, wrapped, legacy])
def test_official_files(form: Save, parts: Parts, tmp_path: Path) -> None:
    assert_parts(official(tmp_path, parts, form), parts)


@pytest.mark.parametrize("old", [False, True], ids=["new names", "old names"])
def test_the_vae_as_a_folder(old: bool, parts: Parts, tmp_path: Path) -> None:
    """As it is fetched first, in diffusers' form; the whole of Stable Diffusion is not needed then."""
    (official(tmp_path, parts) / CHECKPOINT).unlink()
    parts.vae.save_config(tmp_path / "vae")
    state = dict(parts.vae.state_dict())
    plain(old_vae_names(state, convolution=True) if old else state, tmp_path / "vae" / "diffusion_pytorch_model.bin")
    assert_parts(tmp_path, parts)


def test_a_folder_that_is_not_complete_leaves_it_to_the_checkpoint(parts: Parts, tmp_path: Path) -> None:
    (official(tmp_path, parts) / "vae").mkdir()
    plain({"a": torch.ones(1)}, tmp_path / "vae" / "diffusion_pytorch_model.bin")
    assert_parts(tmp_path, parts)
    (tmp_path / CHECKPOINT).unlink()
    with pytest.raises(MissingModelError, match=r"lacks vae/config\.json\."):
        open_weights(tmp_path)


class Trap:
    """Would leave a file behind if what a pickle names were called."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.path), "w")


def test_the_checkpoint_as_lightning_writes_it(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names a class of a package that is not here, numbers of NumPy, integers, and whatever else: nothing of that is run."""
    name = "pytorch_lightning.callbacks.model_checkpoint"
    module = ModuleType(name)
    module.ModelCheckpoint = type("ModelCheckpoint", (), {"__module__": name})  # type: ignore[attr-defined]
    content = {
        "state_dict": checkpoint_file(parts.vae) | {"model_ema.num_updates": torch.tensor(3, dtype=torch.int32)},
        "callbacks": {module.ModelCheckpoint: {"best_model_score": np.float64(2), "kept": Trap(tmp_path / "sprung")}},
        "optimizer_states": [{"state": {0: {"step": 4, "exp_avg": torch.ones(2)}}}],
        "epoch": 1,
    }
    with monkeypatch.context() as context:
        context.setitem(sys.modules, name, module)
        context.setitem(sys.modules, "pytorch_lightning", ModuleType("pytorch_lightning"))
        context.setitem(sys.modules, "pytorch_lightning.callbacks", ModuleType("pytorch_lightning.callbacks"))
        torch.save(content, official(tmp_path, parts) / CHECKPOINT)
    assert_parts(tmp_path, parts)
    assert "pytorch_lightning" not in sys.modules and not (tmp_path / "sprung").exists()
    assert read_state(tmp_path / CHECKPOINT).keys() == content["state_dict"].keys()  # wherever such a file is given
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_own_folder(dtype: torch.dtype, parts: Parts, tmp_path: Path) -> None:
    """Written, read and written again without a bit changed; neither CLIP's text side nor Stable Diffusion's rest are in it."""
    convert(official(tmp_path / "official", parts), tmp_path / "own", dtype)
    assert_parts(tmp_path / "own", parts, dtype)
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["animato.json", *sorted(CLASSES)]
    convert(tmp_path / "own", tmp_path / "own", dtype)
    animator = load("uni-animate", weights=tmp_path / "own").system
    assert isinstance(animator, UniAnimate) and animator.unet.dtype == animator.prompt.dtype == dtype
    assert same(animator.unet.state_dict(), parts.unet.state_dict()) and animator.unet.config.temporal == "attention"


def test_a_folder_of_ones_own_training_says_its_temporal_module(parts: Parts, tmp_path: Path) -> None:
    """And the noise that it was trained on."""
    config = {
        name: parts.unet.config[name] for name in ("block_out_channels", "attention_levels", "layers_per_block", "entrance", "context")
    }
    unet = randomised(UnifiedUNet(**config, temporal="mamba"))
    networks = {"unet": unet, "vae": parts.vae, "image_encoder": parts.image, "prompt": EmptyPrompt(parts.unet.config.context[0])}
    save(tmp_path / "own", networks.items(), About("uni-animate", "a training", {"noise": {"rescale_betas_zero_snr": False}}))
    animator = load("uni-animate", weights=tmp_path / "own").system
    assert animator.unet.config.temporal == "mamba" and same(animator.unet.state_dict(), unet.state_dict())
    assert UniAnimate.noise.rescale_betas_zero_snr and not animator.noise.rescale_betas_zero_snr


def change(name: str, edit: Callable[[State], State]) -> Callable[[Path], None]:
    return lambda folder: plain(edit(torch.load(folder / name)), folder / name)


def without(part: str) -> Callable[[State], State]:
    return lambda state: {key: value for key, value in state.items() if part not in key}


def more(key: str) -> Callable[[State], State]:
    return lambda state: state | {key: torch.ones(1)}


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "one key less": (change(UNET, without("middle_block.1.norm.bias")), r"1 missing: trunk\.mid_block\.attentions\.0\.norm\.bias"),
    "one key more": (change(UNET, more("fps_embedding.0.weight")), r"1 unknown: fps_embedding\.0\.weight"),
    "a tensor of another shape": (
        change(UNET, lambda state: state | {"out.2.bias": torch.ones(5)}),
        r"1 of another shape: out\.2\.bias \[5\] instead of \[4\]",
    ),
    "another network": (
        change(UNET, lambda _: {"down_blocks.0.motion_modules.0.norm.weight": torch.ones(1)}),
        r"no weights of UniAnimate's network \('input_blocks\.0\.0\.in_layers.* looks like a motion module",
    ),
    "OpenCLIP as the network": (lambda folder: (folder / UNET).write_bytes((folder / CLIP).read_bytes()), r"It looks like OpenCLIP"),
    "a U-Net's checkpoint without a VAE": (
        change(CHECKPOINT, without("first_stage_model.")),
        r"has no VAE in it \(no key first_stage_model",
    ),
    "half a VAE": (change(CHECKPOINT, without("first_stage_model.decoder.")), r"lacks its encoder or its decoder"),
    "a VAE with a key less": (
        change(CHECKPOINT, without("post_quant_conv.bias")),
        r"does not fit the VAE: 1 missing: post_quant_conv\.bias",
    ),
    "a VAE with a key more": (change(CHECKPOINT, more("first_stage_model.loss.logvar")), r"does not fit the VAE: 1 unknown: loss\.logvar"),
    "the text side alone": (change(CLIP, without("visual.")), r"holds no image side of OpenCLIP \('visual\.conv1"),
    "the image side alone": (
        change(CLIP, lambda state: {key: value for key, value in state.items() if key.startswith("visual.")}),
        r"holds no text side of OpenCLIP \('token_embedding",
    ),
    "an image side with a key more": (change(CLIP, more("visual.ln_mid.bias")), r"CLIP's image encoder: 1 unknown: visual\.ln_mid\.bias"),
    "a text side with a key less": (change(CLIP, without("ln_final.bias")), r"CLIP's text encoder: 1 missing: .*final_layer_norm\.bias"),
    "networks of two sizes": (
        change(UNET, lambda _: unet_file(tiny_parts(context=128).unet)),
        r"do not belong together: width of the prompt and of the network's context are 64 and 128",
    ),
    "nothing there": (lambda folder: (folder / UNET).unlink(), r"lacks unianimate_16f_32f_non_ema_223000\.pth \(5\.7 GB\)\. Run `animato"),
    "no VAE there": (lambda folder: (folder / CHECKPOINT).unlink(), r"lacks vae/ \(335 MB\) or v2-1_512-ema-pruned\.ckpt \(5\.2 GB\)"),
    "a file cut short": (lambda folder: (folder / CLIP).write_bytes((folder / CLIP).read_bytes()[:-100]), r"open_clip.* is cut short"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_told(what: str, parts: Parts, tmp_path: Path) -> None:
    spoil, words = BAD[what]
    spoil(official(tmp_path, parts))
    refused(open_weights, tmp_path, words)


def test_the_folder_of_another_system(parts: Parts, tmp_path: Path) -> None:
    convert(official(tmp_path / "official", parts), tmp_path / "own")
    signed(tmp_path / "own", "magic-animate")
    refused(read, tmp_path / "own", "holds weights of magic-animate, not of uni-animate")
