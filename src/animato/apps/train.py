"""What `animato train` does: a recipe, changed as the words say, is run in a folder or gone on with."""

from __future__ import annotations

from pathlib import Path

import typer

from animato.apps.console import Bars, note, say
from animato.core.errors import Interrupted
from animato.core.packages import TRAINING, check_installed


def train(recipe: Path, changes: list[str], out: Path | None) -> None:
    """Runs a recipe in `out`, by default out/NAME of the recipe. Of several processes the first speaks for all.

    Raises InputError for a recipe or a folder that is no use, MissingModelError, OutputError, Interrupted.
    """
    check_installed("Training", TRAINING)
    from animato.apps import processes

    folder = out or Path("out") / recipe.stem
    if not processes.several():
        _train(recipe, changes, folder)
        _say(folder)
        return
    with processes.together() as group:
        first = group.shard.rank == 0
        try:
            _train(recipe, changes, folder)
        except Interrupted as error:
            if first:
                raise
            raise typer.Exit(error.exit_code) from error
        if first:
            _say(folder)


def _train(recipe: Path, changes: list[str], folder: Path) -> None:
    from animato.systems.known import trainee
    from animato.training.loop import Training
    from animato.training.recipe import read_recipe
    from animato.training.run_folder import RunFolder

    wanted = read_recipe(recipe, changes)
    RunFolder(folder).check()
    with Bars() as bars:
        bars("build networks", 0, 1)
        training = Training(trainee(wanted), folder)
        bars("build networks", 1, 1)
        training.go(bars, note)


def _say(folder: Path) -> None:
    say(f"{folder / 'networks'}: the trained networks. Curves: tensorboard --logdir {folder}. Samples: {folder / 'samples'}.")
