"""Recipes with a few bytes changed: read, or refused by a sentence; never anything else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from animato.training.recipe import read_recipe
from changes import changed, refused

TRIES = 100
RECIPE = Path(__file__).parents[2] / "recipes" / "uni-animate.toml"


def change(path: Path, good: bytes, chance: random.Random) -> None:
    path.write_bytes(changed(good, chance))


@pytest.mark.filterwarnings("error")
def test_changed_recipes_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(RECIPE.read_bytes())
    assert refused(path, read_recipe, change, TRIES) > TRIES // 4, "hardly anything was changed"
