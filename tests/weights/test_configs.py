"""Of a configuration only what makes the network is taken, and each field is looked at before anything is built; no hub is asked."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from animato.core.errors import MissingModelError
from animato.sampling.schedule import NoiseSchedule
from animato.weights.animate_anyone import PUBLISHED, convert, read
from animato.weights.configs import FIELDS
from animato.weights.magic_animate import open_weights as open_magic
from animato.weights.own import trained_noise
from animato.weights.referenced import open_weights
from magic_files import official as magic_official
from magic_files import tiny_parts
from weight_files import official, tiny_networks

FOREIGN: dict[str, Any] = {  # what configurations say that makes no network; some of it runs code or asks a hub elsewhere
    "attn_implementation": "kernels-community/flash-attn3",
    "_attn_implementation": "somebody/kernels@main:attention",
    "_attn_implementation_internal": "somebody/kernels",
    "experts_implementation": "somebody/kernels",
    "auto_map": {"AutoModel": "somebody/code--modeling.Model", "AutoConfig": "configuration.Config"},
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True},
    "torch_dtype": "int8",
    "dtype": "float8_e4m3fn",
    "trust_remote_code": True,
    "_name_or_path": "somebody/model",
    "_commit_hash": "0" * 40,
    "_diffusers_version": "99.0.0",
    "transformers_version": "99.0.0",
    "use_kernels": True,
    "gradient_checkpointing": True,
    "output_attentions": True,
    "return_dict": False,
    "torchscript": True,
    "pruned_heads": {"0": [0]},
    "__class__": "os.system",
    "self": 1,
    "device_map": "auto",
    "generation_config": {"max_length": 10**9},
}
WRONG = (10**9, 0, -1, 1.5, True, "4", [], [[4]], None, {"a": 1}, float("nan"), float("inf"))
ODD: list[tuple[str, str, Any]] = [  # folder, field, value
    *(("sd-vae-ft-mse", "layers_per_block", value) for value in (10**7, *WRONG)),
    *(
        ("sd-vae-ft-mse", "scaling_factor", value)
        for value in (float("nan"), float("inf"), -float("inf"), 0, -0.18, "0.18", None, True, [0.18])
    ),
    *(("sd-vae-ft-mse", "shift_factor", value) for value in (float("nan"), 0.1, -1, "0")),
    *(
        ("sd-vae-ft-mse", "block_out_channels", value)
        for value in ([8] * 10**5, [10**9, 16], [0, 16], [8.0, 16], ["8"], 8, None, [], "816")
    ),
    *(("sd-vae-ft-mse", "latent_channels", value) for value in WRONG),
    *(("sd-vae-ft-mse", "down_block_types", value) for value in (["A", "B"], "DownEncoderBlock2D", [1, 2], ["DownEncoderBlock2D"] * 10**5)),
    ("sd-vae-ft-mse", "latents_mean", [0.1] * 4),
    ("sd-vae-ft-mse", "norm_num_groups", 3),
    ("sd-vae-ft-mse", "act_fn", "os.system"),
    ("sd-vae-ft-mse", "in_channels", 4),
    *(("image_encoder", "num_hidden_layers", value) for value in (10**7, *WRONG)),
    *(("image_encoder", "hidden_size", value) for value in (10**9, 15, *WRONG)),
    *(("image_encoder", "image_size", value) for value in (10**7, *WRONG)),
    *(("image_encoder", "num_attention_heads", value) for value in WRONG),
    *(("image_encoder", "layer_norm_eps", value) for value in (float("nan"), 0, -1, "1e-5", 10**6)),
    ("image_encoder", "hidden_act", "kernels-community/gelu"),
    ("image_encoder", "hidden_act", ["gelu"]),
]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official(tmp_path_factory.mktemp("good"), tiny_networks())


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return shutil.copytree(good, tmp_path / "weights")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for another machine, or for a name of one, fails the test."""

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", never)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(socket, "create_connection", never)


def change(path: Path, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path.write_text(json.dumps(edit(json.loads(path.read_text()))))


def test_what_makes_no_network_is_left_aside(folder: Path) -> None:
    for name in ("sd-vae-ft-mse", "image_encoder"):
        change(folder / name / "config.json", lambda said: FOREIGN | said | FOREIGN)
    found = read(folder)
    meant = tiny_networks()
    assert all(torch.equal(value, found.vae.state_dict()[key]) for key, value in meant.vae.state_dict().items())
    assert found.image_encoder.config._attn_implementation == meant.image_encoder.config._attn_implementation
    assert not any(hasattr(found.image_encoder.config, name) for name in ("auto_map", "quantization_config", "use_kernels"))
    assert not set(FOREIGN) & set(found.vae.config) - {"_name_or_path", "_diffusers_version"}
    picture = torch.zeros(1, 3, 28, 28)
    assert torch.equal(found.image_encoder(picture).image_embeds, meant.image_encoder(picture).image_embeds)


def test_also_in_folders_of_our_own_and_in_text_encoders(folder: Path, tmp_path: Path) -> None:
    convert(folder, tmp_path / "own")
    for path in (tmp_path / "own").rglob("config.json"):
        change(path, lambda said: FOREIGN | said | FOREIGN)
    open_weights(PUBLISHED, tmp_path / "own")
    magic = magic_official(tmp_path / "magic", tiny_parts())
    for path in magic.rglob("config.json"):
        change(path, lambda said: FOREIGN | said | FOREIGN)
    open_magic(magic)


@pytest.mark.parametrize("place", range(len(ODD)))
def test_odd_fields(place: int, folder: Path) -> None:
    name, field, value = ODD[place]
    change(folder / name / "config.json", lambda said: said | {field: value})
    start = time.process_time()
    with pytest.raises(MissingModelError, match=r"config\.json (says|describes|is larger)") as raised:
        open_weights(PUBLISHED, folder)
    assert time.process_time() - start < 5 and "\n" not in str(raised.value) and len(str(raised.value)) < 900


def test_a_whole_clips_configuration(folder: Path) -> None:
    """Its side for pictures is taken, and from that, too, only what makes the network."""
    change(folder / "image_encoder" / "config.json", lambda said: {"vision_config": said | FOREIGN, "text_config": {"hidden_size": 10**9}})
    assert read(folder).image_encoder.config.num_hidden_layers == 1
    change(folder / "image_encoder" / "config.json", lambda said: {"vision_config": said["vision_config"] | {"num_hidden_layers": 10**7}})
    with pytest.raises(MissingModelError, match="num_hidden_layers = 10000000, where a whole number from 1 to 128 is due"):
        open_weights(PUBLISHED, folder)


OWN: list[tuple[str, str, Any]] = [
    ("denoising_unet", "heads", 7),
    ("denoising_unet", "heads", 0),
    ("denoising_unet", "layers_per_block", 10**7),
    ("denoising_unet", "attention_levels", [1, 0]),
    ("denoising_unet", "attention_levels", [True] * 10**5),
    ("denoising_unet", "temporal", {"kind": "attention", "heads": 8, "positions": 10**12, "middle": True, "norm": "frame"}),
    ("denoising_unet", "temporal", "attention"),
    ("denoising_unet", "temporal", [1]),
    ("pose_guider", "block_out_channels", [8] * 10**6),
    ("pose_guider", "out_channels", 1e3),
]


@pytest.mark.parametrize("place", range(len(OWN)))
def test_odd_fields_of_our_own(place: int, folder: Path, tmp_path: Path) -> None:
    name, field, value = OWN[place]
    convert(folder, tmp_path / "own")
    change(tmp_path / "own" / name / "config.json", lambda said: said | {field: value})
    with pytest.raises(MissingModelError, match=r"config\.json (says|describes|is larger)"):
        open_weights(PUBLISHED, tmp_path / "own")


ABOUT: list[Any] = [[], "x", {"noise": []}, {"noise": {"beta_start": float("nan")}}, {"noise": {"beta_end": 7}}, {"noise": {"eta": 1}}]
ABOUT += [{"noise": {"beta_schedule": "os"}}, {"noise": {"steps_offset": 1.5}}, {"noise": {"clip_sample": 1}}, {"noise": {"beta_end": "1"}}]


@pytest.mark.parametrize("place", range(len(ABOUT)))
def test_odd_noise(place: int, folder: Path, tmp_path: Path) -> None:
    convert(folder, tmp_path / "own")
    change(tmp_path / "own" / "animato.json", lambda said: said | {"options": ABOUT[place]})
    if not ABOUT[place]:
        assert trained_noise(tmp_path / "own", NoiseSchedule()) == NoiseSchedule()
    else:
        with pytest.raises(MissingModelError, match=r"animato\.json (says|tells|has)"):
            trained_noise(tmp_path / "own", NoiseSchedule())


@pytest.mark.parametrize("name", ["config.json", "animato.json"])
def test_files_that_are_none(name: str, folder: Path, tmp_path: Path) -> None:
    convert(folder, tmp_path / "own")
    path = tmp_path / "own" / name if name == "animato.json" else tmp_path / "own" / "vae" / name
    path.write_text("{" + " " * 2_000_000 + "}")
    with pytest.raises(MissingModelError, match="larger than 1 MB"):
        open_weights(PUBLISHED, tmp_path / "own")
    path.write_text('{"a":' * 100_000)
    with pytest.raises(MissingModelError, match="nested too deeply|not JSON"):
        open_weights(PUBLISHED, tmp_path / "own")
    if name == "config.json":
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(MissingModelError, match="a device or pipe"):
            open_weights(PUBLISHED, tmp_path / "own")


def test_every_class_has_bounds_for_every_field() -> None:
    for fields in FIELDS.values():
        for field in fields.values():
            assert not field.holds(float("nan")) and not field.holds("os.system") and not field.holds(10**12)
