"""What the project's own folders of weights say of themselves (animato.json), and JSON beside weights in general. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from animato.core.errors import MissingModelError

OWN = "animato.json"  # what makes a folder one of the project's own form
FORMAT = 1


@dataclass(frozen=True)
class About:
    """What animato.json says.

    system   the system's name
    source   where the values come from, in words
    options  what else the system wants to know of these weights, as JSON
    """

    system: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


def is_own(folder: Path) -> bool:
    """Whether a folder is of the project's own form."""
    return (folder / OWN).is_file()


def about(folder: Path) -> About:
    """What a folder of the project's form says of itself. Raises MissingModelError."""
    said = read_json(folder / OWN)
    if said.get("format") != FORMAT:
        raise MissingModelError(
            f"{folder / OWN} is of format {said.get('format')}, and this version of animato reads format {FORMAT}. Convert the official "
            "files again, or use the version that wrote it."
        )
    return About(str(said.get("system")), str(said.get("source")), said.get("options") or {})


def read_json(path: Path) -> dict[str, Any]:
    """What a .json file beside weights says. Raises MissingModelError."""
    try:
        said = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise MissingModelError(f"{path} is missing, and the weights beside it cannot be used without it. Get both again.") from error
    except (OSError, ValueError) as error:
        raise MissingModelError(f"{path} cannot be read: {error}. Get it again.") from error
    if not isinstance(said, dict):
        raise MissingModelError(f"{path} says nothing about a network. Get it again.")
    return said
