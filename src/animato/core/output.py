"""Writing that never leaves a partial file in place of a good one: checks beforehand, a temporary name, a rename at the end."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from animato.core.errors import OutputError

_LEAST_SPACE = 16 << 20  # bytes; less cannot hold any clip worth making


def check_target(path: str | Path, endings: tuple[str, ...], files: re.Pattern[str] | None = None) -> Path:
    """The path to write to, proved to be usable: a known ending, a folder that can be written, space left.

    With `files`, it may also be a folder, told by its lack of an ending, a slash at the end or its being there; one that is there must
    hold nothing but files of such names, for it will be replaced. Raises OutputError. Nothing is left behind, whatever the outcome.
    """
    target = Path(path)
    with explained(target):
        _check_name(path, target, endings, files)
        _check_parent(target)
    return target


def _check_name(path: str | Path, target: Path, endings: tuple[str, ...], files: re.Pattern[str] | None) -> None:
    if files and is_folder_name(path):
        _check_replaceable(target, files)
    elif target.is_dir():
        raise OutputError(f"{target} is a folder: give the name of a file in it, such as {target / ('result' + endings[0])}.")
    elif target.suffix.lower() not in endings:
        known = ", ".join(endings) + (" or a folder (a name without ending)" if files else "")
        raise OutputError(f"{target} has the ending '{target.suffix}', which cannot be written: use {known}.")


def is_folder_name(path: str | Path) -> bool:
    """Whether a path to write to means a folder: it is one, or has no ending, or ends in a slash."""
    return Path(path).is_dir() or Path(path).suffix == "" or str(path).endswith(("/", os.sep))


@contextmanager
def temporary_beside(target: Path) -> Iterator[Path]:
    """A name in the target's folder (made if need be), with the target's ending; whatever still bears it at the end is removed."""
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        yield temporary
    finally:
        _remove(temporary)


def put_in_place(temporary: Path, target: Path) -> None:
    """Renames a finished file or folder; a folder of frames that was there before goes only when the new one stands. Raises OutputError."""
    with explained(target):
        if not target.is_dir():
            temporary.replace(target)
            return
        old = target.with_name(f".{secrets.token_hex(8)}")
        target.rename(old)
        try:
            temporary.rename(target)
        except OSError:
            old.rename(target)
            raise
        _remove(old)


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turns what the system says while `target` is being written into an OutputError."""
    try:
        yield
    except (OSError, av.error.FFmpegError) as error:
        raise OutputError(f"{target} cannot be written: {_reason(error)}.") from error


def _reason(error: OSError | av.error.FFmpegError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space is left on its disk; free some or write elsewhere"
    if error.errno == errno.EFBIG:
        return "it grew larger than its disk or your limits allow; write elsewhere or make it shorter"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "you have no right to write there; choose another folder"
    return str(error.strerror or error).lower()


def _check_replaceable(folder: Path, files: re.Pattern[str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, but a name without ending means a folder: add an ending or choose another name.")
    if folder.is_dir() and any(not files.fullmatch(entry.name) for entry in folder.iterdir()):
        raise OutputError(f"The folder {folder} holds other files than would be written there: give a new or an empty folder.")


def _check_parent(target: Path) -> None:
    parent = next(folder for folder in target.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise OutputError(f"{target} cannot be written: {parent} is a file, not a folder.")
    tempfile.TemporaryFile(dir=parent).close()
    free = shutil.disk_usage(parent).free
    if free < _LEAST_SPACE:
        raise OutputError(f"{target} cannot be written: only {free >> 20} MiB are free on its disk; free some or write elsewhere.")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_text(text: str, target: Path) -> None:
    """Writes a text file, whole or not at all. Raises OutputError."""
    with temporary_beside(target) as temporary:
        with explained(target):
            temporary.write_text(text, "utf-8")
        put_in_place(temporary, target)
