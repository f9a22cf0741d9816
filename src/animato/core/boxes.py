"""MP4 and MOV before FFmpeg sees them: how many pictures their tables claim, since it makes room for all of them, were there none."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from animato.core.errors import InputError
from animato.core.reading import open_file

MOST_ENTRIES = 5_000_000  # pictures and pieces of sound: 55 hours at 25 a second; they take some 70 bytes of memory each
_MOST_EDITED = 20_000_000  # where a list of edits shows parts again and again
_MOST_TRACKS = 1000  # FFmpeg's own limits
_MOST_DEPTH = 10
_MOST_TABLE = 1_200_000  # bytes that are looked at, of a table of many chunks
_FILLING = (b"mdat", b"free", b"skip", b"wide", b"uuid")
_PACKED = b"cmov"
_PIECE = 1024  # samples of plain sound that FFmpeg takes together at least


@dataclass
class _Track:
    """What the tables of one track say, as read so far."""

    seen: bool = False
    heard: bool = False
    samples: int = 0
    chunks: int = 0
    in_chunk: int = 0
    edits: int = 1
    one_tick: bool = False

    @property
    def entries(self) -> int:
        plain_sound = self.heard and self.one_tick and not self.seen
        return self.chunks * -(-self.in_chunk // _PIECE) if plain_sound else self.samples


@dataclass
class _Found:
    """The tracks of a file, one for each `trak`, and what its fragments add."""

    tracks: list[_Track] = field(default_factory=lambda: [_Track()])
    fragments: int = 0
    boxes: int = 0

    @property
    def too_much(self) -> bool:
        entries = self.fragments + sum(track.entries for track in self.tracks)
        edited = max(track.entries * track.edits for track in self.tracks)
        return max(entries, self.boxes) > MOST_ENTRIES or edited > _MOST_EDITED or len(self.tracks) > _MOST_TRACKS


def check_tables(path: Path) -> None:
    """Raises InputError for an MP4 or MOV whose tables claim more than MOST_ENTRIES pictures and pieces of sound."""
    with open_file(path) as file:
        _walk(file, 0, file.seek(0, 2), _Found(), path, 0)


def _walk(file: BinaryIO, begin: int, end: int, found: _Found, path: Path, depth: int) -> None:
    """Everything that looks like a box within a box: FFmpeg takes a table wherever it finds it. Other kinds of files hold no boxes."""
    for name, inner, after in _boxes(file, begin, end):
        found.boxes += 1
        if name == b"trak":
            found.tracks.append(_Track())
        if name == _PACKED:
            raise InputError(f"{path} has a header that is packed itself, which is not read here: convert it to MP4.")
        if name in _TABLES:
            file.seek(inner)
            _TABLES[name](found, file.read(min(after - inner, _MOST_TABLE)))
        elif name not in _FILLING and depth < _MOST_DEPTH:
            _walk(file, inner, after, found, path, depth + 1)
        if found.boxes % 100 == 0 or name in _TABLES:
            _check(found, path)


def _check(found: _Found, path: Path) -> None:
    if found.too_much:
        raise InputError(f"{path} says that it holds more than {MOST_ENTRIES // 1_000_000} million pictures: cut it into parts.")


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte of its content, byte after it) of each box of a stretch, up to the first that is none."""
    at = begin
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, name = struct.unpack_from(">I4s", head)
        start = 8
        if size == 1 and len(head) == 16:
            size = struct.unpack_from(">Q", head, 8)[0]
            start = 16
        if size == 0:
            size = end - at
        if size < start:
            return
        yield name, at + start, min(at + size, end)
        at += size


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _sizes(found: _Found, data: bytes) -> None:
    found.tracks[-1].samples = max(found.tracks[-1].samples, _number(data, 8))


def _times(found: _Found, data: bytes) -> None:
    found.tracks[-1].one_tick = _number(data, 4) == 1 and _number(data, 12) == 1


def _chunks(found: _Found, data: bytes) -> None:
    found.tracks[-1].chunks = max(found.tracks[-1].chunks, _number(data, 4))


def _in_chunks(found: _Found, data: bytes) -> None:
    counts = [_number(data, at + 4) for at in range(8, len(data) - 7, 12)]
    found.tracks[-1].in_chunk = max([found.tracks[-1].in_chunk, *counts])


def _edits(found: _Found, data: bytes) -> None:
    found.tracks[-1].edits = max(found.tracks[-1].edits, _number(data, 4))


def _handler(found: _Found, data: bytes) -> None:
    found.tracks[-1].seen |= data[8:12] == b"vide"
    found.tracks[-1].heard |= data[8:12] == b"soun"


def _run(found: _Found, data: bytes) -> None:
    found.fragments += _number(data, 4)


_TABLES = {
    b"stsz": _sizes,
    b"stz2": _sizes,
    b"stts": _times,
    b"stco": _chunks,
    b"co64": _chunks,
    b"stsc": _in_chunks,
    b"elst": _edits,
    b"hdlr": _handler,
    b"trun": _run,
}
