"""What `animato train` does: a recipe, changed as the words say, is run in a folder or gone on with."""

from __future__ import annotations

from pathlib import Path

from animato.apps.console import Bars, say
from animato.core.packages import TRAINING, check_installed


def train(recipe: Path, changes: list[str], out: Path | None) -> None:
    """Runs a recipe in `out`, by default out/NAME of the recipe. Raises InputError for a recipe that cannot be run, MissingModelError."""
    check_installed("Training", TRAINING)
    from accelerate import PartialState

    from animato.systems.known import trainee
    from animato.training.loop import Training
    from animato.training.recipe import read_recipe

    wanted = read_recipe(recipe, changes)
    folder = out or Path("out") / recipe.stem
    with Bars() as bars:
        bars("build networks", 0, 1)
        training = Training(trainee(wanted), folder)
        bars("build networks", 1, 1)
        training.go(bars)
    if PartialState().is_main_process:  # of those that torchrun started, the one that speaks
        say(f"{folder / 'networks'}: the trained networks. Curves: tensorboard --logdir {folder}. Samples: {folder / 'samples'}.")
