"""The loop: it learns, goes on exactly where it stopped, adds up batches, keeps what is frozen."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from animato.core.errors import InputError, MissingModelError
from animato.training.loop import Training, select
from animato.training.objective import Clean, Fetch
from animato.training.recipe import Data, Networks, Optimizer, Recipe, Run
from animato.training.referenced import ReferencedNetworks, referenced_networks
from animato.weights import own
from animato.weights.about import About
from tiny import PATCHES
from trainees import make_trainee, train

TEMPORAL = {"kind": "attention", "heads": 2, "positions": 4, "middle": True, "norm": "frame"}
TINY = Recipe(
    networks=Networks(unet=PATCHES, guider=[4, 8], copy_head="limbs"),
    objective=Clean(),
    optimizer=Optimizer(lr=1e-3, warmup=2, decay=0.5),
    data=Data(size=[16, 16], frames=2, people=2, length=4),
    run=Run(steps=4, batch=2, ema=0.9, checkpoint_every=2, sample_every=100, log_every=1),
)


def changed(recipe: Recipe = TINY, **run: object) -> Recipe:
    return replace(recipe, run=replace(recipe.run, **run))  # type: ignore[arg-type]


def weights(folder: Path) -> dict[str, Tensor]:
    recipe = replace(TINY.networks, start=str(folder / "networks"))
    return dict(referenced_networks(recipe, 0).state_dict())


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "curve.jsonl").read_text().splitlines()]


class Stopped(Exception):
    pass


def stop_after(step: int):
    def progress(stage: str, done: int, total: int) -> None:
        if done == step:
            raise Stopped

    return progress


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    train(TINY, folder)
    return folder


def test_what_a_run_leaves(whole: Path) -> None:
    assert len(losses(whole)) == 4
    assert (whole / "samples" / "000004.png").is_file() and list((whole / "curves").rglob("events*"))
    assert json.loads((whole / "recipe.json").read_text())["run"]["steps"] == 4
    networks = {"denoising_unet", "reference_unet", "pose_guider", "copy_head", "animato.json"}
    assert {path.name for path in (whole / "networks").iterdir()} == networks


def test_it_says_that_it_begins(tmp_path: Path) -> None:
    """Before its first step."""
    with pytest.raises(Stopped):
        train(TINY, tmp_path, stop_after(0))
    assert not (tmp_path / "curve.jsonl").exists()


@pytest.mark.parametrize("stopped", [2, 3])
def test_it_goes_on_exactly(whole: Path, tmp_path: Path, stopped: int) -> None:
    """Stopped at a checkpoint, or after one: then the steps since are done again, with the same chance."""
    with pytest.raises(Stopped):
        train(TINY, tmp_path, stop_after(stopped))
    train(TINY, tmp_path)
    again, once = weights(tmp_path), weights(whole)
    assert all(torch.equal(again[name], once[name]) for name in once)
    assert losses(tmp_path)[-2:] == losses(whole)[-2:]


def test_another_recipe_does_not_go_on(whole: Path) -> None:
    with pytest.raises(InputError, match="another recipe"):
        train(replace(TINY, optimizer=replace(TINY.optimizer, lr=1.0)), whole)
    train(changed(log_every=2), whole)  # how often it is looked at is free


def test_a_run_of_before_a_field_was_known_goes_on(whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    path = folder / "checkpoints" / "000004" / "checkpoint.json"
    state = json.loads(path.read_text())
    del state["recipe"]["networks"]["guider_start"]
    path.write_text(json.dumps(state))
    train(TINY, folder)


def test_two_small_batches_are_one(tmp_path: Path) -> None:
    """Gradients of two batches of two add up to those of one of four: the same samples, one step."""
    results = []
    for name, batch, accumulate in (("one", 4, 1), ("two", 2, 2)):
        recipe = changed(steps=1, batch=batch, accumulate=accumulate, ema=0.0)
        training = Training(make_trainee(recipe), tmp_path / name)
        results.append((training._step(0), dict(training.ema.module.state_dict())))
    (one, first), (two, second) = results
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-5) and one["gradient"] == pytest.approx(two["gradient"], rel=1e-3)
    assert all(torch.allclose(first[name], second[name], atol=3e-3) for name in first)


def test_it_learns(tmp_path: Path) -> None:
    recipe = replace(changed(steps=80, checkpoint_every=100), objective=Fetch(), optimizer=Optimizer(lr=3e-3, warmup=5))
    train(recipe, tmp_path)
    curve = losses(tmp_path)
    assert sum(curve[-10:]) < 0.7 * sum(curve[:10])


def test_only_motion_modules_learn(whole: Path, tmp_path: Path) -> None:
    """The stage of clips: a denoiser of single frames gets motion modules, and nothing else changes."""
    networks = replace(TINY.networks, start=str(whole / "networks"), temporal=TEMPORAL)
    recipe = replace(changed(steps=2, learn=["*.motion_modules."], ema=0.0), networks=networks, data=replace(TINY.data, together=True))
    trainee = make_trainee(recipe)
    before = {name: value.clone() for name, value in trainee.networks.state_dict().items()}
    assert all(torch.equal(before[name], value) for name, value in weights(whole).items())
    Training(trainee, tmp_path).go()
    moved = {name for name, value in trainee.networks.state_dict().items() if not torch.equal(before[name], value)}
    assert moved and all(".motion_modules." in name for name in moved)


def test_looking_at_samples_changes_nothing(whole: Path, tmp_path: Path) -> None:
    train(changed(sample_every=1), tmp_path)
    assert losses(tmp_path) == losses(whole)


def test_nothing_left_to_learn() -> None:
    networks = referenced_networks(TINY.networks, 0)
    with pytest.raises(InputError, match="nothing to learn"):
        select(networks, ["nobody."], [])
    select(networks, [], ["reference_unet."])
    assert not any(value.requires_grad for value in networks.reference_unet.parameters())
    assert all(value.requires_grad for value in networks.pose_guider.parameters())


def test_a_folder_without_networks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="denoising_unet"):
        referenced_networks(Networks(start=str(tmp_path)), 0)


def test_small_files(whole: Path, tmp_path: Path) -> None:
    networks = referenced_networks(replace(TINY.networks, start=str(whole / "networks")), 0)
    own.save(tmp_path / "half", networks.named(torch.float16), About("animate-anyone", "a test"))
    again = referenced_networks(replace(TINY.networks, start=str(tmp_path / "half")), 0)
    assert isinstance(again, ReferencedNetworks) and next(again.parameters()).dtype == torch.float32
    for name, value in networks.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=1e-3, rtol=1e-3)


def test_it_does_not_go_on_from_networks_that_lack_a_tensor(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "networks", tmp_path / "networks")
    path = tmp_path / "networks" / "pose_guider" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    lost = sorted(tensors)[0]
    save_file({name: value for name, value in tensors.items() if name != lost}, path)
    with pytest.raises(MissingModelError, match=lost.replace(".", r"\.")):
        train(replace(TINY, networks=replace(TINY.networks, start=str(tmp_path / "networks"))), tmp_path / "run")


def test_going_on_from_networks_leaves_their_files_alone(whole: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in (whole / "networks").rglob("*.safetensors")}
    train(replace(TINY, networks=replace(TINY.networks, start=str(whole / "networks"))), tmp_path)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert any((tmp_path / "networks" / path.relative_to(whole / "networks")).read_bytes() != content for path, content in before.items())
