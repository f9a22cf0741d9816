"""What a recipe must be before any work is done: parts that fit together, fields that mean something, files that are there."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from animato.core.errors import InputError
from animato.training.objective import OVER_COPY, Record, check_shares, fit_objective
from animato.training.recipe import Networks, Recipe, build_recipe


@dataclass(frozen=True)
class Requirements:
    """What a system's training says of itself.

    system      its name
    objectives  what it learns by
    copy_head   what the copy head of its preview models goes by
    networks    folders that networks.start must have; with a copy head copy_head, too
    reads       fields of a recipe's networks that mean something to it
    lengths     whether it learns from clips of several lengths
    """

    system: str
    objectives: tuple[Record, ...]
    copy_head: str
    networks: tuple[str, ...]
    reads: tuple[str, ...]
    lengths: bool = False


def checked(recipe: Recipe, needs: Requirements) -> Recipe:
    """The recipe as the system learns by it. Raises InputError for one that cannot be trained."""
    recipe = fitted(recipe, needs)
    check_fields(recipe, needs)
    check_parts(recipe, needs)
    check_numbers(recipe)
    return recipe


def fitted(recipe: Recipe, needs: Requirements) -> Recipe:
    """With the system's name and its own record of the objective. Raises InputError."""
    return replace(recipe, system=needs.system, objective=fit_objective(recipe.objective, needs.objectives, needs.system))


def written(content: dict[str, Any], needs: Requirements, where: str) -> Recipe:
    """The recipe that a run wrote beside its state. Raises InputError.

    Runs once wrote every field of every kind. Those that mean nothing for this system and this kind are dropped, whatever their values.
    """
    objective = content["objective"]
    record = next(record for record in needs.objectives if record.kind == objective["kind"])
    known = {"kind", *(field.name for field in fields(record))}
    content = content | {
        "objective": {name: value for name, value in objective.items() if name in known},
        "networks": {name: value for name, value in content["networks"].items() if name in needs.reads},
    }
    return fitted(build_recipe(content, where), needs)


def check_fields(recipe: Recipe, needs: Requirements) -> None:
    """Raises InputError for a field that is set and means nothing for the system."""
    new = Networks()
    for field in fields(Networks):
        if field.name not in needs.reads and getattr(recipe.networks, field.name) != getattr(new, field.name):
            raise InputError(f"networks.{field.name} means nothing for {needs.system}, which reads {', '.join(needs.reads)}: leave it out.")
    if recipe.data.lengths and not needs.lengths:
        raise InputError(f"{needs.system} does not learn from clips of several lengths: leave data.lengths empty.")


def check_parts(recipe: Recipe, needs: Requirements) -> None:
    """Raises InputError for objective, copy head and encoders that contradict each other."""
    kind, networks = recipe.objective.kind, recipe.networks
    if networks.copy_head and networks.copy_head != needs.copy_head:
        raise InputError(f"The copy head of {needs.system} goes by {needs.copy_head}: set networks.copy_head.")
    if isinstance(recipe.objective, OVER_COPY) and not networks.copy_head:
        raise InputError(f"The objective '{kind}' needs a copy head: set networks.copy_head to {needs.copy_head}.")
    if networks.copy_head and not isinstance(recipe.objective, OVER_COPY):
        raise InputError(f"A copy head learns by the objective 'clean' or 'fetch', not by '{kind}': set objective.kind.")
    if networks.copy_head and (networks.vae or networks.clip):
        raise InputError("A copy head fetches patches: leave networks.vae and networks.clip empty.")


def check_numbers(recipe: Recipe) -> None:
    """Raises InputError for numbers that are out of range."""
    temporal, data = recipe.networks.temporal, recipe.data
    positions = None if temporal.get("kind") == "mamba" else temporal.get("positions")  # Mamba needs none
    check_shares(recipe.objective)
    if positions is not None and data.frames > positions:
        raise InputError(f"{data.frames} frames are too many for {positions} positions: lower data.frames.")
    if data.margin < 0 or data.fast < 0 or data.rate < 1:
        raise InputError("data.margin and data.fast cannot be below 0, nor data.rate below 1: choose others.")
    if min(data.size) < 16 or recipe.run.batch < 1 or recipe.run.accumulate < 1 or data.frames < 1:
        raise InputError("Pictures of at least 16 x 16 pixels and batches of at least one frame are due.")
