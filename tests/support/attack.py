"""Requests to the web page as nobody's browser sends them: any field, any value, any address, by a seed."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from typing import Any

from pages import Server

NUMBERS = [0, -1, 5, 10**9, -(10**9), 10**30, 2**63, 1.5, -0.0, 1e308, 5e-324, True, False, float("nan"), float("inf")]
WORDS = [
    *("", " ", "auto", "puppet", "fast", "512x768", "0x0", "16384x16384", "1x999999", "-5", "9" * 500, "９", "nan", "walk", "wave"),
    *("largest", "robust", "none", "0,0", "1e9,1e9", "\0", "\ud800", "\u202e", "x" * 1999, "x" * 10**4, "\r\nX: y", "%s%n", "{{7*7}}"),
    *("../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/x", "<script>"),
]
SHAPES: list[Any] = [None, [], {}, [[]], [None], {"a": {"b": [None]}}, {"path": 5}, {"path": None}, {"path": ["x"]}, {"__type__": "update"}]
API = ["queue/data", "heartbeat/", "file=", "upload_progress", "info", "startup-events", "app_id", "cancel", "reset", "queue/join"]
API += ["run/predict", "upload", "queue/status", "component_server", "stream/x", "proxy=x", "call/x"]
PATHS = [
    "/",
    "/config",
    "/assets/",
    "/static/",
    "/svelte/",
    "/theme.css",
    "/manifest.json",
    "/login",
    "/token",
    "/favicon.ico",
    "/dev/reload",
]
PATHS += [f"/gradio_api/{name}" for name in API]
ENDS = ["", "", "/", "x", "%00", "%ff", "..", "%2e%2e%2f", "x" * 5000, "%E2%80%AE", "//x"]
QUERIES = ["", "?session_hash=x", "?upload_id=", "?deep_link=x", "?x=" + "y" * 5000, "?%00", "?session_hash=%ff"]
HEADERS = [
    "Range",
    "If-Range",
    "If-None-Match",
    "Accept-Encoding",
    "Accept-Language",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "Content-Type",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"]


class Attack:
    """Requests in an order that the seed says. `answers` counts what came back: HTTP statuses, and events that ended well or badly."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server = server
        self._random = random.Random(seed)
        self._picture = server.upload("x.png", b"no picture")
        self.answers: Counter[str] = Counter()

    def go(self, count: int) -> None:
        for _ in range(count):
            self._random.choice((self._event, self._event, self._call, self._address))()

    def _value(self) -> Any:
        kinds: list[list[Any]] = [NUMBERS, WORDS, SHAPES, [{"path": self._random.choice(WORDS)}, {"path": self._picture}]]
        value = self._random.choice(self._random.choice(kinds))
        return [value] * self._random.choice((1, 1000)) if self._random.random() < 0.05 else value

    def _event(self) -> None:
        """An event with odd fields, which is let in as far as each of them may stand there."""
        event = self._random.choice(self._server.events)
        data = [self._value() for _ in event["inputs"]]
        more: dict[str, Any] = {}
        if self._random.random() < 0.5:
            more = {"event_data": {"index": self._value(), "value": self._value()}, "trigger_id": self._value()}
        said = self._server.call(event, data, uuid.UUID(int=self._random.getrandbits(128)).hex, **more)
        assert "not foreseen" not in said or event["api_name"].startswith("failed"), (event["api_name"], data, said)
        self.answers["event refused" if not said.startswith("data:") else "event failed" if '"success":false' in said else "event"] += 1

    def _call(self) -> None:
        """A body that is no call."""
        call: Any = {"fn_index": self._value(), "data": self._value(), "session_hash": self._value(), "event_id": self._value()}
        if self._random.random() < 0.3:
            call = self._value()
        body = bytearray(json.dumps(call).encode())
        for _ in range(self._random.choice((0, 0, 1, 5))):
            body[self._random.randrange(len(body))] = self._random.randrange(256)
        path = self._random.choice(("queue/join", "run/predict", "cancel", "reset", "upload"))
        kind = self._random.choice(("application/json", "text/plain", "multipart/form-data; boundary=x", "x", ""))
        answer = self._server.web.post(f"/gradio_api/{path}", content=bytes(body), headers={"Content-Type": kind})
        self._judge(answer.status_code)

    def _address(self) -> None:
        path = self._random.choice(PATHS) + self._random.choice(ENDS)
        query = self._random.choice(QUERIES)
        names = self._random.sample(HEADERS, 2)
        headers = {name: self._random.choice(("x", "9" * 100, "", "bytes=5-1", "a, b", "\x7f")) for name in names}
        method = self._random.choice(METHODS)
        with self._server.web.stream(method, path + query, headers=headers) as answer:  # some answers have no end
            self._judge(answer.status_code)

    def _judge(self, status: int) -> None:
        self.answers[str(status)] += 1
        assert status < 500, status
