"""Whatever is wrong with weight files is told in a sentence that names the file; nothing is loaded, run or half-written."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from animato.core.errors import MissingModelError
from animato.weights.animate_anyone import PUBLISHED, convert
from animato.weights.referenced import open_weights
from weight_files import legacy, official, old_vae_names, plain, positions, shards, tiny_networks

Spoil = Callable[[Path], object]
SHARDS = [f"reference_unet-0000{i}-of-00002.safetensors" for i in (1, 2)]
TRACE = "code-was-run"  # the file that the code in a pickle would leave behind


def sharded(*changes: tuple[str, str | None]) -> Spoil:
    """The ReferenceNet in two files, and other files in its index for keys; None: no file."""

    def spoil(folder: Path) -> None:
        path = folder / "reference_unet.pth"
        shards(torch.load(path), folder / "reference_unet.safetensors.index.json")
        path.unlink()
        path = folder / "reference_unet.safetensors.index.json"
        index = json.loads(path.read_text())
        locations = {key: name for key, name in (index["weight_map"] | dict(changes)).items() if name}
        path.write_text(json.dumps(index | {"weight_map": locations}))

    return spoil


def in_two_shards(folder: Path) -> None:
    sharded()(folder)
    here, there = (load_file(folder / name) for name in SHARDS)
    save_file(here | {"conv_in.bias": there["conv_in.bias"]}, folder / SHARDS[0])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official(tmp_path_factory.mktemp("good"), tiny_networks())


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return shutil.copytree(good, tmp_path / "weights")


@pytest.fixture(scope="module")
def converted(good: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("converted") / "own"
    convert(good, out)
    return out


@pytest.fixture
def own(converted: Path, tmp_path: Path) -> Path:
    return shutil.copytree(converted, tmp_path / "own")


class Code:
    """Runs a command when it is unpickled by a reader that trusts it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {TRACE}",)


def edit(name: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    """Changes the tensors in a file."""

    def spoil(folder: Path) -> None:
        state = torch.load(folder / name)
        change(state)
        plain(state, folder / name)

    return spoil


def cut(name: str, fraction: float) -> Spoil:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[: int((folder / name).stat().st_size * fraction)])


def content(name: str, data: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(data)


def saved(name: str, value: object) -> Spoil:
    return lambda folder: torch.save(value, folder / name)


def cut_legacy(folder: Path) -> None:
    legacy(torch.load(folder / "pose_guider.pth"), folder / "pose_guider.pth")
    cut("pose_guider.pth", 0.9)(folder)


def cut_safetensors(folder: Path) -> None:
    save_file(torch.load(folder / "pose_guider.pth"), folder / "pose_guider.safetensors")
    cut("pose_guider.safetensors", 0.9)(folder)


def swap(one: str, other: str) -> Spoil:
    return lambda folder: (
        (folder / one).rename(folder / "x"),
        (folder / other).rename(folder / one),
        (folder / "x").rename(folder / other),
    )


def longer_table(state: dict[str, torch.Tensor]) -> None:
    """MusePose's motion module: the same keys, 128 positions."""
    state.update({key: positions(128, value.shape[2]) for key, value in state.items() if key.endswith(".pe")})


def without_middle(state: dict[str, torch.Tensor]) -> None:
    """MagicAnimate's motion modules: none in the middle, 24 positions."""
    for key in [key for key in state if key.startswith("mid_block.")]:
        del state[key]
    state.update({key: value[:, :24] for key, value in state.items() if key.endswith(".pe")})


def config(name: str, **changes: object) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / name / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return spoil


BAD: dict[str, tuple[Spoil, str]] = {
    "one file missing": (
        lambda folder: (folder / "motion_module.pth").unlink(),
        r"lacks motion_module\.pth \(1\.8 GB\)\. .*fetch animate-anyone",
    ),
    "two missing": (
        lambda f: [(f / n).unlink() for n in ("reference_unet.pth", "pose_guider.pth")],
        r"lacks reference_unet\.pth .*, pose_guider\.pth",
    ),
    "no folder": (shutil.rmtree, r"There is no folder .*weights with weights of animate-anyone\. Run `animato fetch animate-anyone`"),
    "empty": (content("denoising_unet.pth", b""), r"denoising_unet\.pth is no weight file: it is empty"),
    "web page": (content("denoising_unet.pth", b"<!DOCTYPE html><html>"), r"denoising_unet\.pth is no weight file: it is a web page"),
    "pointer": (content("denoising_unet.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:1"), "only git's pointer"),
    "picture": (content("denoising_unet.pth", b"\x89PNG\r\n\x1a\n" + bytes(900)), "neither safetensors nor PyTorch's"),
    "foreign zip": (content("denoising_unet.pth", b"PK\x03\x04" + bytes(900)), r"denoising_unet\.pth is cut short or damaged"),
    "cut in the middle": (
        cut("denoising_unet.pth", 0.5),
        r"denoising_unet\.pth is cut short or damaged \(its end is missing; [\d,]+ bytes\)",
    ),
    "almost whole": (cut("denoising_unet.pth", 0.9999), "cut short or damaged"),
    "cut, before 2020": (cut_legacy, r"pose_guider\.pth is cut short or damaged"),
    "cut safetensors": (cut_safetensors, r"pose_guider\.safetensors is cut short or damaged"),
    "code": (
        saved("pose_guider.pth", {"conv_in.weight": Code()}),
        r"pose_guider\.pth holds \S+\.system as conv_in\.weight, where a tensor is due; it was not run",
    ),
    "bare pickle with code": (content("pose_guider.pth", pickle.dumps({"a": Code()}, 2)), r"cut short or damaged|was not run"),
    "whole network": (
        saved("pose_guider.pth", torch.nn.Linear(2, 2)),
        r"holds torch\.nn\.modules\.linear\.Linear and no named tensors; it was not run",
    ),
    "list": (saved("pose_guider.pth", [torch.ones(2)]), "holds no named tensors"),
    "nothing": (saved("pose_guider.pth", {}), "holds no named tensors"),
    "numbers": (saved("pose_guider.pth", {"epoch": 3, "loss": 0.5}), r"holds other things than tensors \(epoch, loss\)"),
    "wrong shape": (
        edit("pose_guider.pth", lambda s: s.update({"blocks.0.bias": torch.ones(9)})),
        r"pose_guider\.pth does not fit the Pose Guider: 1 of another shape: blocks\.0\.bias \[9\] instead of \[8\]",
    ),
    "missing key": (
        edit("reference_unet.pth", lambda s: s.pop("conv_in.bias")),
        r"reference_unet\.pth .* 1 missing: conv_in\.bias \[32\]\.",
    ),
    "missing key that tells the size": (
        edit("reference_unet.pth", lambda s: [s.pop(key) for key in ("conv_in.weight", "down_blocks.0.resnets.0.conv1.weight")]),
        r"2 missing: conv_in\.weight \[32, 4, 3, 3\], down_blocks\.0\.resnets\.0\.conv1\.weight \[32, 32, 3, 3\]\.",
    ),
    "extra key": (
        edit("motion_module.pth", lambda s: s.update({"extra.weight": torch.ones(2, 3)})),
        r"motion_module\.pth .* 1 unknown: extra\.weight \[2, 3\]\.",
    ),
    "key twice": (
        edit("sd-vae-ft-mse/diffusion_pytorch_model.pth", lambda s: s.update(old_vae_names(s))),
        r"16 there twice: encoder\.mid_block\.attentions\.0\.query\.weight and encoder\.mid_block\.\S+\.to_q\.weight, .* and 13 more",
    ),
    "no motion in the module": (
        edit("motion_module.pth", lambda s: [s.pop(key) for key in list(s) if "attention" in key]),
        "missing: down_blocks",
    ),
    "impossible sizes": (
        edit("pose_guider.pth", lambda s: s.update({"conv_in.bias": torch.ones(())})),
        r"says block_out_channels = \(0, ",
    ),
    "swapped": (
        swap("reference_unet.pth", "denoising_unet.pth"),
        "reference_unet.pth .* unknown: conv_norm_out.* looks like a U-Net with an end",
    ),
    "another network": (swap("pose_guider.pth", "motion_module.pth"), "motion_module.pth does not fit .* looks like a Pose Guider"),
    "MusePose": (
        edit("motion_module.pth", longer_table),
        r"motion_module\.pth knows 128 positions, where 32 are due: it is another system's",
    ),
    "MagicAnimate": (edit("motion_module.pth", without_middle), r"motion_module\.pth knows 24 positions"),
    "other positions": (
        edit("motion_module.pth", lambda s: s.update({key: value + 0.01 for key, value in s.items() if key.endswith(".pe")})),
        "should hold what is known without it .positions are computed",
    ),
    "other places": (
        edit("image_encoder/pytorch_model.pth", lambda s: s["vision_model.embeddings.position_ids"].add_(1)),
        r"position_ids should hold what is known without it",
    ),
    "no config": (lambda folder: (folder / "sd-vae-ft-mse" / "config.json").unlink(), r"lacks sd-vae-ft-mse/config\.json\. "),
    "broken config": (content("sd-vae-ft-mse/config.json", b"{"), r"config\.json is not JSON that can be read"),
    "config of nothing": (content("sd-vae-ft-mse/config.json", b"[]"), r"config\.json says nothing about a network"),
    "other class": (config("sd-vae-ft-mse", _class_name="VQModel"), "sd-vae-ft-mse holds VQModel, not AutoencoderKL"),
    "unknown blocks": (
        config("sd-vae-ft-mse", down_block_types=["A", "B"]),
        r"config\.json says down_block_types = \['A', 'B'\], where a list",
    ),
    "no blocks": (
        config("image_encoder", num_attention_heads=0),
        r"config\.json says num_attention_heads = 0, where a whole number from 1 ",
    ),
    "config of other size": (config("sd-vae-ft-mse", latent_channels=8), r"does not fit its config\.json: .*of another shape"),
    "shard missing": (
        lambda folder: (sharded()(folder), (folder / SHARDS[1]).unlink()),
        rf"index\.json names {SHARDS[1]}, not there beside it\. Get what is missing",
    ),
    "shard cut": (
        lambda folder: (sharded()(folder), cut(SHARDS[0], 0.9)(folder)),
        rf"{SHARDS[0]} is cut short or damaged",
    ),
    "in two shards": (in_two_shards, rf"conv_in\.bias is in {SHARDS[0]} as well as in {SHARDS[1]}, beside .*reference_unet"),
    "not in the index": (sharded(("conv_in.bias", None)), rf"conv_in\.bias is in {SHARDS[1]}, but in no file by .*, 1 such keys in all"),
    "in no shard": (sharded(("extra", SHARDS[0])), rf"extra is in no file, but in {SHARDS[0]} by "),
    "in the other shard": (sharded(("conv_in.bias", SHARDS[0])), rf"conv_in\.bias is in {SHARDS[1]}, but in {SHARDS[0]} by "),
    "shard elsewhere": (sharded(("conv_in.bias", "../x.safetensors")), r"index\.json does not say which tensor is in which file beside it"),
    "index of nothing": (
        lambda folder: (sharded()(folder), content("reference_unet.safetensors.index.json", b"{}")(folder)),
        r"index\.json does not say which tensor is in which file",
    ),
    "networks of two sizes": (
        lambda folder: (
            official(folder / "other", tiny_networks(cross=40))
            and shutil.copytree(folder / "other" / "image_encoder", folder / "image_encoder", dirs_exist_ok=True)
        ),
        r"do not belong together: width of CLIP's token and of the denoiser's context are 40 and 24",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_official_files(kind: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spoil, expected = BAD[kind]
    spoil(folder)
    with pytest.raises(MissingModelError, match=expected) as raised:
        open_weights(PUBLISHED, folder)
    message = str(raised.value)
    assert str(folder) in message and "\n" not in message and len(message) < 700 + 2 * len(str(folder))
    assert not (tmp_path / TRACE).exists()


def without_motion(own: Path) -> None:
    config("denoising_unet", temporal=None)(own)
    path = own / "denoising_unet" / "diffusion_pytorch_model.safetensors"
    save_file({key: value.clone() for key, value in load_file(path).items() if ".motion_modules." not in key}, path)


BAD_OWN: dict[str, tuple[Spoil, str]] = {
    "other system": (
        lambda own: write(own, system="muse-pose"),
        r"holds weights of muse-pose, not of animate-anyone\. Use --system muse-pose",
    ),
    "newer format": (lambda own: write(own, format=2), r"animato\.json is of format 2, and this version of animato reads format 1"),
    "broken": (content("animato.json", b"{"), r"animato\.json is not JSON that can be read"),
    "network missing": (lambda own: shutil.rmtree(own / "vae"), r"own lacks vae: it is not complete"),
    "file missing": (
        lambda own: (own / "denoising_unet" / "diffusion_pytorch_model.safetensors").unlink(),
        "own/denoising_unet has no weight file",
    ),
    "config missing": (lambda own: (own / "denoising_unet" / "config.json").unlink(), r"own/denoising_unet/config\.json is missing"),
    "cut": (cut("denoising_unet/diffusion_pytorch_model.safetensors", 0.7), "cut short or damaged"),
    "networks swapped": (
        lambda own: swap("denoising_unet/config.json", "vae/config.json")(own),
        "own/denoising_unet holds AutoencoderKL, not UNet",
    ),
    "no motion": (without_motion, r"The denoiser in .*own has no motion module"),
    "other positions": (config("denoising_unet", layers_per_block=2), r"does not fit its config\.json: \d+ missing"),
}


def write(own: Path, **changes: object) -> None:
    path = own / "animato.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("kind", BAD_OWN)
def test_bad_own_folders(kind: str, own: Path) -> None:
    spoil, expected = BAD_OWN[kind]
    spoil(own)
    with pytest.raises(MissingModelError, match=expected) as raised:
        open_weights(PUBLISHED, own)
    assert str(own) in str(raised.value) and "\n" not in str(raised.value)
