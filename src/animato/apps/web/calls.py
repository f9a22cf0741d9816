"""What an event of the web page may hold: which files it names, what stands in its fields. All else that a client sends is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from animato.people.shipped import ASSETS

CALL = 1 << 18  # bytes, the longest call
NOTE = 1 << 12  # bytes, the longest note on a call
LONGEST = 2000  # characters of a field, an amount that nobody types
SHIPPED = (ASSETS / "characters", ASSETS / "motions")
ODD = "A field holds what this page never sends: load the page again."


class Refused(Exception):
    """A request that is not for this page: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Field(Enum):
    """What stands in a field: a file that was handed in, a word or number, or what the server keeps and no client sets."""

    FILE = "file"
    WORD = "word"
    KEPT = "kept"


@dataclass(frozen=True)
class Event:
    """What an event takes; `choice` is whether it says which of several things was chosen."""

    fields: tuple[Field, ...]
    choice: bool = False


class Known(Protocol):
    """The files that a visitor may name (files.Files)."""

    def find(self, path: object, visitor: str | None) -> str: ...


def checked(body: bytes, events: Mapping[int, Event], files: Known, visitor: str) -> bytes:
    """A visitor's call of an event, written anew from what was checked: only that reaches Gradio. Raises Refused."""
    call = _read(body)
    number = call.get("fn_index")
    data = call.get("data")
    event = events.get(number) if type(number) is int else None
    if event is None or not isinstance(data, list) or len(data) != len(event.fields):
        raise Refused(400, ODD)
    trigger = call.get("trigger_id")
    clean = {
        "fn_index": number,
        "data": [_value(kind, value, files, visitor) for kind, value in zip(event.fields, data, strict=True)],
        "session_hash": session_of(visitor, call.get("session_hash")),
        "event_data": _choice(call.get("event_data")) if event.choice else None,
        "trigger_id": trigger if type(trigger) is int else None,
    }
    return json.dumps(clean).encode()


def noted(body: bytes, visitor: str) -> bytes:
    """A visitor's note that an event is not wanted any more, written anew from what was checked. Raises Refused."""
    note = _read(body)
    event = note.get("event_id")
    if not isinstance(event, str) or not re.fullmatch(r"[0-9a-f]{32}", event, re.ASCII):
        raise Refused(400, ODD)
    number = note.get("fn_index")
    page = note.get("session_hash", "none")
    return json.dumps(
        {"event_id": event, "fn_index": number if type(number) is int else 0, "session_hash": session_of(visitor, page)}
    ).encode()


def session_of(visitor: str, page: object) -> str:
    """The name under which Gradio knows a page of a visitor: the same name from another visitor is another page. Raises Refused."""
    if not isinstance(page, str) or not re.fullmatch(r"[\w-]{1,64}", page, re.ASCII):
        raise Refused(400, ODD)
    return f"{visitor}-{page}"


def visitor_of(session: str | None) -> str:
    """Whose page it is, by the name under which Gradio knows it."""
    return (session or "").partition("-")[0] or "nobody"


def _read(body: bytes) -> dict[str, Any]:
    try:
        call = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, ODD) from error
    return call if isinstance(call, dict) else {}


def _no_number(word: str) -> None:
    raise ValueError(word)


def _value(kind: Field, value: object, files: Known, visitor: str) -> Any:
    if kind is Field.KEPT or value is None:
        return None
    if kind is Field.FILE:
        path = files.find(value.get("path") if isinstance(value, dict) else None, visitor)
        return {"path": path, "meta": {"_type": "gradio.FileData"}}
    if isinstance(value, str) and len(value) <= LONGEST:
        return value.encode("utf-8", "ignore").decode()  # without halves of characters, which cannot be written
    if isinstance(value, (bool, int, float)):
        return value
    raise Refused(400, ODD)


def _choice(given: object) -> dict[str, object]:
    """Which of several things was chosen, counted from 0."""
    index = given.get("index") if isinstance(given, dict) else None
    if type(index) is not int:
        raise Refused(400, ODD)
    return {"index": index, "value": None}
