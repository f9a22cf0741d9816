"""No result takes the place of what it is made from, nor of another result: looked at before any work, by what names stand for."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from animato.core.errors import InputError
from animato.core.folder import PICTURE_ENDINGS, numbered_files

Identity = tuple[int, int]  # the disk, and the number of the file or folder on it
_READ = (*PICTURE_ENDINGS, "_keypoints.json")  # what is read of a folder, where it is numbered


def check_apart(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Raises InputError where an output is an input, holds one (a folder is replaced as a whole), or stands in another output's way.

    Links, hard links, other spellings of a name and letter case do not matter: it is the same file that counts. An input that is a folder
    stands for the numbered files in it, too.
    """
    given, written = list(inputs), list(outputs)
    held = dict(_held(given))
    names = {_real(path) for path in given}
    for output in written:
        if _real(output) in names:
            raise InputError(f"{output} is an input or written twice: give another name.")
        found = held.get(_identity(output))
        if found is not None:
            raise InputError(f"{output} is or holds the input {found}, which would be lost: give another name.")
    _check_outputs(written)


def check_trees_apart(source: Path, output: Path) -> None:
    """Raises InputError where one of two folders is the other or lies in it, whatever they are called."""
    for inner, outer in ((source, output), (output, source)):
        around = {identity for path in _with_parents(inner) if (identity := _identity(path))}
        if _identity(outer) in around or _real(outer) in _with_parents(_real(inner)):
            raise InputError(f"{output} and the input {source} are one folder, or one lies in the other: write to another place.")


def _check_outputs(outputs: list[Path]) -> None:
    folded = [Path(unicodedata.normalize("NFC", str(_real(path))).casefold()) for path in outputs]
    for index, one in enumerate(folded):
        for number, other in enumerate(folded[:index]):
            if one == other:
                raise InputError(f"{outputs[index]} is an input or written twice: give another name.")
            if one in other.parents or other in one.parents:
                raise InputError(f"{outputs[index]} and {outputs[number]} get in each other's way: write neither into the other.")


def _held(inputs: list[Path]) -> Iterator[tuple[Identity | None, Path]]:
    """All that must not be replaced, and the input for whose sake: inputs, what they are links to, and the folders around both."""
    for given in inputs:
        for path in (given, *(numbered_files(given, _READ) if os.path.isdir(given) else ())):
            places = [path, *_with_parents(_real(path))] if path is given or os.path.islink(path) else [path]
            yield from ((identity, path) for place in places if (identity := _identity(place)))
        yield from ((identity, given) for place in given.absolute().parents if (identity := _identity(place)))


def _with_parents(path: Path) -> list[Path]:
    path = path.absolute()
    return [path, *path.parents]


def _real(path: Path) -> Path:
    """The path without links; as it is where they lead nowhere."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path.absolute()


def _identity(path: Path) -> Identity | None:
    """None for what is not there, and on disks that number nothing."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if found.st_ino else None
