"""Training as the command line does it: by the table of systems."""

from __future__ import annotations

from pathlib import Path

from animato.core.progress import Progress, silent
from animato.systems.known import trainee as make_trainee
from animato.training.loop import Training
from animato.training.recipe import Recipe

__all__ = ["make_trainee", "train"]


def train(recipe: Recipe, folder: Path, progress: Progress = silent) -> None:
    """Runs a recipe in a folder, or goes on with it."""
    Training(make_trainee(recipe), folder).go(progress)
