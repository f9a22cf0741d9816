"""Reading what a client sends to the web page: never more than was announced, and never waited for without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from animato.apps.web.calls import Refused
from animato.apps.web.limits import PIECE


async def pieces(request: Request, stall: float) -> AsyncIterator[bytes]:
    """The body of a request in pieces of at least PIECE bytes, but for the last one.

    Raises Refused where such a piece takes more than `stall` seconds, ClientDisconnect where the body breaks off.
    """
    more = True
    while more:
        try:
            piece, more = await asyncio.wait_for(_piece(request.receive), stall)
        except TimeoutError as error:
            raise Refused(408, f"Nothing came for {stall:.0f} seconds, or too little: try again.") from error
        yield piece


async def whole(request: Request, most: int, stall: float) -> bytes:
    """The body of a request. Raises Refused where it is longer than `most` bytes."""
    body = b""
    async for piece in pieces(request, stall):
        body += piece
        if len(body) > most:
            raise Refused(413, f"This is more than the page's fields can hold: at most {most} bytes.")
    return body


async def dropped(request: Request, most: int, stall: float) -> None:
    """Reads what is still coming and is not wanted, if it is not much: a browser shows an answer only once it has sent all."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) <= most:
        with suppress(Refused):
            async for _ in pieces(request, stall):
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
