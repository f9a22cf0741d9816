"""What a recipe needs and does not find: said at once and all together, before networks are built."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from animato.core.errors import InputError
from animato.training.check import Requirements
from animato.training.recipe import Recipe
from animato.weights.files import find_weights

PATCH = 12  # values of a patch of 2 x 2 pixels, and of the mean colour, which need no VAE and no CLIP
SMALL = 256  # pixels: procedural people are made for preview models, which see no more


def check_there(recipe: Recipe, needs: Requirements) -> None:
    """Raises InputError that lists everything that is missing."""
    lines = [*_starts(recipe, needs), *_encoders(recipe, needs), *_data(recipe, needs)]
    if not lines:
        return
    if not recipe.networks.start and _latents(recipe, needs):
        lines.append("networks.start is empty: networks would begin with random values. Name the folder that the recipe's comment says.")
    listed = "".join(f"\n- {line}" for line in lines)
    last = "Set these in the recipe, or behind it on the command line: networks.vae=FOLDER."
    raise InputError(f"This recipe of {needs.system} cannot be trained yet.{listed}\n{last}")


def _starts(recipe: Recipe, needs: Requirements) -> Iterator[str]:
    networks = recipe.networks
    if networks.start:
        wanted = (*needs.networks, "copy_head") if networks.copy_head else needs.networks
        missing = [name for name in wanted if not (Path(networks.start) / name / "config.json").is_file()]
        if missing:
            yield f"networks.start: {networks.start} has no {', '.join(missing)}. Train the stage before, or name another folder."
    for name in ("guider_start", "motion_start", "copy_start"):
        if (path := getattr(networks, name)) and not Path(path).exists():
            yield f"networks.{name}: {path} is not there. Name the right one, or leave it empty."


def _encoders(recipe: Recipe, needs: Requirements) -> Iterator[str]:
    networks = recipe.networks
    for name, folder in (("vae", networks.vae), ("clip", networks.clip)):
        if folder and not _weights(Path(folder)):
            yield f"networks.{name}: {folder} is no weight file, nor a folder with one. Name the right one."
    if not networks.vae and _latents(recipe, needs):
        yield "networks.vae is empty: these networks learn from a VAE's latents. Name its folder."
    if not networks.clip and "clip" in needs.reads and _tokens(recipe, needs):
        yield "networks.clip is empty: these networks read CLIP's tokens. Name the folder of its vision tower."


def _data(recipe: Recipe, needs: Requirements) -> Iterator[str]:
    index = recipe.data.index
    if index and not Path(index).is_file():
        yield f"data.index: {index} is not there. Name a JSON list of videos and their poses."
    if not index and _latents(recipe, needs) and max(recipe.data.size) > SMALL:
        yield "data.index is empty: pictures of this size are learned from videos. Name a JSON list of videos and their poses."


def _weights(path: Path) -> bool:
    return path.is_file() or find_weights(path) is not None


def _latents(recipe: Recipe, needs: Requirements) -> bool:
    """Whether the networks see latents of a VAE."""
    channels = _options(recipe, needs).get("in_channels", 4)
    return not recipe.networks.copy_head and channels != PATCH


def _tokens(recipe: Recipe, needs: Requirements) -> bool:
    """Whether the networks read tokens of CLIP."""
    options = _options(recipe, needs)
    width = options.get("cross_attention_dim") or next(iter(options.get("context", [])), None)
    return not recipe.networks.copy_head and width != PATCH


def _options(recipe: Recipe, needs: Requirements) -> dict[str, Any]:
    """Of the first network, in the folder that it begins from, or in the recipe. Where neither says them, small pictures mean patches."""
    if not recipe.networks.start:
        return recipe.networks.unet
    path = Path(recipe.networks.start) / needs.networks[0] / "config.json"
    if path.is_file():
        return dict(json.loads(path.read_text("utf-8")))
    return {} if min(recipe.data.size) > SMALL else {"in_channels": PATCH, "cross_attention_dim": PATCH}
