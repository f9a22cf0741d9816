"""A checkpoint's folder: a safetensors file for each part of the state, and checkpoint.json with the rest and the sums of the files.

Nothing in it is a program. What is cut off, missing or altered is told by the sums.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from animato.core.errors import InputError
from animato.core.output import explained
from animato.core.reading import check_file, read_json
from animato.training.state import PARTS, Tensors

FORMAT = 1
FACTS = "checkpoint.json"
MOST = 4_000_000  # bytes of a checkpoint.json
NAME = re.compile(r"\d{6,12}")  # of a checkpoint's folder: how many steps are done
_WHY = re.compile(r"(?:os error|code:) (\d+)")  # in what safetensors says when the system refused to write


class Damaged(InputError):
    """A checkpoint is not what was written; the message says what is wrong with it."""


@dataclass(frozen=True)
class Facts:
    """What a checkpoint says beside its tensors.

    step       how many steps are done
    recipe     all of the recipe, as a table
    processes  how many took part
    skipped    how many steps in a row fp16 has skipped
    values     what of the state is no tensor
    """

    step: int
    recipe: dict[str, Any]
    processes: int
    skipped: int
    values: dict[str, Any]


def write_checkpoint(folder: Path, parts: Mapping[str, Tensors], facts: Facts) -> None:
    """Writes a new folder. Raises OutputError."""
    with explained(folder):
        folder.mkdir(parents=True)
        for name, tensors in parts.items():
            with told_by_system():
                save_file({key: value.contiguous() for key, value in tensors.items()}, _file(folder, name))
        sums = {name: _sum(_file(folder, name)) for name in parts}
        (folder / FACTS).write_text(json.dumps({"format": FORMAT} | asdict(facts) | {"files": sums}, indent=1) + "\n", "utf-8")


def check_checkpoint(folder: Path) -> Facts:
    """What a whole checkpoint says, all of its files read and compared with their sums. Raises Damaged."""
    known = read_json(folder / FACTS, MOST, Damaged)
    facts = _facts(known, folder)
    sums = known.get("files")
    if not isinstance(sums, dict) or set(sums) != set(PARTS):
        raise Damaged(f"{folder / FACTS} does not name the files that belong to it")
    for name in PARTS:
        path = _file(folder, name)
        check_file(path, Damaged)
        try:
            same = _sum(path) == sums[name]
        except OSError as error:
            raise Damaged(f"{path} cannot be read ({error.strerror})") from error
        if not same:
            raise Damaged(f"{path} is not as it was written: it is cut off or altered")
    return facts


def read_parts(folder: Path) -> dict[str, Tensors]:
    """The tensors of a checkpoint that was checked. Raises Damaged."""
    try:
        return {name: load_file(_file(folder, name)) for name in PARTS}
    except (OSError, SafetensorError) as error:
        raise Damaged(f"{folder} cannot be read ({error})") from error


@contextlib.contextmanager
def told_by_system() -> Iterator[None]:
    """Raises the OSError that safetensors made words of, such as that of a full disk."""
    try:
        yield
    except SafetensorError as error:
        code = _WHY.search(str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1]))) from error


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"


def _sum(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _facts(known: Any, folder: Path) -> Facts:
    """Raises Damaged for what is no table of facts, or one of another step."""
    if not isinstance(known, dict) or known.get("format") != FORMAT:
        raise Damaged(f"{folder / FACTS} is not of a form that is known here")
    kinds = {"step": int, "recipe": dict, "processes": int, "skipped": int, "values": dict}
    for name, kind in kinds.items():
        if type(known.get(name)) is not kind:
            raise Damaged(f"{folder / FACTS} does not say its {name}")
    if known["step"] != int(folder.name):
        raise Damaged(f"{folder / FACTS} is of step {known['step']}")
    return Facts(**{name: known[name] for name in kinds})
