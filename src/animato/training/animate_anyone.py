"""Training Animate Anyone, and its preview models."""

from __future__ import annotations

from animato.pose.styles.animate_anyone import STYLE
from animato.training.recipe import Recipe
from animato.training.referenced import referenced_trainee, requirements
from animato.training.trainee import Trainee

NEEDS = requirements("animate-anyone")


def trainee(recipe: Recipe) -> Trainee:
    """What the loop drives. Raises InputError for a recipe that cannot be trained, MissingModelError."""
    return referenced_trainee(recipe, NEEDS, STYLE)
