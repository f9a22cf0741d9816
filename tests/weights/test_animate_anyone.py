"""Official files of every form become the networks they were written from; so does the project's own folder."""

from __future__ import annotations

import gc
import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from animato.core.errors import MissingModelError
from animato.models.condition import UNetCondition
from animato.weights.animate_anyone import PUBLISHED, convert, convert_base, read
from animato.weights.referenced import CLASSES, Networks, open_weights
from tiny import normal
from weight_files import FORMATS, official, old_vae_names, plain, tiny_networks


@pytest.fixture(scope="module")
def networks() -> Networks:
    return tiny_networks()


def assert_same(found: nn.Module, meant: nn.Module, dtype: torch.dtype = torch.float32) -> None:
    given, wanted = found.state_dict(), meant.state_dict()
    assert given.keys() == wanted.keys()
    for key, value in given.items():
        assert value.dtype == dtype and torch.equal(value, wanted[key].to(dtype)), key


@torch.no_grad()
def frames(net: Networks) -> Tensor:
    """One prediction by all networks together, decoded."""
    pixels, clip, skeletons = normal(1, 3, 28, 28), normal(1, 3, 4, 8, 8), normal(1, 3, 3, 32, 32)
    token = net.image_encoder(pixels).image_embeds.unsqueeze(1)
    features = net.reference_net.reference(clip[:, :1], 0, net.reference_net.project_context(token))
    condition = UNetCondition(net.denoiser.project_context(token), net.denoiser.project_bank(features), net.pose_guider(skeletons))
    return net.vae.decode(net.denoiser(clip, 5, condition)[0]).sample


@pytest.mark.parametrize("form", FORMATS)
def test_official_files_give_their_networks(form: str, networks: Networks, tmp_path: Path) -> None:
    found = read(official(tmp_path, networks, form))
    for name, one, other in zip(CLASSES, found, networks, strict=True):
        assert_same(one, other)
        assert type(one) is CLASSES[name] and not one.training


def test_they_compute_the_same(networks: Networks, tmp_path: Path) -> None:
    """Whatever is no weight (positions, positions of CLIP, number of heads, configurations) is right as well."""
    torch.testing.assert_close(frames(read(official(tmp_path, networks))), frames(networks))


def test_a_configuration_need_not_name_its_class(networks: Networks, tmp_path: Path) -> None:
    path = official(tmp_path, networks) / "image_encoder" / "config.json"
    config = json.loads(path.read_text())
    assert config.pop("architectures") == ["CLIPVisionModelWithProjection"]
    path.write_text(json.dumps(config))
    assert_same(read(tmp_path).image_encoder, networks.image_encoder)


@pytest.mark.parametrize("convolution", [False, True])
def test_old_names_of_the_vae(convolution: bool, networks: Networks, tmp_path: Path) -> None:
    official(tmp_path, networks)
    plain(old_vae_names(networks.vae.state_dict(), convolution), tmp_path / "sd-vae-ft-mse" / "diffusion_pytorch_model.pth")
    assert_same(read(tmp_path).vae, networks.vae)


def test_files_of_mixed_precision_come_in_one(networks: Networks, tmp_path: Path) -> None:
    official(tmp_path, networks)
    for name in ("denoising_unet", "motion_module"):
        path = tmp_path / f"{name}.pth"
        plain({key: value.half() for key, value in torch.load(path).items()}, path)
    assert {value.dtype for value in read(tmp_path).denoiser.state_dict().values()} == {torch.float32}
    for found, meant in zip(read(tmp_path, torch.bfloat16), networks, strict=True):
        assert {value.dtype for value in found.state_dict().values()} == {
            torch.bfloat16
        } and found.state_dict().keys() == meant.state_dict().keys()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_own_folder(dtype: torch.dtype, networks: Networks, tmp_path: Path) -> None:
    convert(official(tmp_path / "official", networks), tmp_path / "own", dtype)
    for found, meant in zip(read(tmp_path / "own", dtype), networks, strict=True):
        assert_same(found, meant, dtype)
    stored = load_file(tmp_path / "own" / "denoising_unet" / "diffusion_pytorch_model.safetensors")
    assert {value.dtype for value in stored.values()} == {dtype} and stored.keys() == networks.denoiser.state_dict().keys()
    said = json.loads((tmp_path / "own" / "animato.json").read_text())
    assert said["system"] == "animate-anyone" and said["version"] == version("animato") and "official" in said["source"]


def test_own_folder_computes_the_same(networks: Networks, tmp_path: Path) -> None:
    convert(official(tmp_path / "official", networks), tmp_path / "own")
    torch.testing.assert_close(frames(read(tmp_path / "own")), frames(networks))


def test_own_folders_convert_again_also_in_place(networks: Networks, tmp_path: Path) -> None:
    convert(official(tmp_path / "official", networks), tmp_path / "own")
    convert(tmp_path / "own", tmp_path / "own", torch.float16)
    assert_same(read(tmp_path / "own", torch.float16).denoiser, networks.denoiser, torch.float16)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["official", "own"]


def test_converting_holds_one_network_at_a_time(networks: Networks, tmp_path: Path) -> None:
    held: list[int] = []

    def peek(stage: str, done: int, total: int) -> None:
        gc.collect()
        found = (one for one in gc.get_objects() if type(one) is nn.Parameter)
        held.append(sum(one.numel() for one in found if one.dtype == torch.float16 and not one.is_meta))

    convert(official(tmp_path / "official", networks), tmp_path / "own", torch.float16, peek)
    assert len(held) == 6 and not any(held)


def test_a_base_becomes_what_training_begins_with(networks: Networks, tmp_path: Path) -> None:
    """Stable Diffusion's U-Net twice, a Pose Guider that changes nothing yet; refused where finished weights are wanted."""
    base = {key: value for key, value in networks.denoiser.state_dict().items() if ".motion_modules." not in key}
    official(tmp_path / "base", networks)
    for name in ("reference_unet", "denoising_unet", "motion_module", "pose_guider"):
        (tmp_path / "base" / f"{name}.pth").unlink()
    with pytest.raises(MissingModelError, match=r"base lacks stable-diffusion-v1-5/unet/ \(3\.4 GB\)\. Put there what is missing"):
        convert_base(tmp_path / "base", tmp_path / "start")
    unet = tmp_path / "base" / "stable-diffusion-v1-5" / "unet"
    unet.mkdir(parents=True)
    plain(base, unet / "diffusion_pytorch_model.bin")
    (unet / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')
    convert_base(tmp_path / "base", tmp_path / "start")
    found = {name: kind.from_pretrained(tmp_path / "start" / name) for name, kind in CLASSES.items()}
    assert_same(found["vae"], networks.vae)
    assert_same(found["image_encoder"], networks.image_encoder)
    assert all(torch.equal(value, base[key]) for key, value in found["denoising_unet"].state_dict().items())
    assert found["denoising_unet"].config.temporal is None and found["reference_unet"].config.out_channels is None
    assert found["reference_unet"].state_dict().keys() == networks.reference_net.state_dict().keys()
    assert all(torch.equal(value, base[key]) for key, value in found["reference_unet"].state_dict().items())
    guider = found["pose_guider"]
    assert guider.config.out_channels == 32 and not guider.conv_out.weight.any() and guider.conv_in.weight.std() > 0.01
    with pytest.raises(MissingModelError, match="no motion module: it is for training to begin with"):
        read(tmp_path / "start")


@pytest.mark.parametrize("form", ["safetensors", "pth"])
def test_opening_reads_nothing(form: str, networks: Networks, tmp_path: Path) -> None:
    """Until they are filled, networks have no memory; filling takes no more than the files' own pages."""
    waiting = open_weights(PUBLISHED, official(tmp_path, networks, form))
    assert all(value.is_meta for one in waiting.values() for value in one.network.parameters())
    if sys.platform == "linux":
        assert str(tmp_path / "denoising_unet") in Path("/proc/self/maps").read_text()
    mapped = waiting["denoising_unet"].state["conv_in.weight"].data_ptr()
    filled = waiting["denoising_unet"].fill()
    assert not any(value.is_meta for value in [*filled.parameters(), *filled.buffers()])
    assert filled.conv_in.weight.data_ptr() == mapped and not waiting["denoising_unet"].state
