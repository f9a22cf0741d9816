"""Writing that never leaves a partial file in place of a good one: checks beforehand, a temporary name, a rename at the end."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from animato.core.errors import OutputError
from animato.core.hidden import aside_of, hidden_beside
from animato.core.leftovers import remove, sweep
from animato.core.renaming import exchange, rename_to_free, sync, sync_folder

_LEAST_SPACE = 16 << 20  # bytes; less cannot hold any clip worth making


def check_target(path: str | Path, endings: tuple[str, ...], files: re.Pattern[str] | None = None) -> Path:
    """The path to write to, proved to be usable: a known ending, a folder that can be written, space left.

    With `files`, it may also be a folder, told by its lack of an ending, a slash at the end or its being there; one that is there must
    hold nothing but files of such names, for it will be replaced, and must be no link, since what that points to would not be replaced.
    A link that stands where a file is to be written is replaced itself, and what it points to stays.
    Raises OutputError. Nothing is left behind, whatever the outcome.
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
    """A name in the target's folder (made if need be), with the target's ending; whatever still bears it at the end is removed.

    The name says whose it is (core/hidden.py). What runs left there that were killed is removed, and told in a UserWarning; a program
    that tells such things in its own way calls `sweep` before.
    """
    with explained(target):
        made = [folder for folder in target.absolute().parents if not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = hidden_beside(target)
    for sentence in sweep(target.parent):
        warnings.warn(sentence, stacklevel=3)
    try:
        yield temporary
    finally:
        remove(temporary)
        _remove_empty(made)


def _remove_empty(folders: list[Path]) -> None:
    """Removes folders, the innermost first, up to one that holds something."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def put_in_place(temporary: Path, target: Path, files: re.Pattern[str] | None = None) -> None:
    """Gives a finished file or folder its name, when all of it has reached the disk. Raises OutputError.

    At every moment either the older result or the new one stands there, whole. Where a disk cannot exchange two folders in one step, the
    older one is missing for a moment; if the process is killed just then, `sweep` puts it back. A link that stands there is replaced
    itself, not what it points to. Where an older folder has got other files than `files` meanwhile, it stays, and the new one gets a free
    name, which OutputError tells.
    """
    folders = temporary.is_dir() and target.is_dir() and not target.is_symlink()
    if folders and files and _others(target, files):
        there = put_under_free_name(temporary, target)
        raise OutputError(f"Other files have come into {target} meanwhile: the result is in {there} instead.")
    with explained(target):
        sync(temporary)
        if folders:
            _replace_folder(temporary, target)
        else:
            temporary.replace(target)
        sync_folder(target.parent)


def _others(folder: Path, files: re.Pattern[str]) -> bool:
    return any(not files.fullmatch(entry.name) for entry in folder.iterdir())


def put_under_free_name(temporary: Path, target: Path) -> Path:
    """Gives a finished file or folder the target's name or, where somebody has that, NAME-2, NAME-3 ... Raises OutputError."""
    with explained(target):
        sync(temporary)
        for free in _numbered(target, "" if temporary.is_dir() else target.suffix):
            with suppress(FileExistsError):
                rename_to_free(temporary, free)
                break
        sync_folder(target.parent)
    return free


def _numbered(target: Path, ending: str) -> Iterator[Path]:
    """NAME, NAME-2, NAME-3 ..., the number before the ending."""
    yield target
    yield from (target.with_name(f"{target.name.removesuffix(ending)}-{number}{ending}") for number in count(2))


def _replace_folder(temporary: Path, target: Path) -> None:
    """Puts a folder in the place of an older one, which is removed when the new one stands."""
    if exchange(temporary, target):
        remove(temporary)
        return
    aside = aside_of(target)
    old = aside / target.name
    try:
        aside.mkdir()
        target.rename(old)
        sync_folder(aside)
        temporary.rename(target)
    except BaseException:
        if not os.path.lexists(target):
            old.rename(target)
        raise
    finally:
        if os.path.lexists(target):
            _discard(aside)


def _discard(aside: Path) -> None:
    """Removes a folder that was set aside, under another name, so that a half removed one is never put back."""
    unfinished = hidden_beside(aside)
    with suppress(FileNotFoundError):
        aside.rename(unfinished)
    remove(unfinished)


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turns what the system says while `target` is being written into an OutputError."""
    try:
        yield
    except _refusals() as error:
        raise OutputError(f"{target} cannot be written: {_reason(error)}.") from error


def _refusals() -> tuple[type[Exception], ...]:
    """What the system raises, and FFmpeg where it is in use: av is not imported for its error's sake."""
    ffmpeg = sys.modules.get("av.error")
    return (OSError, ffmpeg.FFmpegError) if ffmpeg else (OSError,)


def _reason(error: Any) -> str:  # errno and strerror are OSError's and FFmpegError's alike
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space is left on its disk; free some or write elsewhere"
    if error.errno == errno.EFBIG:
        return "it grew larger than its disk or your limits allow; write elsewhere or make it shorter"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "you have no right to write there; choose another folder"
    return str(error.strerror or error).lower()


def check_filled(path: str | Path) -> Path:
    """A folder to which files are added one by one, made if need be; it may be a link to one. Raises OutputError."""
    target = Path(path)
    with explained(target):
        if target.exists() and not target.is_dir():
            raise OutputError(f"{target} is a file, where a folder is due: choose another name.")
        if target.is_symlink() and not target.exists():
            raise OutputError(f"{target} is a link that leads nowhere: remove it, or choose another name.")
        _check_parent(target / "file")
    return target


def _check_replaceable(folder: Path, files: re.Pattern[str]) -> None:
    if folder.is_symlink():
        raise OutputError(f"{folder} is a link, and a whole folder is to be written: give the name of the folder itself, or a new name.")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, but a name without ending means a folder: add an ending or choose another name.")
    if folder.is_dir() and _others(folder, files):
        raise OutputError(f"The folder {folder} holds other files than would be written there: give a new or an empty folder.")
    if folder.is_dir() and folder.samefile(Path()):
        raise OutputError(f"{folder} is the folder that you are in, which cannot be replaced: give the name of a new folder in it.")
    if folder.is_dir() and os.path.ismount(os.path.abspath(folder)):
        raise OutputError(f"{folder} is a disk of its own, which cannot be replaced: give the name of a new folder in it.")


def _check_parent(target: Path) -> None:
    parent = next(folder for folder in target.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise OutputError(f"{target} cannot be written: {parent} is a file, not a folder.")
    tempfile.TemporaryFile(dir=parent).close()
    free = shutil.disk_usage(parent).free
    if free < _LEAST_SPACE:
        raise OutputError(f"{target} cannot be written: only {free >> 20} MiB are free on its disk; free some or write elsewhere.")


def write_text(text: str, target: Path) -> None:
    """Writes a text file, whole or not at all. Raises OutputError."""
    with temporary_beside(target) as temporary:
        with explained(target):
            temporary.write_text(text, "utf-8")
        put_in_place(temporary, target)
