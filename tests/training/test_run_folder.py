"""The folder of a run: nothing of somebody else is touched, each step is told once, a run that is asked to stop leaves a checkpoint."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from animato.core.errors import InputError, Interrupted
from animato.training.loop import Training
from animato.training.recipe import Recipe, read_recipe
from animato.training.run_folder import OURS, RunFolder
from animato.training.stopping import SIGNALS, Stop
from runs import recipe_file, results
from trainees import make_trainee, train


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    changes = ["run.steps=6", "run.checkpoint_every=3", "run.sample_every=100"]
    return read_recipe(recipe_file(tmp_path_factory.mktemp("recipe")), changes)


@pytest.fixture(scope="module")
def whole(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    train(recipe, folder)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", OURS)
def test_what_somebody_keeps_there_is_not_touched(name: str, recipe: Recipe, tmp_path: Path) -> None:
    """A folder, a file or a link of a name that a run writes: refused before any work."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "thesis.txt").write_text("years")
    for make in (
        lambda path: shutil.copytree(tmp_path / "kept", path),
        lambda path: path.write_text("x"),
        lambda path: path.symlink_to("kept"),
    ):
        folder = tmp_path / "run"
        folder.mkdir()
        make(folder / name)
        before = content(tmp_path)
        with pytest.raises(InputError, match=f"has {name} already, which no training here has made"):
            train(recipe, folder)
        assert content(tmp_path) == before
        shutil.rmtree(folder)


def test_networks_of_another_training_are_somebody_elses(recipe: Recipe, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "networks", tmp_path / "networks")
    before = content(tmp_path)
    with pytest.raises(InputError, match="has networks already"):
        RunFolder(tmp_path).check()
    with pytest.raises(InputError, match="has networks already"):
        train(recipe, tmp_path)
    assert content(tmp_path) == before


def test_what_else_is_there_stays(recipe: Recipe, whole: Path, tmp_path: Path) -> None:
    """Folders of other names from the beginning, and what was laid among the networks or into an old checkpoint later on."""
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "notes.txt").write_text("mine")

    def progress(stage: str, done: int, total: int) -> None:
        if done == 3:
            (tmp_path / "networks" / "unet" / "notes.txt").write_text("mine")
            (tmp_path / "checkpoints" / "000003" / "notes.txt").write_text("mine")

    more = read_recipe(recipe_file(tmp_path), ["run.steps=6", "run.checkpoint_every=1", "run.sample_every=100", "run.keep=1"])
    Training(make_trainee(more), tmp_path).go(progress)
    for place in ("latest", "networks/unet", "checkpoints/000003"):
        assert (tmp_path / place / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["000003", "000006"]
    (tmp_path / "networks" / "unet" / "notes.txt").unlink()
    networks = {name: value for name, value in content(whole).items() if name.startswith("networks")}
    assert {name: value for name, value in content(tmp_path).items() if name.startswith("networks")} == networks


@pytest.mark.parametrize("mark", ["", "{}", "[]", '{"format": 2}'])
def test_an_odd_mark(mark: str, recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(mark)
    with pytest.raises(InputError, match=r"run\.json"):
        train(recipe, tmp_path)


def told(folder: Path) -> Iterator[int]:
    for line in (folder / "curve.jsonl").read_text().splitlines():
        yield json.loads(line)["step"]


@pytest.mark.parametrize("last", ["", '{"step": 6, "lo', '{"step": 5, "loss": 1.0}\n{"step": true}\nnull\n'])
def test_each_step_is_told_once(last: str, recipe: Recipe, whole: Path, tmp_path: Path) -> None:
    """After a resume from an older checkpoint, with a torn line or odd ones at the end."""
    folder = Path(shutil.copytree(whole, tmp_path / "run"))
    shutil.rmtree(folder / "checkpoints" / "000006")
    with (folder / "curve.jsonl").open("a") as file:
        file.write(last)
    train(recipe, folder)
    assert list(told(folder)) == [1, 2, 3, 4, 5, 6]
    assert results(folder) == results(whole)
    board = EventAccumulator(str(folder / "curves"))
    board.Reload()
    assert [event.step for event in board.Scalars("loss")] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_that_is_asked_to_stop(number: int, recipe: Recipe, whole: Path, tmp_path: Path) -> None:
    """It ends its step, keeps it, says so, and goes on as if it had never stopped."""
    said = list[str]()

    def progress(stage: str, done: int, total: int) -> None:
        if done == 4:
            os.kill(os.getpid(), number)

    outside = signal.signal(number, signal.default_int_handler)  # under nohup SIGHUP would be ignored
    try:
        with pytest.raises(Interrupted, match="Stopped after step 5 of 6; the same command goes on from there"):
            Training(make_trainee(recipe), tmp_path / "run").go(progress, said.append)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, outside)
    assert json.loads((tmp_path / "run" / "latest.json").read_text())["checkpoint"] == "000005"
    assert len(said) == 1 and "Ask again to stop at once" in said[0]
    train(recipe, tmp_path / "run")
    assert results(tmp_path / "run") == results(whole)


def test_a_run_that_is_asked_twice(recipe: Recipe, whole: Path, tmp_path: Path) -> None:
    def progress(stage: str, done: int, total: int) -> None:
        if done == 4:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="Stopped at once; the same command goes on from step 3"):
        Training(make_trainee(recipe), tmp_path / "run").go(progress)
    train(recipe, tmp_path / "run")
    assert results(tmp_path / "run") == results(whole)


def test_what_nohup_ignores_is_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked
    finally:
        signal.signal(signal.SIGHUP, before)
