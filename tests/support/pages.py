"""The web page as a user serves it, and visitors of it who are programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import HANGS


@dataclass
class Server:
    """A page that runs, the folder that it writes in, and a visitor of it."""

    address: str
    folder: Path
    web: Any
    events: list[dict[str, Any]]

    @contextmanager
    def another(self) -> Iterator[Server]:
        """Another visitor of the same server."""
        with _visitor(self.address, self.folder) as visitor:
            yield visitor

    @property
    def where(self) -> tuple[str, int]:
        host, port = self.address.removeprefix("http://").split(":")
        return host, int(port)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{one.name}={one.value}" for one in self.web.cookies.jar)

    def event(self, name: str) -> dict[str, Any]:
        return next(one for one in self.events if one["api_name"] == name)

    def join(self, event: dict[str, Any], data: list[Any], session: str, **more: Any) -> Any:
        body = {"data": data, "fn_index": event["id"], "session_hash": session, "event_data": None, "trigger_id": None, **more}
        return self.web.post("/gradio_api/queue/join", content=json.dumps(body), headers={"Content-Type": "application/json"})

    def call(self, event: dict[str, Any], data: list[Any], session: str = "", **more: Any) -> str:
        """All that an event says, or why it was refused."""
        page = session or uuid.uuid4().hex
        joined = self.join(event, data, page, **more)
        if joined.status_code != 200:
            assert 400 <= joined.status_code < 500 and joined.text.strip().endswith(".")
            return str(joined.text)
        return self.told(page)

    def told(self, session: str) -> str:
        """What a page is told until the event that goes on has ended, or why it is told nothing."""
        said = ""
        with self.web.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                said += line
                if '"process_completed"' in line or "close_stream" in line:
                    return said
        return said

    def hand_in(self, name: str, content: bytes) -> Any:
        return self.web.post("/gradio_api/upload", files={"files": (name, content)})

    def upload(self, name: str, content: bytes) -> str:
        return str(self.hand_in(name, content).json()[0])

    def kept(self) -> list[Path]:
        """All files of all visitors."""
        return [path for path in self.folder.rglob("visitors/**/*") if path.is_file()]


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[Server]:
    """`animato web`. Whatever is sent, nothing is a surprise: at its end nothing was printed to its terminal."""
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "animato", "web", "--no-open", "--port", "0", *words],
            env={**os.environ, "TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[3].rstrip("/")
        with _visitor(address, folder) as visitor:
            yield visitor
    finally:
        process.terminate()
        process.wait(HANGS)
    assert (folder / "errors").read_text() == ""


@contextmanager
def _visitor(address: str, folder: Path) -> Iterator[Server]:
    import httpx

    with httpx.Client(base_url=address, timeout=HANGS) as web:
        yield Server(address, folder, web, web.get("/config").json()["dependencies"])
