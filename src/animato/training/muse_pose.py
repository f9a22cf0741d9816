"""Training MusePose: as Animate Anyone, with another drawing of skeletons, and other data, which the recipes say."""

from __future__ import annotations

from animato.pose.styles.muse_pose import STYLE
from animato.training.recipe import Recipe
from animato.training.referenced import referenced_trainee, requirements
from animato.training.trainee import Trainee

NEEDS = requirements("muse-pose")


def trainee(recipe: Recipe) -> Trainee:
    """What the loop drives. Raises InputError for a recipe that cannot be trained, MissingModelError."""
    return referenced_trainee(recipe, NEEDS, STYLE)
