"""Training as the command line does it: by the table of systems."""

from __future__ import annotations

from pathlib import Path

import torch

from animato.core.progress import Progress, silent
from animato.models.copy_head import clean
from animato.systems.known import trainee as make_trainee
from animato.training.copying import exactly
from animato.training.loop import Training
from animato.training.recipe import Recipe
from animato.training.trainee import Trainee

__all__ = ["make_trainee", "train"]


def train(recipe: Recipe, folder: Path, progress: Progress = silent) -> None:
    """Runs a recipe in a folder, or goes on with it."""
    Training(make_trainee(recipe), folder).go(progress)


def assert_adds_nothing(trainee: Trainee) -> None:
    """A step of networks that answer zero: x0 is the fetched base as noise and times make of it, for each sample at its time."""
    batch, draw = trainee.batch(0, range(2))
    draw = draw._replace(t=torch.tensor([999, 300]))
    copied = exactly(trainee.networks.copy_head, batch)
    squared = trainee.step.alphas_cumprod[draw.t].view(2, 1, 1, 1, 1)
    a, s = squared.sqrt(), (1 - squared).sqrt()
    expected = clean(torch.zeros_like(batch.latents), a * batch.latents + s * draw.noise, copied.base, a, s)
    with torch.no_grad():
        torch.testing.assert_close(trainee.step.made(batch, draw, copied), expected, atol=1e-5, rtol=1e-4)
