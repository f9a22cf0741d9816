"""One process at a time in a folder: a lock that the system itself takes back when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from animato.core.errors import OutputError
from animato.core.output import explained

NAME = ".animato.lock"
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a link is not written through
_TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_WITHOUT = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)  # some disks of other machines know no locks
_BYTE = 1 << 20  # Windows locks bytes: one far behind what the file says


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """The folder (made if need be) is this process's alone for `what` it does, such as "fetch", until the block ends.

    Nobody is waited for. A holder that was killed holds nothing: its file is taken over.
    Raises OutputError that names the process which is at work there.
    """
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = _taken(folder, what)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file: there an empty one stays
            (folder / NAME).unlink()
        os.close(file)


def release(folder: Path) -> None:
    """Removes the lock file of a holder that was killed; one that somebody holds stays."""
    if (folder / NAME).is_file():
        with contextlib.suppress(OutputError), locked(folder, "look"):
            pass  # leaving removes it


def _taken(folder: Path, what: str) -> int:
    """The lock file, open, locked and with the holder's number in it. Raises OutputError, OSError."""
    while True:
        file = os.open(folder / NAME, _OPEN, 0o644)
        try:
            if not _lock(file):
                raise OutputError(_at_work(folder, os.read(file, 100)))
            if _is(file, folder / NAME):
                os.truncate(file, 0)
                os.write(file, f"{os.getpid()} {what}".encode())
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # its holder removed it in between: it is a file without a name


def _is(file: int, path: Path) -> bool:
    """Whether an open file is still the one that has the name."""
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path))
    except FileNotFoundError:
        return False


def _lock(file: int) -> bool:
    """Whether an open file was free, and is now locked."""
    try:
        _lock_it(file)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        if error.errno not in _WITHOUT:
            raise
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock_it(file: int) -> None:
        os.lseek(file, _BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock_it(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _at_work(folder: Path, said: bytes) -> str:
    """What a lock file says of its holder, in words."""
    holder = re.fullmatch(r"(\d+) ([\w-]+)", said.decode("ascii", "replace"))
    who = f"Another `animato {holder[2]}` (process {holder[1]})" if holder else "Another process of animato"
    return f"{who} is at work in {folder}: wait until it ends, or choose another folder."
