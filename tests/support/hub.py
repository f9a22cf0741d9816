"""A hub of one's own on this machine: as much of the Hugging Face hub's interface as a download uses, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Repositories by name: their files by name.

    breaks   so many times a download stops in the middle of a file
    refuses  so many times after that a download is answered by an error
    gated    repositories that show their files and give none
    moved    old name of a repository -> its name now
    spoilt   repositories that send other bytes than they announced
    """

    files: dict[str, dict[str, bytes]]
    licence: str | None = "mit"
    breaks: int = 0
    refuses: int = 0
    gated: frozenset[str] = frozenset()
    moved: dict[str, str] = field(default_factory=dict)
    spoilt: frozenset[str] = frozenset()
    revisions: frozenset[str] = frozenset({"main"})
    status: int = 200  # of everything
    code: str = ""  # X-Error-Code
    url: str = ""
    ranges: list[str] = field(default_factory=list)  # Range of every GET of a file
    asked: list[str] = field(default_factory=list)  # repository of every question for its files

    def card(self, repository: str) -> dict[str, Any]:
        siblings = [
            {"rfilename": name, "size": len(data), "blobId": "0", "lfs": lfs(data) if not name.endswith(".json") else None}
            for name, data in self.files[repository].items()
        ]
        card = {"license": self.licence} if self.licence else {}
        return {"id": repository, "modelId": repository, "sha": REVISION, "siblings": siblings, "cardData": card, "tags": []}


def lfs(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            card = re.fullmatch(r"/api/models/([^/]+/[^/?]+)(?:/revision/([^/?]+))?\?.*", self.path)
            file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", self.path)
            named = card or file
            if card:
                hub.asked.append(card[1])
            if hub.status != 200:
                self.head(hub.status, 0, {"X-Error-Code": hub.code})
            elif named and named[1] in hub.moved:
                self.head(307, 0, {"Location": self.path.replace(named[1], hub.moved[named[1]])})
            elif card and card[1] in hub.files and (card[2] or "main") not in hub.revisions:
                self.head(404, 0, {"X-Error-Code": "RevisionNotFound"})
            elif card and card[1] in hub.files:
                self.body(json.dumps(hub.card(card[1])).encode(), {"Content-Type": "application/json"})
            elif file and file[1] in hub.gated:
                self.head(403, 0, {"X-Error-Code": "GatedRepo"})
            elif file and self.command == "GET" and hub.refuses and not hub.breaks:
                hub.refuses -= 1
                self.head(500, 0, {})
            elif file and file[2] in hub.files.get(file[1], {}):
                self.file(hub.files[file[1]][file[2]], file[1] in hub.spoilt)
            else:
                self.head(404, 0, {"X-Error-Code": "RepoNotFound" if card else "EntryNotFound"})

        def file(self, data: bytes, spoilt: bool) -> None:
            etag = f'"{hashlib.sha256(data).hexdigest()}"'
            headers = {"X-Repo-Commit": REVISION, "ETag": etag, "X-Linked-Etag": etag, "X-Linked-Size": str(len(data))}
            wanted = self.headers.get("Range")
            if self.command == "GET":
                hub.ranges.append(wanted or "")
                data = data[::-1] if spoilt else data
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.body(data[start:], headers, 206 if start else 200)

        def body(self, data: bytes, headers: dict[str, str], status: int = 200) -> None:
            self.head(status, len(data), headers)
            if self.command == "GET" and hub.breaks and "X-Repo-Commit" in headers:
                hub.breaks -= 1
                self.wfile.write(data[: len(data) // 2])
                self.wfile.flush()
                self.connection.close()
            elif self.command == "GET":
                self.wfile.write(data)

        def head(self, status: int, length: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(length), **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
