"""Arrays of numbers from an .npz file: kind, shape and size are looked at before a value is unpacked, and no Python object is made."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from animato.core.archive import find_member, open_archive, unpack
from animato.core.errors import InputError

_MAGIC = b"\x93NUMPY"
_MOST_HEADER = 4096  # bytes; numpy's own are 128
_LENGTHS = {1: 2, 2: 4, 3: 4}  # bytes that tell the length of the header, by the version of the format
_HEADER = re.compile(
    r"\{\s*'descr'\s*:\s*'([<>|=]?)(b1|[iu][1248]|f[248])'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,"
    r"\s*'shape'\s*:\s*\(\s*((?:\d{1,12}\s*,\s*)*(?:\d{1,12})?)\s*\)\s*,?\s*\}\s*",
    re.ASCII,
)


@dataclass(frozen=True)
class Stored:
    """An array as its header describes it, still packed. start: bytes before its values; order: C, or F for columns first."""

    dtype: np.dtype
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    start: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class ArrayFile:
    """An opened .npz file. All methods raise InputError."""

    path: Path
    archive: zipfile.ZipFile

    def look(self, name: str) -> Stored | None:
        """What kind of array is kept under the name, None if there is none."""
        info = find_member(self.archive, f"{name}.npy", self.path)
        if info is None:
            return None
        stored = _described(unpack(self.archive, info, self.path, _MOST_HEADER))
        if stored is None:
            raise InputError(f"{self.path}: its array '{name}' holds no plain numbers: save it anew as numbers.")
        if stored.start + stored.bytes != info.file_size:
            raise InputError(f"{self.path} is damaged: its array '{name}' is said to be {_written(stored.shape)} values and is not.")
        return stored

    def read(self, name: str, stored: Stored) -> np.ndarray:
        """The values of an array that was looked at. Its size is to be judged before."""
        info = self.archive.getinfo(f"{name}.npy")
        content = unpack(self.archive, info, self.path, info.file_size)
        return np.frombuffer(content, stored.dtype, offset=stored.start).reshape(stored.shape, order=stored.order)


@contextmanager
def open_arrays(path: Path, what: str) -> Iterator[ArrayFile]:
    """An .npz file, of which nothing but the list of its arrays is read. Raises InputError."""
    with open_archive(path, what) as archive:
        yield ArrayFile(path, archive)


def _described(begin: bytes) -> Stored | None:
    """The header of a .npy file of plain numbers; None for anything else."""
    width = _LENGTHS.get(begin[6]) if begin.startswith(_MAGIC) and len(begin) > len(_MAGIC) else None
    if width is None:
        return None
    start = 8 + width + int.from_bytes(begin[8 : 8 + width], "little")
    found = _HEADER.fullmatch(begin[8 + width : start].decode("latin-1"))
    if start > len(begin) or found is None:
        return None
    order, kind, columns_first, sides = found.groups()
    shape = tuple(int(side) for side in sides.split(",") if side.strip())
    return Stored(np.dtype(order + kind), shape, "F" if columns_first == "True" else "C", start)


def _written(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"
