"""The files that the web page gives away: a visitor's own ones and those that everybody sees, as what they are or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from animato.apps.web.calls import SHIPPED, Refused
from animato.apps.web.store import Store

# What a browser may show of this page's own accord. Whatever else was handed in (a page, a drawing with scripts in it) it may only save.
KINDS = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif", ".bmp": "image/bmp",
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
}  # fmt: skip
ALONE = {"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"}  # opened as a page it can run nothing


@dataclass(frozen=True)
class Files:
    """The files that a request may name.

    store  the visitors' own files
    shown  files that the page shows to everybody; what is shipped is shown to everybody, too
    """

    store: Store
    shown: frozenset[Path] = frozenset()

    def find(self, path: object, visitor: str | None) -> str:
        """The file itself, links followed. Raises Refused for any other file, for an address, a folder, or nothing at all."""
        if isinstance(path, str) and Path(path).is_absolute():
            with suppress(OSError, ValueError, RuntimeError):  # nothing there, a NUL, links that go round
                real = Path(path).resolve(strict=True)
                if real.is_file() and (real in self.shown or any(real.is_relative_to(one.resolve()) for one in self._open_to(visitor))):
                    return str(real)
        raise Refused(403, "This is no file that was handed in here.")

    def _open_to(self, visitor: str | None) -> Iterable[Path]:
        return SHIPPED if visitor is None else (self.store.folder(visitor), *SHIPPED)


@dataclass(frozen=True)
class Sent:
    """The answer that is a file."""

    path: Path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = KINDS.get(self.path.suffix.lower())
        with suppress(OSError):  # removed meanwhile: the connection ends
            found = os.stat(self.path)
            if stat.S_ISREG(found.st_mode):
                answer = FileResponse(
                    self.path,
                    headers=ALONE,
                    media_type=kind or "application/octet-stream",
                    filename=self.path.name,
                    stat_result=found,
                    content_disposition_type="inline" if kind else "attachment",
                )
                await answer(scope, receive, send)
