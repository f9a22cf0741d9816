"""Files that are handed in: looked at before they come, counted while they come, and gone at once where they break off."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from animato.apps.web.calls import Refused
from animato.apps.web.form import NO_FORM, Form
from animato.apps.web.receive import Body
from animato.apps.web.store import Store
from animato.core.errors import OutputError
from animato.core.output import explained


class Coming:
    """A file on its way, as the page shows it: how many bytes came since it was looked at last."""

    def __init__(self) -> None:
        self.name = ""
        self.bytes = 0
        self.done = False
        self.changed = asyncio.Event()

    def came(self, name: str, size: int) -> None:
        self.name = name
        self.bytes += size
        self.changed.set()

    def end(self) -> None:
        self.done = True
        self.changed.set()


class Uploads:
    """All files on their way into a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: Counter[str] = Counter()  # uploads by visitor
        self._coming: dict[tuple[str, str], Coming] = {}  # by visitor and the page's own number

    async def take(self, request: Request, body: Body, visitor: str, length: int) -> Response:
        """Writes the one file of a form of so many bytes; the answer is its path. Raises Refused, ClientDisconnect."""
        form = Form(request.headers)
        number = request.query_params.get("upload_id", "")[:64]
        with self._counted(visitor), _refused(507), self._store.room(visitor, length), self._shown(visitor, number) as coming:
            folder = self._store.new(visitor, "upload")
            try:
                path = await self._write(body, form, folder, coming)
            except BaseException:  # broken off, refused, or the server ends
                self._store.remove(folder)
                raise
        return JSONResponse([str(path)])

    async def _write(self, body: Body, form: Form, folder: Path, coming: Coming) -> Path:
        path = folder / "part"
        with explained(Path("The file")), path.open("wb") as file:
            async for piece in body.pieces():
                content = form.feed(piece)
                await asyncio.to_thread(file.write, content)
                coming.came(form.name, len(content))
        if not (form.complete and form.name):
            raise Refused(400, NO_FORM)
        return path.rename(folder / form.name)

    @contextmanager
    def _counted(self, visitor: str) -> Iterator[None]:
        limits = self._store.limits
        if self._open[visitor] >= limits.uploads:
            raise Refused(429, f"{limits.uploads} files of yours are coming already: wait for one of them.")
        if self._open.total() >= limits.all_uploads:
            raise Refused(503, f"{limits.all_uploads} files are coming from all visitors already: try again later.")
        self._open[visitor] += 1
        try:
            yield
        finally:
            self._open[visitor] -= 1
            self._open = +self._open  # without those who hand in nothing

    @contextmanager
    def _shown(self, visitor: str, number: str) -> Iterator[Coming]:
        """The upload as `progress` tells of it, whichever of them came first."""
        coming = self._coming.setdefault((visitor, number), Coming()) if number else Coming()
        try:
            yield coming
        finally:
            coming.end()
            self._coming.pop((visitor, number), None)

    def progress(self, visitor: str, number: str) -> Response:
        """How far an upload is, until it has ended. Raises Refused where a visitor asks for more than can be coming."""
        key = (visitor, number[:64])
        others = [one for one in self._coming if one[0] == visitor and one != key]
        if len(others) >= 2 * self._store.limits.uploads:
            raise Refused(429, "There are not so many uploads.")
        return StreamingResponse(self._events(self._coming.setdefault(key, Coming()), key), media_type="text/event-stream")

    async def _events(self, coming: Coming, key: tuple[str, str]) -> AsyncIterator[str]:
        try:
            while not coming.done:
                await coming.changed.wait()
                coming.changed.clear()
                told = {"msg": "update", "orig_name": coming.name, "chunk_size": coming.bytes}
                coming.bytes = 0
                yield f"data: {json.dumps(told)}\n\n"
            yield 'data: {"msg": "done"}\n\n'
        finally:
            if self._coming.get(key) is coming:
                del self._coming[key]


@contextmanager
def _refused(status: int) -> Iterator[None]:
    """What a visitor is told when something cannot be kept."""
    try:
        yield
    except OutputError as error:
        raise Refused(status, str(error)) from error
