"""Checkpoints: tensors and JSON only, numbered, whole or named as damaged; what goes on from them is equal to the bit."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from animato.core.errors import InputError, OutputError
from animato.core.lock import locked
from animato.training.checkpoint import Damaged, check_checkpoint
from animato.training.loop import Training
from animato.training.recipe import Recipe, read_recipe
from animato.training.run_folder import RunFolder
from runs import leave, recipe_file, results
from trainees import make_trainee, train

CHANGES = ("run.steps=6", "run.checkpoint_every=2", "run.keep=3")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    return read_recipe(recipe_file(tmp_path_factory.mktemp("recipe")), CHANGES)


@pytest.fixture(scope="module")
def whole(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(recipe, folder)
    return folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def gone_on(recipe: Recipe, folder: Path) -> list[str]:
    """What was told when it went on."""
    said = list[str]()
    Training(make_trainee(recipe), folder).go(tell=said.append)
    return said


def test_nothing_that_is_read_back_is_a_program(whole: Path) -> None:
    endings = {path.suffix for path in (whole / "checkpoints").rglob("*") if path.is_file()}
    assert endings == {".json", ".safetensors"}
    assert not [path for path in whole.rglob("*") if path.suffix in (".pkl", ".bin", ".pt")]


def test_the_newest_stay(whole: Path, recipe: Recipe, tmp_path: Path) -> None:
    assert sorted(path.name for path in (whole / "checkpoints").iterdir()) == ["000002", "000004", "000006"]
    train(read_recipe(recipe_file(tmp_path), [*CHANGES, "run.checkpoint_every=1", "run.keep=1"]), tmp_path / "one")
    assert [path.name for path in (tmp_path / "one" / "checkpoints").iterdir()] == ["000006"]
    assert json.loads((tmp_path / "one" / "latest.json").read_text())["checkpoint"] == "000006"


def cut(folder: Path) -> None:
    path = folder / "optimizer.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


def altered(folder: Path) -> None:
    path = folder / "networks.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def changed(**facts: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "checkpoint.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | facts))

    return change


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut off": (cut, "optimizer.safetensors is not as it was written"),
    "a bit turned": (altered, "networks.safetensors is not as it was written"),
    "emptied": (lambda folder: (folder / "chance.safetensors").write_bytes(b""), "chance.safetensors is not as it was written"),
    "a file gone": (lambda folder: (folder / "average.safetensors").unlink(), "no file .*average.safetensors"),
    "its facts gone": (lambda folder: (folder / "checkpoint.json").unlink(), "no file .*checkpoint.json"),
    "its facts cut": (lambda folder: (folder / "checkpoint.json").write_text('{"step": 6'), "checkpoint.json is not JSON"),
    "facts of another kind": (lambda folder: (folder / "checkpoint.json").write_text("[]"), "not of a form that is known"),
    "a later form": (changed(format=2), "not of a form that is known"),
    "another step": (changed(step=5), "is of step 5"),
    "a step in words": (changed(step="six"), "does not say its step"),
    "no sums": (changed(files={}), "does not name the files"),
    "a folder for a file": (
        lambda folder: ((folder / "average.safetensors").unlink(), (folder / "average.safetensors").mkdir()),
        "average.safetensors is a folder",
    ),
    "all gone": (shutil.rmtree, "no file"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_one_is_named_and_the_one_before_is_taken(kind: str, recipe: Recipe, whole: Path, run: Path) -> None:
    damage, words = DAMAGES[kind]
    damage(run / "checkpoints" / "000006")
    with pytest.raises(Damaged, match=words):
        check_checkpoint(run / "checkpoints" / "000006")
    (told,) = gone_on(recipe, run)
    assert "000006" in told and "goes on from step 4" in told
    assert results(run) == results(whole)


def test_none_is_whole(recipe: Recipe, run: Path) -> None:
    """It does not begin anew without a word, and nothing is changed."""
    for name in ("000002", "000004", "000006"):
        cut(run / "checkpoints" / name)
    before = results(run)
    with pytest.raises(InputError, match=r"no whole checkpoint.*\n.*000006.*\n.*000004.*\n.*000002"):
        train(recipe, run)
    assert results(run) == before
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(InputError, match="no whole checkpoint"):
        train(recipe, run)
    (run / "latest.json").unlink()
    with pytest.raises(InputError, match="None is there any more"):
        train(recipe, run)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"checkpoint": "../../etc"}', '{"checkpoint": 4}', "[" * 9999])
def test_a_lost_or_odd_pointer(content: str | None, recipe: Recipe, whole: Path, run: Path) -> None:
    """The newest whole checkpoint is taken."""
    (run / "latest.json").unlink()
    if content is not None:
        (run / "latest.json").write_text(content)
    cut(run / "checkpoints" / "000006")
    told = gone_on(recipe, run)
    assert "goes on from step 4" in told[-1] and (content is None) == (len(told) == 1)
    assert results(run) == results(whole)


def test_tensors_of_another_network(recipe: Recipe, run: Path) -> None:
    """Sums that are right do not make them fit."""
    path = run / "checkpoints" / "000006" / "optimizer.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith("exp_avg"))
    for odd, words in (
        (tensors | {name: torch.zeros(3)}, "instead of"),
        (tensors | {"nobody.step": torch.zeros(())}, "nobody.step"),
        ({key: value for key, value in tensors.items() if key != name}, "only a part"),
    ):
        save_file(odd, path)
        state = json.loads((run / "checkpoints" / "000006" / "checkpoint.json").read_text())
        state["files"]["optimizer"] = {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        (run / "checkpoints" / "000006" / "checkpoint.json").write_text(json.dumps(state))
        with pytest.raises(InputError, match=f"000006 is not of this training: .*{words}"):
            train(recipe, run)


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickles_are_not_opened(recipe: Recipe, whole: Path, run: Path, tmp_path: Path) -> None:
    """Neither in a run of this version nor in one of an older one, whose form of state had them."""
    evil = pickle.dumps(Evil(tmp_path / "ran"))
    names = ("custom_checkpoint_0.pkl", "custom_checkpoint_1.pkl", "optimizer.bin", "random_states_0.pkl", "scheduler.bin")
    shutil.copytree(run, tmp_path / "old", ignore=shutil.ignore_patterns("run.json", "checkpoints", "latest.json"))
    cut(run / "checkpoints" / "000006")
    for folder in (run / "latest", run / "checkpoints" / "000004", tmp_path / "old" / "latest"):
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_bytes(evil)
    (tmp_path / "old" / "latest" / "step.json").write_text('{"step": 4}')
    train(recipe, run)
    assert results(run) == results(whole)
    with pytest.raises(InputError, match=r"older version.*networks\.start may name"):
        train(recipe, tmp_path / "old")
    assert not (tmp_path / "ran").exists()
    pickle.loads(evil)  # noqa: S301
    assert (tmp_path / "ran").exists()


def test_a_second_run_in_the_same_folder(recipe: Recipe, run: Path) -> None:
    with locked(run, "train"), pytest.raises(OutputError, match="is at work in"):
        train(recipe, run)
    train(recipe, run)


def test_networks_taken_away_come_back(recipe: Recipe, whole: Path, run: Path) -> None:
    shutil.rmtree(run / "networks")
    train(recipe, run)
    assert results(run) == results(whole)


def test_room(tmp_path: Path) -> None:
    RunFolder(tmp_path).check_room(1, "a test")
    with pytest.raises(OutputError, match=r"needs 1,000,000,000,000 MB for a test, and .* MB are free"):
        RunFolder(tmp_path).check_room(10**18, "a test")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was asked to stop after its first step, and has done its second one."""
    folder = tmp_path_factory.mktemp("stopped")
    code, said = leave(recipe_file(folder), folder / "run", *CHANGES, stop_at=1)
    assert code == 143 and "Stopped after step 2 of 6" in said[-1]
    return folder / "run"


@pytest.mark.parametrize("limit", [300, 4_000, 4_000_000])
def test_a_full_disk(limit: int, stopped: Path, whole: Path, tmp_path: Path) -> None:
    """While the curve, the chance or the optimizer is written: a sentence; what is there stays, and there it goes on from."""
    folder = Path(shutil.copytree(stopped, tmp_path / "run"))
    file = recipe_file(tmp_path)
    code, said = leave(file, folder, *CHANGES, file_limit=limit)
    assert code == 2 and "cannot be written: it grew larger than its disk" in said[-1]
    assert json.loads((folder / "latest.json").read_text())["checkpoint"] == "000002"
    check_checkpoint(folder / "checkpoints" / "000002")
    assert leave(file, folder, *CHANGES) == (0, [])
    assert results(folder) == results(whole)
