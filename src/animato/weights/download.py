"""One file from one source: what has come of it is gone on with, checked to the last byte, and put in its place when it is whole.

Killed at any moment, a download leaves its part (NAME.xxxxxxxx.part), or the whole file. The name of a part tells of which file it is, so
that nothing is ever added to the bytes of another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from animato.core.errors import OutputError
from animato.core.output import put_in_place
from animato.weights.files import Remote, Source
from animato.weights.intact import fault
from animato.weights.listing import Listed, explain
from animato.weights.places import Hubs
from animato.weights.web import CHUNK, Answer, BrokenError, RefusedError, StalledError, StatusError, asked, is_page

TRIES = 50  # connections for one file, at most
LEAST = 1000  # bytes a second
_PART = re.compile(r"\.[0-9a-f]{8}\.part")

Tell = Callable[[str, int], None]  # what is being done, and how many bytes further it is; fewer than 0 where bytes were thrown away


@dataclass(frozen=True)
class Download:
    """One file that is to be fetched, as its source states it. licence: as it is to be shown."""

    source: Source
    file: Remote
    listed: Listed
    licence: str = ""

    @property
    def size(self) -> int:
        """Bytes, as the source says, or as they are known; 0 where nobody knows."""
        return self.listed.size or self.file.size

    @property
    def sha256(self) -> str:
        return self.file.sha256 or self.listed.sha256

    def path(self, root: Path) -> Path:
        return self.source.path(self.file, root)

    def part(self, root: Path) -> Path:
        """What has come of it so far. Two sources of one file go on with the same."""
        path = self.path(root)
        own = hashlib.sha256(f"{self.listed.url} {self.listed.tag} {self.listed.size}".encode()).hexdigest()
        return path.with_name(f"{path.name}.{(self.sha256 or own)[:8]}.part")

    def is_there(self, root: Path) -> bool:
        """Whether it is in its place, by its size and its form."""
        path = self.path(root)
        if not path.is_file():
            return False
        size = path.stat().st_size
        known = size == self.listed.size if self.listed.size else self.file.fits(size)
        return known and bool(self.file.sha256 or not fault(path, path.name))

    def has_come(self, root: Path) -> int:
        """Bytes that need not come any more."""
        return _length(self.part(root)) if self.sha256 or self.listed.tag else 0


def download(one: Download, root: Path, hubs: Hubs, tell: Tell) -> None:
    """Fetches a file. Raises RefusedError where the source will not do, OutputError and OSError for what is wrong with the disk."""
    path, part = one.path(root), one.part(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    old = one.has_come(root)
    if not old:
        _remove(part)
    _complete(one, part, hubs, tell)
    if (wrong := _wrong(one, part, tell)) and old:  # the bytes of another source, or of before a power cut, may have been wrong
        tell("fetching", -_length(part))
        _remove(part)
        _complete(one, part, hubs, tell)
        wrong = _wrong(one, part, tell)
    if wrong:
        _remove(part)
        raise RefusedError(wrong)
    _settle(part, path)


def stale(path: Path) -> list[Path]:
    """Parts of a file that lie beside it, of whatever source."""
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    return [one for one in beside if one.name.startswith(path.name) and _PART.fullmatch(one.name.removeprefix(path.name))]


def _complete(one: Download, part: Path, hubs: Hubs, tell: Tell) -> None:
    """All bytes of a file, over as many connections as it takes. Those that bring nothing, or stall, are counted by the pauses."""
    pauses = iter(hubs.pauses)
    for _ in range(TRIES):
        before = _length(part)
        try:
            return _append(one, part, hubs, tell)
        except BrokenError as error:
            if _length(part) > before and not isinstance(error, StalledError):
                pauses = iter(hubs.pauses)
                continue
            pause = next(pauses, None)
            if pause is None:
                raise
            time.sleep(pause)
    raise RefusedError("it breaks off again and again")


def _append(one: Download, part: Path, hubs: Hubs, tell: Tell) -> None:
    """What one connection brings, behind what has come. Of a source that lies, nothing is kept."""
    with _opened(part) as file:
        start = file.tell()
        if start > (one.listed.size or one.file.most) or (start and not (one.sha256 or one.listed.tag)):
            start = _cut(file, 0, tell)
        if one.listed.size and start == one.listed.size:
            return
        try:
            with asked(one.listed.url, hubs, headers=_headers(one, start)) as answer:
                if start and answer.status != 206:
                    start = _cut(file, 0, tell)
                _check(one, answer, start)
                _copy(one, answer, file, hubs.stall, tell)
        except StatusError as error:
            if error.status == 416:
                _cut(file, 0, tell)
            raise explain(error, one.file.name) from error
        except BrokenError:
            os.fsync(file.fileno())
            raise
        except RefusedError:
            _cut(file, start, tell)
            raise
        os.fsync(file.fileno())


def _copy(one: Download, answer: Answer, file: IO[bytes], stall: float, tell: Tell) -> None:
    """Raises RefusedError for more than was announced, BrokenError for less, or for next to nothing in the seconds of `stall`."""
    announced = one.listed.size or _total(answer)
    most = announced or one.file.most
    since, brought = time.monotonic(), 0
    for chunk in answer.chunks():
        if file.tell() + len(chunk) > most:
            raise RefusedError(f"it sends more of {one.file.name} than it announced")
        file.write(chunk)
        tell("fetching", len(chunk))
        brought += len(chunk)
        if (now := time.monotonic()) - since > stall:
            if brought < LEAST * (now - since):
                raise RefusedError(f"it sends {one.file.name} too slowly, {brought} bytes in {now - since:.0f} s")
            since, brought = now, 0
    if file.tell() < announced:
        raise BrokenError(f"the connection broke off after {file.tell()} of {announced} bytes of {one.file.name}")


def _check(one: Download, answer: Answer, start: int) -> None:
    """Raises RefusedError for an answer that is about something else than what was announced."""
    if is_page(answer):
        raise RefusedError(f"it shows a web page in place of {one.file.name}, such as for a log-in")
    if answer.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise RefusedError(f"it sends {one.file.name} in another form than was asked for")
    if start and not answer.headers.get("content-range", "").startswith(f"bytes {start}-"):
        raise RefusedError(f"it sends another part of {one.file.name} than was asked for")
    total = _total(answer)
    if one.listed.size and total and total != one.listed.size:
        raise RefusedError(f"it sends {total} bytes as {one.file.name}, where {one.listed.size} were announced")


def _total(answer: Answer) -> int:
    """Bytes of the whole file, by an answer's own words; 0 where it does not say."""
    stated = answer.headers.get("content-range", "").rpartition("/")[2] or answer.headers.get("content-length", "")
    return int(stated) if re.fullmatch(r"\d{1,15}", stated) else 0


def _headers(one: Download, start: int) -> dict[str, str]:
    if not start:
        return {}
    return {"Range": f"bytes={start}-", **({} if one.sha256 or not one.listed.tag else {"If-Range": one.listed.tag})}


def _wrong(one: Download, part: Path, tell: Tell) -> str:
    """What is wrong with a file that came, as the end of a sentence about its source; nothing if it is right."""
    name, size = one.file.name, _length(part)
    if one.listed.size and size != one.listed.size:
        return f"{name} came with {size} bytes in place of {one.listed.size}"
    if not one.file.fits(size):
        return f"{name} came with {size} bytes, and is another file of that name"
    if one.sha256 and _sha256(part, tell) != one.sha256:
        return f"{name} did not arrive as it was announced (by its sha256), and was thrown away"
    return "" if one.file.sha256 else fault(part, name)


def _sha256(path: Path, tell: Tell) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            tell("checking", len(chunk))
    return digest.hexdigest()


def _settle(part: Path, path: Path) -> None:
    """Puts a whole file in its place, on the disk as well as in its name. Raises OutputError."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder, and a file that was fetched has its name: move the folder away.")
    put_in_place(part, path)
    for one in stale(path):
        _remove(one)


def _opened(part: Path) -> IO[bytes]:
    """A part, open at its end. Raises OutputError where something else has its name."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(part.lstat().st_mode):
            raise OutputError(f"{part} is no file, and what is fetched would be written there: remove it.")
    return part.open("ab", buffering=0)


def _cut(file: IO[bytes], length: int, tell: Tell) -> int:
    tell("fetching", length - file.tell())
    file.truncate(length)
    return file.seek(0, os.SEEK_END)


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _remove(path: Path) -> None:
    if path.is_file() or path.is_symlink():
        path.unlink()
