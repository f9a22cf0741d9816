"""What a run of training leaves is weights like any others: loaded, converted, animated with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import animato
import animators
from animato.core.errors import InputError, MissingModelError
from animato.people.people import clip
from animato.sampling.schedule import NoiseSchedule
from animato.sampling.settings import Settings
from animato.systems.animate_anyone import load as page
from animato.systems.load import load
from animato.systems.previews.animate_anyone import load as preview
from animato.systems.scene import Scene
from animato.training.objective import Clean, Fetch
from animato.training.recipe import Data, Networks, Recipe, Run
from animato.weights.animate_anyone import convert
from trainees import make_trainee, train
from weight_files import official, tiny_networks

SHAPE = {"block_out_channels": [32, 32], "layers_per_block": 1, "attention_levels": [False, True], "heads": 2}
TEMPORAL = {"kind": "attention", "heads": 2, "positions": 4, "middle": True, "norm": "frame"}
RUN = Run(steps=2, checkpoint_every=1, sample_every=100, log_every=1)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE under the names of before diffusers 0.17, and CLIP's vision tower."""
    return official(tmp_path_factory.mktemp("published"), tiny_networks(), old_vae=True)


@pytest.fixture(scope="module")
def recipe(published: Path) -> Recipe:
    unet = SHAPE | {"in_channels": 4, "out_channels": 4, "cross_attention_dim": 24}
    encoders = {"vae": str(published / "sd-vae-ft-mse"), "clip": str(published / "image_encoder")}
    return Recipe(
        networks=Networks(unet=unet, temporal=TEMPORAL, guider=[4, 8], **encoders),
        noise=NoiseSchedule(beta_schedule="scaled_linear"),
        data=Data(size=[16, 16], frames=2, together=True, people=2, length=4),
        run=RUN,
    )


@pytest.fixture(scope="module")
def run(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(recipe, folder)
    return folder


def patches(**networks: object) -> Recipe:
    unet = SHAPE | {"in_channels": 12, "out_channels": 12, "cross_attention_dim": 12}
    changes: dict = {"unet": unet, "temporal": TEMPORAL, "guider": [4, 8]} | networks
    return Recipe(networks=Networks(**changes), data=Data(size=[128, 128], frames=2, together=True, people=2, length=4), run=RUN)


def tensors(network: torch.nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in network.state_dict().items()}


def test_a_run_is_loaded_and_animates(run: Path, recipe: Recipe) -> None:
    system = animato.load("animate-anyone", weights=run / "networks").system
    assert system.noise == recipe.noise != NoiseSchedule()
    for name, meant in (("vae", tiny_networks().vae), ("image_encoder", tiny_networks().image_encoder)):
        found = tensors(getattr(system, name))
        assert all(torch.equal(found[key], value) for key, value in tensors(meant).items())
    settings = Settings(steps=1, device="cpu")
    frames = np.stack(list(system.animate(Scene(animators.picture(), animators.motion(1), animators.motion(2)), settings)))
    assert frames.shape == (2, 62, 45, 3) and frames.std() > 1


def test_what_does_not_learn_is_written_once(run: Path, recipe: Recipe, tmp_path: Path) -> None:
    """Every checkpoint names the same files; where a disk cannot, it copies them."""
    files = [path.relative_to(run / "encoders") for path in (run / "encoders").rglob("*.*") if path.parent != run / "encoders"]
    assert {path.parent.name for path in files} == {"vae", "image_encoder"}
    assert all((run / "encoders" / path).samefile(run / "networks" / path) for path in files)


def test_where_a_disk_has_no_links_it_is_copied(run: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refused)
    trainee = make_trainee(recipe)
    trainee.save(trainee.networks, tmp_path / "networks", run / "encoders")
    for path in (run / "encoders" / "vae").iterdir():
        copied = tmp_path / "networks" / "vae" / path.name
        assert copied.read_bytes() == path.read_bytes() and not copied.samefile(path)


def test_converting_a_run_keeps_its_noise(run: Path, recipe: Recipe, tmp_path: Path) -> None:
    convert(run / "networks", tmp_path / "half", torch.float16)
    system = animato.load("animate-anyone", weights=tmp_path / "half").system
    assert system.noise == recipe.noise and system.denoiser.dtype == torch.float16


def test_a_run_with_a_copy_head_is_a_preview_model(tmp_path: Path) -> None:
    recipe = replace(patches(copy_head="limbs"), objective=Clean())
    train(recipe, tmp_path)
    frames, poses = clip(5, "walk", 2, (60, 90), 6.0)
    first = preview(tmp_path / "networks").animate(Scene(frames[0], poses.frames(slice(0, 1)), poses))
    made = load("auto", weights=tmp_path / "networks").perform(Scene(frames[0], poses.frames(slice(0, 1)), poses))
    assert np.array_equal(np.stack(list(first)), np.stack(list(made.clip))) and first.size == (60, 90) and first.length == 2
    assert "preview model" in made.notes[0]
    with pytest.raises(MissingModelError, match="networks lacks vae, image_encoder: it is not complete, a preview model"):
        page(tmp_path / "networks")


def test_a_preview_model_of_another_size_is_refused(tmp_path: Path) -> None:
    recipe = replace(patches(copy_head="limbs"), objective=Fetch())
    trainee = make_trainee(replace(recipe, data=replace(recipe.data, size=[32, 48])))
    trainee.save(trainee.networks, tmp_path / "networks", tmp_path)
    with pytest.raises(MissingModelError, match=r"trained on \[32, 48\] pixels, and this page runs at \[128, 128\]"):
        preview(tmp_path / "networks")


def test_networks_of_a_stage_between_are_not_loaded(recipe: Recipe, run: Path, tmp_path: Path) -> None:
    """Without VAE, or without motion modules, they are for training to go on from."""
    for name, part, expected in (
        ("patches", patches(), "lacks vae, image_encoder: .* for training to go on from"),
        ("image", replace(recipe, networks=replace(recipe.networks, temporal={})), "no motion module: it is for training to begin with"),
    ):
        trainee = make_trainee(part)
        trainee.save(trainee.networks, tmp_path / name, run / "encoders")
        with pytest.raises(MissingModelError, match=expected):
            animato.load("animate-anyone", weights=tmp_path / name)


def test_a_copy_head_does_not_fetch_latents(recipe: Recipe) -> None:
    networks = replace(recipe.networks, copy_head="limbs")
    with pytest.raises(InputError, match="leave networks.vae and networks.clip empty"):
        make_trainee(replace(recipe, networks=networks, objective=Clean()))


def test_a_vae_that_lacks_a_tensor_does_not_train(recipe: Recipe, tmp_path: Path) -> None:
    networks = tiny_networks()
    del networks.vae.quant_conv
    vae = official(tmp_path, networks) / "sd-vae-ft-mse"
    with pytest.raises(MissingModelError, match="2 missing: quant_conv"):
        make_trainee(replace(recipe, networks=replace(recipe.networks, vae=str(vae))))
