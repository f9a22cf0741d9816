"""Renaming that loses nothing: contents reach the disk first, and a folder changes places with its successor in one step."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_HERE = -100  # AT_FDCWD: names are relative to the folder of the process
_NOREPLACE, _EXCHANGE = 1, 2  # RENAME_NOREPLACE and RENAME_EXCHANGE
_UNABLE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)  # an old Linux, or a disk of another kind; EPERM says a sandbox
_LOST = (errno.EIO, errno.ENOSPC, errno.EDQUOT)  # only these say that something did not reach the disk


def exchange(one: Path, other: Path) -> bool:
    """Two names change places in one step, so that at no moment either is missing. False where the system or the disk cannot do it."""
    return _renamed(one, other, _EXCHANGE)


def rename_to_free(path: Path, free: Path) -> None:
    """Renames to a name that nobody has. Raises FileExistsError, also where somebody takes the name at the same moment."""
    if _renamed(path, free, _NOREPLACE):
        return
    if os.path.lexists(free):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(free))
    path.rename(free)


def _renamed(source: Path, target: Path, how: int) -> bool:
    """Linux's renameat2, which Python does not have."""
    if sys.platform != "linux":
        return False
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    if call(_HERE, os.fsencode(source), _HERE, os.fsencode(target), how) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNABLE:
        return False
    raise OSError(code, os.strerror(code), str(source), None, str(target))


def sync(path: Path) -> None:
    """Brings a file, or a folder with all that is in it, onto the disk. Raises OSError where it has not come there."""
    if path.is_dir():
        for folder, _, names in os.walk(path, topdown=False):
            for name in names:
                _sync_file(Path(folder, name))
            sync_folder(Path(folder))
    else:
        _sync_file(path)


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder onto the disk. Windows and some network disks have no such thing."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    _sync_and_close(opened)


def _sync_file(path: Path) -> None:
    if not path.is_file() or path.is_symlink():
        return
    _sync_and_close(os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY))


def _sync_and_close(opened: int) -> None:
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno in _LOST:
            raise
    finally:
        os.close(opened)
