"""Zip files from strangers: looked at before anything in them is unpacked, and unpacked no further than they say themselves."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from animato.core.errors import AnimatoError, InputError
from animato.core.reading import open_file

Failure = type[AnimatoError]
_END = struct.Struct("<4s4H2IH")  # the record at the end: mark, two disks, two counts, bytes and place of the list of members, a comment
_END_MARK = b"PK\x05\x06"
_LOCATOR_MARK = b"PK\x06\x07"  # before it, in a file of more than 2 GB
_LOCATOR_SIZE = 20
_MOST_LISTED = 4_000_000  # bytes of the list of members, some 40,000 of them
_ENCRYPTED = 0x1
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@contextmanager
def open_archive(path: Path, what: str, failure: Failure = InputError) -> Iterator[zipfile.ZipFile]:
    """A zip file with a list of members of a sensible length. `what` says what the file should be. Raises `failure`."""
    with open_file(path, failure) as file:
        _check_list(file, path, what, failure)
        try:
            archive = zipfile.ZipFile(file)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, struct.error) as error:
            raise failure(f"{path} is damaged or no {what}: its list of contents cannot be read.") from error
        with archive:
            yield archive


def find_member(archive: zipfile.ZipFile, name: str, path: Path, failure: Failure = InputError) -> zipfile.ZipInfo | None:
    """The one member of that name, None if there is none. Raises `failure` for two, and for one that is not packed in a plain way."""
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) > 1:
        raise failure(f"{path} holds '{name}' {len(found)} times: save it anew.")
    if found and found[0].flag_bits & _ENCRYPTED:
        raise failure(f"{path}: '{name}' in it is encrypted: save it anew without a password.")
    if found and found[0].compress_type not in _PACKINGS:
        raise failure(f"{path}: '{name}' in it is packed in a way that is not read here: save it anew, plain or with deflate.")
    return found[0] if found else None


def unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, most: int, failure: Failure = InputError) -> bytes:
    """The first `most` bytes of a member at most. Raises `failure` where it is damaged."""
    try:
        with archive.open(info) as member:
            content = member.read(most)
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error) as error:
        raise failure(f"{path} is damaged: '{info.filename}' in it cannot be unpacked; copy or download it again.") from error
    if len(content) != min(most, info.file_size):
        raise failure(f"{path} is damaged: '{info.filename}' in it ends early; copy or download it again.")
    return content


def _check_list(file: BinaryIO, path: Path, what: str, failure: Failure) -> None:
    """Python reads the list of members whole, however long it says to be; a second list, for giants, and a comment are not due."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _LOCATOR_SIZE - _END.size, 0))
    last = file.read()
    record = last[-_END.size :]
    file.seek(0)
    if len(record) < _END.size or not record.startswith(_END_MARK) or record[-2:] != b"\0\0":
        raise failure(f"{path} is damaged or no {what}: its end is missing, or it is another kind of file.")
    if last.startswith(_LOCATOR_MARK) or _END.unpack(record)[5] > _MOST_LISTED:
        raise failure(f"{path} is no {what}: it says that it holds more than a {what} can; get the right file.")
