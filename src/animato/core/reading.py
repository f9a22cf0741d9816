"""Small files that are read whole: looked at first, so that no pipe, device, folder, endless or giant file is ever read."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from animato.core.errors import AnimatoError, InputError

Failure = type[AnimatoError]
MB = 1_000_000
_MOST_PARTS = 2_000_000  # each takes some 70 bytes of memory, and but 3 in the file
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe without a writer would be waited for
_REASONS = {
    errno.ELOOP: "it is a link that leads to itself",
    errno.EACCES: "you have no right to read it",
    errno.EPERM: "you have no right to read it",
    errno.ENAMETOOLONG: "its name is too long",
}


def check_file(path: Path, failure: Failure = InputError) -> int:
    """The bytes of a file that can be read: one that is there, and is no folder, device or pipe. Raises `failure`."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise failure(_unreadable(path, error)) from error
    _check_kind(path, found.st_mode, failure)
    return found.st_size


def is_folder(path: Path) -> bool:
    """Whether there is a folder of that name; no for names that cannot be, and where looking is not allowed."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_missing(path: Path) -> bool:
    """Whether there is nothing of that name, not even a link; no where looking fails in another way, which reading then tells."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False


def read_bytes(path: Path, most: int, failure: Failure = InputError) -> bytes:
    """All bytes of a file that holds at most `most` of them. Raises `failure`."""
    with open_file(path, failure) as file:
        size = os.fstat(file.fileno()).st_size
        _check_size(path, size, most, failure)
        try:
            content = file.read(size + 1)  # room is made for as much as is asked for
            content += file.read(most - size) if len(content) > size else b""  # some files hold more than they say
        except OSError as error:
            raise failure(_unreadable(path, error)) from error
    _check_size(path, len(content), most, failure)
    return content


def open_file(path: Path, failure: Failure = InputError) -> BinaryIO:
    """A file opened for reading, seen to be no folder, device or pipe, before and after. Raises `failure`."""
    check_file(path, failure)
    try:
        file = open(os.open(path, os.O_RDONLY | _NEVER_WAIT), "rb")  # noqa: SIM115  # whoever called closes it
    except OSError as error:
        raise failure(_unreadable(path, error)) from error
    try:
        _check_kind(path, os.fstat(file.fileno()).st_mode, failure)  # another file may have taken its place
    except failure:
        file.close()
        raise
    return file


def read_text(path: Path, most: int, failure: Failure = InputError) -> str:
    """The text of a UTF-8 file, with or without a byte order mark. Raises `failure`."""
    try:
        return read_bytes(path, most, failure).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise failure(f"{path} is not a text in UTF-8 (byte {error.start}): save it as UTF-8, or give the right file.") from error


def read_json(path: Path, most: int, failure: Failure = InputError) -> Any:
    """What a JSON file says. Raises `failure`."""
    text = read_text(path, most, failure)
    if text.count("{") + text.count("[") > _MOST_PARTS:
        raise failure(f"{path} holds more than {_MOST_PARTS // 1_000_000} million lists and objects: give the right file.")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise failure(f"{path} is nested too deeply to be read: give the right file.") from error
    except json.JSONDecodeError as error:
        where = f"{error.msg} in line {error.lineno}, column {error.colno}"
        raise failure(f"{path} is not JSON that can be read ({where}): get it again, or give the right file.") from error
    except ValueError as error:  # Python turns no more than 4300 digits into a number
        raise failure(f"{path} is not JSON that can be read, one of its numbers is too long: give the right file.") from error


def _check_kind(path: Path, mode: int, failure: Failure) -> None:
    if stat.S_ISDIR(mode):
        raise failure(f"{path} is a folder, where a file is due: give the name of a file.")
    if not stat.S_ISREG(mode):
        raise failure(f"{path} is a device or pipe, not a file: save what comes from it first.")


def _check_size(path: Path, size: int, most: int, failure: Failure) -> None:
    if size > most:
        raise failure(f"{path} is larger than {most / MB:.3g} MB, the most that is read of such a file: give the right file.")


def _unreadable(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return f"{path} is a link to a file that is not there: give the file itself."
    if isinstance(error, FileNotFoundError):
        return f"There is no file {path}: check the name and the folder."
    if isinstance(error, OSError):
        reason = _REASONS.get(error.errno or 0) or (error.strerror or str(error)).lower()
        return f"{path} cannot be read: {reason}."
    return f"{str(path)!r} is no name that a file can have: check it."
