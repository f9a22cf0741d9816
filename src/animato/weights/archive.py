"""PyTorch's own files: where the numbers of each storage lie, and tensors that stay mapped to them. No file is allowed to run code.

A zip file (since PyTorch 1.6) has a pickle that describes the tensors, and a record of plain numbers for each storage. One of before 2020
is four pickles with the storages behind them. Both are read by the closed reader of pickled.py, and the numbers are mapped: opening takes
no memory. What a file says of itself is compared with what is there, before anything is made of it.
"""

from __future__ import annotations

import io
import math
import os
import struct
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from torch import Tensor

from animato.weights.pickled import BadPickle, Described, Machine, Odd, Stored

PICKLE = 16_000_000  # bytes of the largest pickle that is read; Stable Diffusion's with its optimiser has 2
ELEMENTS = 2**33  # of one tensor
DIRECTORY = 16_000_000  # bytes of the list of a zip file's records
END = b"PK\5\6"
END_OF_64 = b"PK\6\6"
LOCAL = struct.Struct("<4s22xHH")  # of a record: sign, lengths of its name and of what else stands before its bytes
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of the format of before 2020

NUMBERS: Mapping[str, torch.dtype] = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
}


class Unreadable(ValueError):
    """A file that is damaged. The message is a clause: why."""


class Foreign(Unreadable):
    """A file that is whole, but another thing than weights. The message is a clause: what it is."""


class Place(NamedTuple):
    """Where the numbers of a storage lie, in bytes of the file."""

    start: int
    size: int


@dataclass(frozen=True)
class Archive:
    """A file's description of what it holds, and where its numbers lie."""

    path: Path
    content: object
    places: Mapping[str, Place]

    def tensors(self, described: Mapping[str, Described]) -> dict[str, Tensor]:
        """Tensors as they are described, mapped to the file. Raises Unreadable where the file has not what it says."""
        for key, one in described.items():
            self._check(key, one)
        whole = torch.UntypedStorage.from_file(str(self.path), False, self.path.stat().st_size)
        parts = dict[str, Any]()
        for one in described.values():
            parts.setdefault(one.storage.key, _part(whole, self.places[one.storage.key], one.storage))
        return {key: _made(one, parts[one.storage.key]) for key, one in described.items()}

    def _check(self, key: str, one: Described) -> None:
        """That a tensor lies within its storage, and the storage within its record. One that repeats numbers is told when it is read."""
        place = self.places.get(one.storage.key)
        number = number_of(one)
        if place is None or number is None:
            raise Unreadable(f"the numbers of {key} are not in it")
        if one.storage.count * _width(one.storage) > place.size:
            raise Unreadable(f"{key} claims more numbers than its record has")
        reach = 1 + one.offset + sum((length - 1) * step for length, step in zip(one.size, one.stride, strict=True))
        if 0 not in one.size and reach * number.itemsize > one.storage.count * _width(one.storage):
            raise Unreadable(f"{key} reaches beyond the end of its storage")
        if math.prod(max(length, 1) for length in one.size) > ELEMENTS:
            raise Unreadable(f"{key} claims more numbers than any network has")


def open_zip(path: Path) -> Archive:
    """A file of PyTorch's zip format. Raises Unreadable."""
    with path.open("rb") as file:
        _check_directory(file)
        try:
            with zipfile.ZipFile(file) as records:
                return _of_zip(path, file, records)
        except Unreadable:
            raise
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError, EOFError, OSError) as error:
            raise Unreadable("its list of records cannot be read") from error


def open_before_2020(path: Path) -> Archive:
    """A file of PyTorch's format of before 2020. Raises Unreadable."""
    with path.open("rb") as file:
        start = io.BytesIO(file.read(PICKLE))
        heads = [_run(Machine(), start) for _ in range(3)]
        if heads[:2] != [MAGIC, PROTOCOL]:
            raise Unreadable("its beginning is not that of a file of PyTorch's")
        if not isinstance(heads[2], dict) or heads[2].get("little_endian") is not (sys.byteorder == "little"):
            raise Foreign("its numbers are in the byte order of another kind of machine")
        machine = Machine()
        content = _run(machine, start)
        keys = _run(Machine(), start)
        if not isinstance(keys, list) or not all(isinstance(key, str) and key in machine.storages for key in keys):
            raise Unreadable("its list of storages cannot be read")
        return Archive(path, content, _places(file, start.tell(), [machine.storages[key] for key in keys]))


def number_of(one: Described) -> torch.dtype | None:
    """The type of a tensor's numbers; None for one that PyTorch does not know or nobody here reads."""
    if not one.number:
        return NUMBERS.get(one.storage.kind)
    found = getattr(torch, one.number, None) if one.number.isidentifier() else None
    return found if isinstance(found, torch.dtype) else None


def oddity(value: object) -> str:
    """What a tensor that nobody here reads is, in words; nothing for any other value."""
    if isinstance(value, Odd):
        return value.what
    if isinstance(value, Described) and number_of(value) is None:
        return f"a tensor of {(value.number or value.storage.kind.removesuffix('Storage'))[:40]} numbers"
    return ""


def _of_zip(path: Path, file: IO[bytes], records: zipfile.ZipFile) -> Archive:
    infos = records.infolist()
    names = {info.filename: info for info in infos}
    if len(names) != len(infos):
        raise Unreadable("it has two records of one name")
    pickles = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise Foreign("it has no list of tensors, so PyTorch did not write it")
    folder = pickles[0].removesuffix("data.pkl")
    if any(name.startswith(f"{folder}code/") for name in names) or f"{folder}constants.pkl" in names:
        raise Foreign("it is a TorchScript program, and weights alone are due: only --densepose takes a program")
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
        raise Foreign("its records are compressed or encrypted, which those of weights never are")
    if records_order(file, names.get(f"{folder}byteorder")) != sys.byteorder:
        raise Foreign("its numbers are in the byte order of another kind of machine")
    content = _run(machine := Machine(), io.BytesIO(_read(file, names[pickles[0]], PICKLE)))
    held = {key: names.get(f"{folder}data/{key}") for key in machine.storages}
    places = {key: _place(file, info) for key, info in held.items() if info is not None}
    ends = sorted(places.values())
    if any(one.start + one.size > other.start for one, other in pairwise(ends)):
        raise Unreadable("its records overlap")
    return Archive(path, content, places)


def records_order(file: IO[bytes], info: zipfile.ZipInfo | None) -> str:
    """The byte order that a file states; without a word it is the usual one."""
    return "little" if info is None else _read(file, info, 10).decode("ascii", "replace")


def _check_directory(file: IO[bytes]) -> None:
    """That the list of records, which is read whole, is not too long. Raises Unreadable."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 70_000))
    tail = file.read(70_000)
    at = tail.rfind(END)
    if at < 0 or len(tail) < at + 22:
        raise Unreadable("its end is missing")
    length = struct.unpack_from("<I", tail, at + 12)[0]
    stated = [length if length != 0xFFFFFFFF else 0]
    at64 = tail.find(END_OF_64)
    while 0 <= at64 <= len(tail) - 48:
        stated.append(struct.unpack_from("<Q", tail, at64 + 40)[0])
        at64 = tail.find(END_OF_64, at64 + 1)
    if max(stated) > DIRECTORY:
        raise Unreadable("its list of records is longer than any list of tensors")
    file.seek(0)


def _place(file: IO[bytes], info: zipfile.ZipInfo) -> Place:
    """Where the bytes of a stored record lie. Raises Unreadable where its own head is not as the list says, or they are not all there."""
    file.seek(max(info.header_offset, 0))
    head = file.read(LOCAL.size)
    if len(head) < LOCAL.size or not head.startswith(b"PK\3\4"):
        raise Unreadable("a record is not where its list says")
    _, name, extra = LOCAL.unpack(head)
    start = info.header_offset + LOCAL.size + name + extra
    if start + info.file_size > os.fstat(file.fileno()).st_size or info.file_size != info.compress_size:
        raise Unreadable("a record is longer than the file")
    return Place(start, info.file_size)


def _read(file: IO[bytes], info: zipfile.ZipInfo, most: int) -> bytes:
    """A small record, whole."""
    place = _place(file, info)
    if place.size > most:
        raise Foreign("its list of tensors is longer than any network's")
    file.seek(place.start)
    return file.read(place.size)


def _run(machine: Machine, file: IO[bytes]) -> object:
    try:
        return machine.run(file)
    except BadPickle as error:
        raise Unreadable(f"its list of tensors cannot be read: {error}") from error


def _places(file: IO[bytes], start: int, storages: list[Stored]) -> dict[str, Place]:
    """Of storages that follow each other from a place on, each behind the number of its elements."""
    places = dict[str, Place]()
    end = os.fstat(file.fileno()).st_size
    for one in storages:
        file.seek(start)
        count = file.read(8)
        size = one.count * _width(one)
        if len(count) < 8 or start + 8 + size > end:
            raise Unreadable("it ends too early")
        if int.from_bytes(count, "little") != one.count:
            raise Unreadable("a storage has another length than its list says")
        places[one.key] = Place(start + 8, size)
        start += 8 + size
    return places


def _width(storage: Stored) -> int:
    """Bytes of an element; of a storage without a type, of a byte. Raises Unreadable for a type that is not known."""
    if storage.kind == "UntypedStorage":
        return 1
    if storage.kind not in NUMBERS:
        raise Foreign(f"it has numbers of an unknown kind ({storage.kind[:40]})")
    return NUMBERS[storage.kind].itemsize


def _part(whole: Any, place: Place, storage: Stored) -> Any:
    """The part of a mapped file that a storage is; a copy where its numbers do not lie as the processor wants them."""
    part = whole[place.start : place.start + storage.count * _width(storage)]
    step = _width(storage) if storage.kind in NUMBERS else 8
    return part.clone() if place.start % step else part


def _made(one: Described, part: Any) -> Tensor:
    empty = torch.empty(0, dtype=number_of(one))
    return empty.set_(part, one.offset, one.size, one.stride)
