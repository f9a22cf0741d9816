"""Files with what was found out about a picture, kept so that the same need not be found out again: named by what they were made of."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np

MOST = 200  # files of one folder; of more, those go that were not used for longest


def name_of(*parts: np.ndarray | bytes | str) -> str:
    """A file's name without ending, equal for equal parts alone: shapes, kinds and values of arrays, and what else decides a result."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            content = f"{part.dtype.str}{part.shape}".encode() + np.ascontiguousarray(part).tobytes()
        else:
            content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:40]


def pages_of(folder: Path) -> bytes:
    """The Python pages of a folder in one: where they change, what they make may change, too."""
    return b"".join(page.read_bytes() for page in sorted(folder.glob("*.py")))


def used(path: Path) -> None:
    """Marks a kept file as used just now."""
    with suppress(OSError):
        path.touch()


def drop_oldest(folder: Path, most: int = MOST) -> None:
    """Removes what was not used for longest, beyond so many files."""
    with suppress(OSError):  # another process may remove the same
        files = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_mtime)
        for path in files[: max(len(files) - most, 0)]:
            path.unlink(missing_ok=True)
