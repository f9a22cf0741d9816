"""What the project's own folders of weights say of themselves (animato.json), and JSON beside weights in general. Needs no torch."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from animato.core import reading
from animato.core.errors import MissingModelError

OWN = "animato.json"  # what makes a folder one of the project's own form
FORMAT = 1
CONFIG_BYTES = 1_000_000  # of the largest file of this kind; a whole CLIP's has 5,000
SHOWN = 200  # letters of what a message shows of a file
_REPR = reprlib.Repr()


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
            f"{folder / OWN} is of format {shown(said.get('format'))}, and this version of animato reads format {FORMAT}. Convert the "
            "official files again, or use the version that wrote it."
        )
    options = said.get("options") or {}
    if not isinstance(options, dict):
        raise MissingModelError(f"{folder / OWN} has options that are no table: {shown(options)}. Get it again.")
    return About(shown(said.get("system")), shown(said.get("source")), options)


def read_json(path: Path, most: int = CONFIG_BYTES) -> dict[str, Any]:
    """What a .json file beside weights says, of at most so many bytes. Raises MissingModelError."""
    if not path.is_symlink() and not path.exists():
        raise MissingModelError(f"{path} is missing, and the weights beside it cannot be used without it. Get both again.")
    said = reading.read_json(path, most, MissingModelError)
    if not isinstance(said, dict):
        raise MissingModelError(f"{path} says nothing about a network. Get it again.")
    return said


def shown(value: object) -> str:
    """What a file says, as a message can show it: on one line, without control characters, not too long."""
    text = value if isinstance(value, str) else _REPR.repr(value)
    return text if text.isprintable() and len(text) <= SHOWN else ascii(text[:SHOWN])
