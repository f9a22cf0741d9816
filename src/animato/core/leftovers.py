"""What processes left that were killed while they wrote: found by its names, removed or put back, and told."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from animato.core.hidden import hidden_beside, is_aside, is_left
from animato.core.renaming import rename_to_free, sync_folder

_NAMED = 3  # so many names are told, and the number of the others


def sweep(folder: Path) -> tuple[str, ...]:
    """Removes from a folder what runs left that have ended, and puts back an older result that one was about to replace.

    Gives sentences for the user on what was done, none if there was nothing to do. What living processes, other machines and other programs
    keep there stays, and so does what cannot be removed. Never raises OSError.
    """
    restored, removed = [], []
    for name in _left_in(folder):
        if is_aside(name):
            restored += [str(path) for path in _put_back(folder / name)]
        with suppress(OSError):
            size = _size(folder / name)
            if remove_left(folder / name):
                removed.append((name, size))
    told = [f"Put back {path}: an earlier run was ended while it was being replaced." for path in restored]
    return (*told, *([_removed(folder, removed)] if removed else []))


def remove(path: Path) -> None:
    """Removes a file or a whole folder, if it is there; what a link points to stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_left(path: Path) -> bool:
    """Removes what another process left. A folder first gets a name of this process, so that only one of several does it."""
    if not stat.S_ISDIR(path.lstat().st_mode):
        path.unlink()
        return True
    mine = hidden_beside(path.with_suffix(""))
    path.rename(mine)
    remove(mine)
    return not mine.exists()


def _left_in(folder: Path) -> list[str]:
    """Names of files and folders that ended processes left; a link is none, since none is ever made."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if is_left(entry.name) and _is_own_kind(entry))
    except (OSError, ValueError):
        return []


def _is_own_kind(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)


def _put_back(aside: Path) -> list[Path]:
    """Gives an older result its name again where nothing has taken its place."""
    restored = []
    with suppress(OSError):
        for old in sorted(aside.iterdir()):
            with suppress(FileExistsError):
                rename_to_free(old, aside.with_name(old.name))
                restored.append(aside.with_name(old.name))
    if restored:
        with suppress(OSError):
            sync_folder(aside.parent)
            aside.rmdir()
    return restored


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not stat.S_ISDIR(path.lstat().st_mode):
        return path.lstat().st_size
    return sum(Path(folder, name).lstat().st_size for folder, _, names in os.walk(path) for name in names)


def _removed(folder: Path, removed: list[tuple[str, int]]) -> str:
    names = [name for name, _ in removed]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    size = sum(size for _, size in removed)
    return f"Removed what an earlier run left unfinished in {folder}: {', '.join(names[:_NAMED])}{more} ({_in_words(size)})."


def _in_words(size: int) -> str:
    for unit, bytes_of_it in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if size >= bytes_of_it:
            return f"{size / bytes_of_it:.1f} {unit}"
    return f"{size} bytes"
