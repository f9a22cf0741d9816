"""The door of the web page: every request passes here before Gradio, or we, read, copy or open anything.

It lets in what the page itself asks for, and nothing else: requests that name this server, that no other website sent, for a few
addresses below which Gradio has nothing to give away. What an event holds is checked in calls.py. Files are taken and given here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from animato.apps.web.calls import CALL, NOTE, Event, Refused, checked, noted, session_of
from animato.apps.web.files import Files, Sent
from animato.apps.web.guards import check_host, check_origin
from animato.apps.web.headers import told
from animato.apps.web.limits import MB
from animato.apps.web.receive import Body, again
from animato.apps.web.uploads import Uploads
from animato.apps.web.visitors import Visitors, known

API = "/gradio_api"
FILE = f"{API}/file="
START = ("/", "/config")  # with these a visit begins
PAGES = frozenset(
    (*START, "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json")
    + tuple(f"{API}/{name}" for name in ("startup-events", "info", "app_id"))
)
BRANCHES = ("/assets/", "/static/", "/svelte/")
HEARTBEAT = f"{API}/heartbeat/"
STREAM = f"{API}/queue/data"
PROGRESS = f"{API}/upload_progress"
CALLS = (f"{API}/queue/join", f"{API}/run/predict")
UPLOADS = f"{API}/upload"
NOTES = (f"{API}/cancel", f"{API}/reset")  # they name an event by its number
HEADERS = ("host", "accept", "accept-encoding", "accept-language", "if-none-match", "if-modified-since", "user-agent")
NOTHING = "There is nothing here."
UNWANTED = 64_000_000  # bytes of a refused upload that are still read
LONGEST = 1024  # characters of an address


@dataclass(frozen=True)
class Page:
    """What the door knows of the page behind it.

    events  what each event takes, by its number
    live    whether Gradio has something to tell a page of this name
    """

    events: Mapping[int, Event]
    live: Callable[[str], bool]


class Door:
    """An ASGI application around another one. `names` are the hosts that this server is, hosts.own_names."""

    def __init__(self, inside: ASGIApp, files: Files, page: Page, visitors: Visitors, names: frozenset[str]) -> None:
        self._inside = inside
        self._files = files
        self._page = page
        self._visitors = visitors
        self._names = names
        self._stall = files.store.limits.stall
        self._uploads = Uploads(files.store)
        self._answering: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # the page has none
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._until_closed(scope, receive, send)
        else:
            await self._inside(scope, receive, send)

    def close(self) -> None:
        """Ends all answers that are being given, streams and uploads too."""
        for task in self._answering:
            task.cancel()

    async def _until_closed(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        task = asyncio.create_task(self._answer(Request(scope, receive), answer.send))
        self._answering.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():  # not by `close`: somebody else ends this request
                task.cancel()
                raise
            await answer.end()
        finally:
            self._answering.discard(task)

    async def _answer(self, request: Request, send: Send) -> None:
        visitor = self._visitors.of(request)
        new = visitor is None and request.method in ("GET", "HEAD") and request.scope["path"] in START
        try:
            check_host(request, self._names)
            check_origin(request)
            answer = await self._let_in(request, visitor)
        except Refused as refused:
            answer = PlainTextResponse(f"{refused}\n", refused.status, {"Connection": "close"})
            new = False
        except ClientDisconnect:
            return
        await answer(request.scope, request.receive, told(send, self._visitors.welcome() if new else None))

    async def _let_in(self, request: Request, visitor: str | None) -> ASGIApp:
        """What answers a request. Raises Refused."""
        path = request.scope["path"]
        if "deep_link" in request.query_params:
            raise Refused(404, "This page gives no links to what somebody has on it.")
        if not path.isprintable() or "page" in request.query_params:
            raise Refused(404, NOTHING)
        if request.method in ("GET", "HEAD"):
            return self._shown(request, visitor)
        if request.method == "POST" and path in CALLS:
            body = await Body(request, self._stall).whole(CALL)
            return self._passed(request, checked(body, self._page.events, self._files, known(visitor)))
        if request.method == "POST" and path in NOTES:
            return self._passed(request, noted(await Body(request, self._stall).whole(NOTE), known(visitor)))
        if request.method == "POST" and path == UPLOADS:
            return await self._taken(request, visitor)
        raise Refused(404, NOTHING)

    async def _taken(self, request: Request, visitor: str | None) -> ASGIApp:
        length = check_length(request.headers, self._files.store.limits.upload)
        body = Body(request, self._stall)
        try:
            return await self._uploads.take(request, body, known(visitor), length)
        except Refused:
            await body.drop(UNWANTED)
            raise

    def _shown(self, request: Request, visitor: str | None) -> ASGIApp:
        """What answers a request to see something. Raises Refused."""
        path = request.scope["path"]
        if path.startswith(FILE):
            found = self._files.find(path.removeprefix(FILE), visitor)
            check_part(request.headers.get("range", "bytes=0-"))
            return Sent(Path(found))
        if path == PROGRESS:
            return self._uploads.progress(known(visitor), request.query_params.get("upload_id", ""))
        if path == STREAM:
            session = session_of(known(visitor), request.query_params.get("session_hash"))
            if not self._page.live(session):
                raise Refused(404, "Nothing is going on for this page: load it again.")
            return self._passed(request, query=urlencode({"session_hash": session}))
        if path.startswith(HEARTBEAT):
            return self._passed(request, path=HEARTBEAT + session_of(known(visitor), path.removeprefix(HEARTBEAT)))
        if ".." in path or len(path) > LONGEST or not (path in PAGES or path.startswith(BRANCHES)):
            raise Refused(404, NOTHING)
        return self._passed(request)

    def _passed(self, request: Request, body: bytes = b"", query: str = "", path: str | None = None) -> ASGIApp:
        """Gradio's answer to a request of which only the checked parts are handed on."""
        path = path or request.scope["path"]
        changed = {"query_string": query.encode(), "path": path, "raw_path": path.encode("utf-8", "replace")}
        scope = dict(request.scope) | changed | {"headers": handed_on(request.headers, len(body))}
        receive = again(body, request.receive)

        async def ask(_scope: Scope, _receive: Receive, send: Send) -> None:
            with suppress(HTTPException):  # a stream has said so already
                await self._inside(scope, receive, send)

        return ask


class _Answer:
    """An answer on its way, which can be ended in order wherever it stands."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False
        self._over = False

    async def send(self, message: Message) -> None:
        self._begun = True
        self._over = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def end(self) -> None:
        if not self._begun:
            await self._send({"type": "http.response.start", "status": 503, "headers": [(b"connection", b"close")]})
        if not self._over:
            with suppress(RuntimeError):  # it said how long it would be, and is shorter: the connection ends
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def handed_on(headers: Mapping[str, str], length: int) -> list[tuple[bytes, bytes]]:
    """The headers that Gradio gets: the few that it needs, and what a body that was written anew is."""
    kept = {name: headers[name] for name in HEADERS if name in headers}
    if headers.get("x-forwarded-proto") in ("http", "https"):  # said by a server in front of this one
        kept["x-forwarded-proto"] = headers["x-forwarded-proto"]
    if length:
        kept |= {"content-type": "application/json", "content-length": str(length)}
    return [(name.encode(), value.encode("latin-1")) for name, value in kept.items()]


def check_length(headers: Mapping[str, str], most: int) -> int:
    """The bytes that an upload says it has. Raises Refused for one that does not say so, or is too large."""
    said = headers.get("content-length", "")
    if "transfer-encoding" in headers or not (said.isascii() and said.isdecimal()):
        raise Refused(411, "An upload has to say how large it is.")
    if int(said[:20]) > most:
        raise Refused(413, f"This file is too large: at most {most / MB:.0f} MB can be handed in.")
    return int(said)


def check_part(part: str) -> None:
    """Raises Refused for a Range header that asks for anything but one part."""
    if not re.fullmatch(r"bytes=(\d{1,18}-\d{0,18}|-\d{1,18})", part, re.ASCII):
        raise Refused(416, "Only one part of a file is sent at a time.")
