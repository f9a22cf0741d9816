"""Which system trains by a recipe. Only until the table of systems says it."""

from __future__ import annotations

from pathlib import Path

from animato.core.errors import InputError
from animato.core.progress import Progress, silent
from animato.training import animate_anyone, magic_animate, muse_pose, uni_animate
from animato.training.loop import Training
from animato.training.recipe import Recipe
from animato.training.trainee import Trainee

KNOWN = {module.NEEDS.system: module.trainee for module in (animate_anyone, muse_pose, magic_animate, uni_animate)}


def make_trainee(recipe: Recipe) -> Trainee:
    """Raises InputError for an unknown system, or a recipe whose parts do not fit together."""
    if recipe.system and recipe.system not in KNOWN:
        raise InputError(f"There is no training of '{recipe.system}': set system to one of {', '.join(KNOWN)}.")
    return KNOWN[recipe.system or animate_anyone.NEEDS.system](recipe)


def train(recipe: Recipe, folder: Path, progress: Progress = silent) -> None:
    """Runs a recipe in a folder, or goes on with it."""
    Training(make_trainee(recipe), folder).go(progress)
