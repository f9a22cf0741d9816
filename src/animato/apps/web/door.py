"""The door of the web page: every request passes here before Gradio, or we, read, copy or open anything.

It lets in what the page itself asks for, and nothing else: requests that name this server, that no other website sent, for a few addresses
below which Gradio has nothing to give away. What an event holds is checked in calls.py.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from animato.apps.web.calls import CALL, Event, Files, Refused, checked
from animato.apps.web.hosts import plain

UPLOAD = 4 << 30  # bytes, the largest upload
FILE = "/gradio_api/file="
PAGES = frozenset(
    ("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json")
    + tuple(f"/gradio_api/{name}" for name in ("startup-events", "info", "app_id", "queue/data", "upload_progress"))
)
BRANCHES = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/")
CALLS = ("/gradio_api/queue/join", "/gradio_api/run/predict")
UPLOADS = "/gradio_api/upload"
NOTHING = "There is nothing here."
NOTES = ("/gradio_api/cancel", "/gradio_api/reset")  # they name an event by its number


class Door:
    """An ASGI application around another one.

    files   which files a request may name
    events  what each event of the page takes, by its number
    names   the hosts that this server is, hosts.own_names
    """

    def __init__(self, inside: ASGIApp, files: Files, events: Mapping[int, Event], names: frozenset[str]) -> None:
        self._inside = inside
        self._files = files
        self._events = events
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # the page has none
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._answer(Request(scope, receive), send)
        else:
            await self._inside(scope, receive, send)

    async def _answer(self, request: Request, send: Send) -> None:
        try:
            check_host(request, self._names)
            check_origin(request)
            body = await self._let_in(request)
        except Refused as refused:
            answer = PlainTextResponse(f"{refused}\n", refused.status, {"Connection": "close"})
            await answer(request.scope, request.receive, send)
        except ClientDisconnect:
            pass
        else:
            await self._inside(request.scope, request.receive if body is None else _again(body, request.receive), send)

    async def _let_in(self, request: Request) -> bytes | None:
        """The body that is to be handed on in place of the one that came; None where that one is left alone. Raises Refused."""
        path = request.scope["path"]
        if "deep_link" in request.query_params:
            raise Refused(404, "This page gives no links to what somebody has on it.")
        if not path.isprintable() or "page" in request.query_params:
            raise Refused(404, NOTHING)
        if request.method in ("GET", "HEAD"):
            self._check_read(path, request.headers.get("range", "bytes=0-"))
        elif request.method == "POST" and path in CALLS:
            return checked(await _whole(request), self._events, self._files)
        elif request.method == "POST" and path == UPLOADS:
            check_room(request.headers, self._files)
        elif request.method != "POST" or path not in NOTES:
            raise Refused(404, NOTHING)
        return None

    def _check_read(self, path: str, part: str) -> None:
        if path.startswith(FILE):
            self._files.find(path.removeprefix(FILE))
            if not re.fullmatch(r"bytes=(\d{1,18}-\d{0,18}|-\d{1,18})", part, re.ASCII):
                raise Refused(416, "Only one part of a file is sent at a time.")
        elif ".." in path or not (path in PAGES or path.startswith(BRANCHES)):
            raise Refused(404, NOTHING)


def check_host(request: Request, names: frozenset[str]) -> None:
    """Raises Refused unless the request names this server: a foreign name may have been led here by whoever owns it (DNS rebinding)."""
    given = request.headers.getlist("host")
    host = re.fullmatch(r"\[?([^\[\]/@]+?)\]?(?::\d{1,5})?", given[0]) if len(given) == 1 else None
    address = (request.scope.get("server") or ("",))[0]
    if host is None or plain(host[1]) not in names | {plain(address)}:
        raise Refused(400, "This server has another name: use the address that animato printed when it started.")


def check_origin(request: Request) -> None:
    """Raises Refused for what another website makes a browser ask. A link to the page may stand anywhere; programs send no such headers."""
    headers = request.headers
    origin = headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc.lower() != headers["host"].lower()
    sent_by = headers.get("sec-fetch-site", "none")
    followed = request.method == "GET" and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if foreign or (sent_by not in ("none", "same-origin") and not followed):
        raise Refused(403, "Only animato's own page may ask for this.")


def check_room(headers: Mapping[str, str], files: Files, most: int = UPLOAD) -> None:
    """Raises Refused for an upload that is too large, or for which the disk has no room: it is written, and copied once."""
    said = headers.get("content-length", "")
    if "transfer-encoding" in headers or not said.isdecimal():
        raise Refused(411, "An upload has to say how large it is.")
    length = int(said[:20])
    if length > most:
        raise Refused(413, f"This file is too large: at most {most >> 20} MB can be handed in.")
    if 2 * length > shutil.disk_usage(files.folder).free:
        raise Refused(507, "There is not enough room on the server's disk for this file.")


async def _whole(request: Request) -> bytes:
    """The body of a request. Raises Refused where it is longer than any of the page's own."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > CALL:
            raise Refused(413, "This is more than the page's fields can hold.")
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read once more."""
    parts = [body]

    async def again() -> dict[str, object]:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return dict(await receive())

    return again
