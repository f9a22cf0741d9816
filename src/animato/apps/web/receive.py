"""Reading what a client sends to the web page: never more than was announced, and never waited for without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from animato.apps.web.calls import Refused
from animato.apps.web.limits import PIECE


class Body:
    """The body of a request, read once. A piece of at least PIECE bytes may take `stall` seconds."""

    def __init__(self, request: Request, stall: float) -> None:
        self._request = request
        self._stall = stall
        self._more = True

    async def pieces(self) -> AsyncIterator[bytes]:
        """All that comes, in pieces of at least PIECE bytes but for the last. Raises Refused where it stalls, ClientDisconnect."""
        while self._more:
            try:
                piece, self._more = await asyncio.wait_for(_piece(self._request.receive), self._stall)
            except TimeoutError as error:
                self._more = False
                raise Refused(408, f"Nothing came for {self._stall:.0f} seconds, or too little: try again.") from error
            yield piece

    async def whole(self, most: int) -> bytes:
        """All of it. Raises Refused where it is longer than `most` bytes."""
        body = b""
        async for piece in self.pieces():
            body += piece
            if len(body) > most:
                raise Refused(413, f"This is more than the page's fields can hold: at most {most} bytes.")
        return body

    async def drop(self, most: int) -> None:
        """Reads what is still coming and is not wanted, if it is not much: a browser shows an answer only once it has sent all."""
        length = self._request.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) <= most:
            with suppress(Refused):
                async for _ in self.pieces():
                    pass


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """What came, and whether more will."""
    gathered = b""
    more = True
    while more and len(gathered) < PIECE:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        gathered += message.get("body", b"")
        more = message.get("more_body", False)
    return gathered, more


def again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read once more."""
    parts = [body]

    async def read() -> dict[str, object]:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return dict(await receive())

    return read
