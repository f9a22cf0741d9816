"""The files of the web page's visitors: a folder for each of them, and how much of the disk they may take."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from animato.apps.web.limits import BYTES_A_PIXEL, GB, MB, Limits
from animato.core.errors import OutputError


def free_space(folder: Path) -> int:
    """Bytes that are free on the disk of a folder."""
    return shutil.disk_usage(folder).free


class Store:
    """Folders below `root`/visitors, one a visitor, and the bytes that are expected to come into them."""

    def __init__(
        self,
        root: Path,
        limits: Limits | None = None,
        free: Callable[[Path], int] = free_space,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.root = root
        self.limits = limits or Limits()
        self._visitors = root / "visitors"
        self._free = free
        self._clock = clock
        self._expected: Counter[str] = Counter()  # bytes by visitor

    def folder(self, visitor: str) -> Path:
        """Where all that a visitor handed in and got is kept; it need not be there yet."""
        return self._visitors / visitor

    def new(self, visitor: str, kind: str) -> Path:
        """A new folder of a visitor; its name cannot be guessed."""
        own = self.folder(visitor)
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=own))

    def remove(self, folder: Path) -> None:
        """Removes a folder that `new` gave, and the visitor's own where it was the last one."""
        shutil.rmtree(folder, ignore_errors=True)
        for parent in (folder.parent, self._visitors):
            with suppress(OSError):  # others are there
                parent.rmdir()

    @contextmanager
    def room(self, visitor: str, size: int) -> Iterator[None]:
        """Keeps room for so many bytes while they come; a visitor's oldest files make it. Raises OutputError where there is none."""
        self._make_room(visitor, size)
        self._check_disk(size)
        self._expected[visitor] += size
        try:
            yield
        finally:
            self._expected[visitor] -= size
            self._expected = +self._expected  # without those who expect nothing

    def check_result(self, visitor: str, pixels: int) -> None:
        """Raises OutputError where a result of so many pixels, in all its frames, might find no room."""
        with self.room(visitor, round(pixels * BYTES_A_PIXEL)):
            pass

    def sweep(self) -> None:
        """Removes the files that are too old."""
        for path in _files(self._visitors):
            if self._clock() - _changed(path) > self.limits.age:
                _drop(path)

    def _make_room(self, visitor: str, size: int) -> None:
        most = self.limits.visitor - self._expected[visitor] - size
        if most < 0:
            raise OutputError(
                f"One visitor may take {self.limits.visitor / MB:.0f} MB at once: wait until the rest has come, or take less."
            )
        files = sorted(_files(self.folder(visitor)), key=_changed)
        taken = sum(map(_size, files))
        while files and (taken > most or len(files) >= self.limits.files):
            oldest = files.pop(0)
            taken -= _size(oldest)
            _drop(oldest)

    def _check_disk(self, size: int) -> None:
        expected = self._expected.total()
        free = self._free(self.root) - expected
        if size + self.limits.spare > free:
            raise OutputError(
                f"There is not enough room on the server's disk: this may take {size / GB:.2f} GB, {max(free, 0) / GB:.2f} GB are free, "
                f"and {self.limits.spare / GB:.2f} GB must stay free."
            )
        if sum(map(_size, _files(self._visitors))) + expected + size > self.limits.all:
            raise OutputError(f"The server keeps {self.limits.all / GB:.2f} GB for all visitors, which others take now: try again later.")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone meanwhile
        return 0


def _drop(path: Path) -> None:
    """Removes a file, and the folder that was made for it alone."""
    path.unlink(missing_ok=True)
    with suppress(OSError):  # others are there
        path.parent.rmdir()
