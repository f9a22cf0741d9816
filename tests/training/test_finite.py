"""Numbers that stop being finite stop the run at once; what was good stays, in the checkpoint, the average and the curve."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from animato.core.errors import InputError
from animato.training.finite import MOST_SKIPPED, Skipped, check_tensors
from animato.training.loop import Training
from animato.training.recipe import Recipe, read_recipe
from runs import recipe_file, results
from trainees import make_trainee, train


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return read_recipe(recipe_file(tmp_path), ["run.steps=6", "run.checkpoint_every=2", "run.sample_every=100"])


def spoilt_after(step: int, training: Training, tensor: str) -> None:
    """Runs it, and makes one number infinite once so many steps are done."""

    def progress(stage: str, done: int, total: int) -> None:
        if done == step:
            spoil(training, tensor)

    training.go(progress)


@torch.no_grad()
def spoil(training: Training, tensor: str) -> None:
    name, value = next((name, value) for name, value in training.trainee.networks.named_parameters() if value.requires_grad)
    whole = {
        "the network": value,
        "the average": dict(training.ema.module.named_parameters())[name],
        "the optimizer": training.optimizer.state[value]["exp_avg_sq"],
    }
    whole[tensor].view(-1)[0] = math.inf


@pytest.mark.parametrize(("tensor", "step"), [("the network", 4), ("the average", 4), ("the optimizer", 4)])
def test_what_was_good_stays(tensor: str, step: int, recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    training = Training(make_trainee(recipe), folder)
    with pytest.raises(InputError, match=rf"no longer finite in step {step} .*smaller optimizer\.lr") as failure:
        spoilt_after(3, training, tensor)
    assert tensor in str(failure.value) or "loss" in str(failure.value)
    assert json.loads((folder / "latest.json").read_text())["checkpoint"] == "000002"
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["000002"]
    assert "Infinity" not in (folder / "curve.jsonl").read_text() and "NaN" not in (folder / "curve.jsonl").read_text()
    train(recipe, folder)
    train(recipe, tmp_path / "whole")
    assert results(folder) == results(tmp_path / "whole")


def test_a_rate_that_is_too_high(recipe: Recipe, tmp_path: Path) -> None:
    """The step in which it happens is told, nothing is kept, and the next call does not say that it is trained."""
    wild = replace(recipe, optimizer=replace(recipe.optimizer, lr=1e36, warmup=1, decay=0.0))
    for _ in range(2):
        with pytest.raises(InputError, match="no longer finite in step [1-4] "):
            train(wild, tmp_path / "run")
    assert not (tmp_path / "run" / "networks").exists()
    assert not [line for line in (tmp_path / "run" / "curve.jsonl").read_text().splitlines() if "NaN" in line or "Infinity" in line]


def test_the_average_is_not_spoilt(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(make_trainee(recipe), tmp_path / "run")
    with pytest.raises(InputError):
        spoilt_after(3, training, "the network")
    assert all(value.isfinite().all() for value in training.ema.module.state_dict().values())


def test_fp16_may_skip_a_few_steps() -> None:
    skipped = Skipped()
    for step in range(MOST_SKIPPED):
        skipped.note(False, step)
    skipped.note(True, MOST_SKIPPED)
    assert skipped.count == 0
    with pytest.raises(InputError, match="times in a row"):
        for step in range(MOST_SKIPPED + 1):
            skipped.note(False, step)


def test_tensors_are_named() -> None:
    good = {"one": torch.ones(2), "whole": torch.tensor([2**40])}
    check_tensors(good.items(), "the network's", 3)
    for odd in (math.nan, math.inf, -math.inf):
        with pytest.raises(InputError, match=r"step 3 \(the network's two holds numbers that are not\)"):
            check_tensors([*good.items(), ("two", torch.tensor([0.0, odd], dtype=torch.float16))], "the network's", 3)


def test_fp16_needs_a_gpu(recipe: Recipe, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="fp16 needs a GPU"):
            train(replace(recipe, run=replace(recipe.run, precision="fp16")), tmp_path / "run")
