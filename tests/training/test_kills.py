"""A training killed at any moment goes on as if it had never been: networks, averages, chance and curve are equal to the bit.

`kill -9` strikes before a touch of the folder that Python tells of: a file opened, renamed, removed. There are some 290 of them in this
run; `python benchmarks/kill.py` tries many more moments, by the command line.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runs import leave, recipe_file, results

CHANGES = ("run.steps=6", "run.checkpoint_every=2", "run.keep=1")
KILLED = -9


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recipe_file(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def whole(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert leave(recipe, folder, *CHANGES) == (0, [])
    return folder


def test_killed_again_and_again(recipe: Path, whole: Path, tmp_path: Path) -> None:
    """In its beginning, while the first checkpoint is written, and each time it goes on, until it comes to its end."""
    folder = tmp_path / "run"
    for moment in (3, 45, 70, 85):
        code, _ = leave(recipe, folder, *CHANGES, kill_at=moment)
        assert code == KILLED
        if (folder / "latest.json").exists():
            name = json.loads((folder / "latest.json").read_text())["checkpoint"]
            assert (folder / "checkpoints" / name / "checkpoint.json").is_file()
    code, _ = leave(recipe, folder, *CHANGES)
    assert code == 0
    assert results(folder) == results(whole)
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in whole.iterdir())  # nothing is left lying about
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["000006"]
