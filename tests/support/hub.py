"""A hub of one's own on this machine: as much of Hugging Face's, ModelScope's, GitHub's and any server's interface as a download uses.

Each source may have a fault. Whatever would last is waited for by its end, never by a time.
"""

from __future__ import annotations

import hashlib
import json
import re
import select
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from animato.weights.places import Hubs

REVISION = "0123456789abcdef0123456789abcdef01234567"
PAGE = b"<!DOCTYPE html><html><title>Welcome</title>" + b" " * 60_000
ASKED = re.compile(  # the files of a repository, or one of them
    r"/api/models/(?P<hub>[^/]+/[^/?]+)(?:/revision/(?P<revision>[^/?]+))?\?.*"
    r"|/api/v1/models/(?P<scope>[^/]+/[^/?]+)/repo/files\?.*"
    r"|/repos/(?P<git>[^/]+/[^/?]+)/releases\?.*"
    r"|/models/(?P<scoped>[^/]+/[^/]+)/resolve/[^/]+/(?P<name>.+)"
    r"|/plain/(?P<plain>[^/]+/[^/]+)/(?P<named>.+)"
    r"|/(?P<of>[^/]+/[^/]+)/resolve/[^/]+/(?P<file>.+)"
)


@dataclass
class Hub:
    """Repositories by name: their files by name. Every one of them is served in the ways of all kinds of sources.

    breaks   so many times a download stops in the middle of a file
    refuses  so many times after that a download is answered by an error
    faults   repository -> what is wrong with it
    moved    old name of a repository -> its name now
    """

    files: dict[str, dict[str, bytes]]
    licence: str | list[str] | None = "mit"
    breaks: int = 0
    refuses: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    revisions: frozenset[str] = frozenset({"main"})
    status: int = 200  # of everything
    code: str = ""  # X-Error-Code
    url: str = ""
    ranges: list[str] = field(default_factory=list)  # Range of every GET of a file
    asked: list[str] = field(default_factory=list)  # repository of every question for its files
    sent: list[str] = field(default_factory=list)  # path of every request for a file
    tokens: set[str] = field(default_factory=set)  # what was said of the user

    @property
    def hubs(self) -> Hubs:
        """This hub in place of all, and no patience but against a busy machine."""
        return Hubs(self.url, self.url, self.url, stall=30.0, pauses=())

    def card(self, repository: str) -> dict[str, Any]:
        siblings = [
            {"rfilename": name, "size": len(data), "blobId": "0", "lfs": None if name.endswith(".json") else lfs(data)}
            for name, data in self.files[repository].items()
        ]
        card = {"license": self.licence} if self.licence else {}
        return {"id": repository, "modelId": repository, "sha": REVISION, "siblings": siblings, "cardData": card, "tags": []}

    def scope(self, repository: str) -> dict[str, Any]:
        files = [
            {"Path": name, "Type": "blob", "Size": len(data), "Sha256": lfs(data)["sha256"], "Revision": REVISION}
            for name, data in self.files[repository].items()
        ]
        return {"Code": 200, "Success": True, "Data": {"Files": [{"Path": "folder", "Type": "tree", "Size": 0}, *files]}}

    def releases(self, repository: str) -> list[dict[str, Any]]:
        assets = [
            {
                "name": name,
                "size": len(data),
                "digest": f"sha256:{lfs(data)['sha256']}",
                "browser_download_url": f"{self.url}/plain/{repository}/{name}",
            }
            for name, data in self.files[repository].items()
        ]
        return [{"tag_name": "v1", "assets": assets}]


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
            asked = ASKED.fullmatch(self.path)
            hub.tokens.add(self.headers.get("Authorization", ""))
            listed = asked and (asked["hub"] or asked["scope"] or asked["git"])
            if listed:
                hub.asked.append(listed)
            if hub.status != 200:
                self.head(hub.status, 0, {"X-Error-Code": hub.code})
            elif self.path == "/login":
                self.body(PAGE, {"Content-Type": "text/html; charset=utf-8"})
            elif asked is None:
                self.head(404, 0, {})
            elif listed:
                self.list(listed, asked)
            else:
                hub.sent.append(self.path)
                self.one(asked["of"] or asked["scoped"] or asked["plain"], asked["file"] or asked["name"] or asked["named"], asked)

        def list(self, repository: str, asked: re.Match[str]) -> None:
            fault = hub.faults.get(repository, "")
            if repository in hub.moved:
                self.head(307, 0, {"Location": self.path.replace(repository, hub.moved[repository])})
            elif repository not in hub.files or fault == "dead":
                self.head(404, 0, {"X-Error-Code": "RepoNotFound"} if asked["hub"] else {})
            elif fault == "no list":
                self.head(500, 0, {})
            elif asked["hub"] and (asked["revision"] or "main") not in hub.revisions:
                self.head(404, 0, {"X-Error-Code": "RevisionNotFound"})
            else:
                says = hub.card if asked["hub"] else hub.scope if asked["scope"] else hub.releases
                self.body(json.dumps(says(repository)).encode(), {"Content-Type": "application/json"})

        def one(self, repository: str, name: str, asked: re.Match[str]) -> None:
            fault = hub.faults.get(repository, "")
            if repository in hub.moved:
                self.head(307, 0, {"Location": self.path.replace(repository, hub.moved[repository])})
            elif fault == "gated":
                self.head(403, 0, {"X-Error-Code": "GatedRepo"} if asked["of"] else {})
            elif fault == "dead" or name not in hub.files.get(repository, {}):
                self.head(404, 0, {"X-Error-Code": "EntryNotFound"} if asked["of"] else {})
            elif self.command == "GET" and hub.refuses and not hub.breaks:
                hub.refuses -= 1
                self.head(500, 0, {})
            elif fault in ("login", "insecure", "loop"):
                away = {"login": "/login", "insecure": f"{hub.url.replace('127.0.0.1', 'localhost')}{self.path}", "loop": self.path}
                self.head(302, 0, {"Location": away[fault]})
            else:
                self.file(hub.files[repository][name], fault, bool(asked["of"]))

        def file(self, data: bytes, fault: str, hugging_face: bool) -> None:
            etag = f'"{hashlib.sha256(data).hexdigest()}"'
            headers = {"ETag": etag, "Content-Type": "application/octet-stream"}
            headers |= {"X-Repo-Commit": REVISION, "X-Linked-Etag": etag, "X-Linked-Size": str(len(data))} if hugging_face else {}
            wanted = self.headers.get("Range") if fault != "no ranges" else None
            if self.command == "GET":
                hub.ranges.append(wanted or "")
                data = {"other bytes": data[::-1], "page": PAGE, "disguised page": (PAGE * 3)[: len(data)], "shorter": data[:-9]}.get(
                    fault, data
                )
            if fault == "page":
                headers["Content-Type"] = "text/html"
            first = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
            start = int(first[1]) if first else 0
            end = int(first[2]) + 1 if first and first[2] else len(data)
            if first and start >= len(data):
                self.head(416, 0, {})
            else:
                headers |= {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"} if first else {}
                self.body(data[start:end], headers, 206 if first else 200, fault)

        def body(self, data: bytes, headers: dict[str, str], status: int = 200, fault: str = "") -> None:
            lies = {"longer": 999, "endless": None}.get(fault, 0)
            self.head(status, None if lies is None else len(data) + lies, headers)
            if self.command != "GET":
                return
            broken = "ETag" in headers and bool(hub.breaks)
            hub.breaks -= int(broken)
            sent = data[: len(data) // 2] if broken or fault in ("cut off", "stalled", "trickling") else data
            try:
                self.wfile.write(sent)
                self.wfile.flush()
                self.after(fault)
            except ConnectionError:
                pass
            if broken or fault or lies is None:
                self.close_connection = True

        def after(self, fault: str) -> None:
            """What goes on until the client has had enough."""
            while fault == "endless":
                self.wfile.write(b"more" * 10_000)
            if fault == "stalled":
                self.connection.recv(1)
            while fault == "trickling" and not select.select([self.connection], [], [], 0.01)[0]:
                self.wfile.write(b"x")

        def head(self, status: int, length: int | None, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
