"""What an event of the web page may hold: which files it names, what stands in its fields. All else that a client sends is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from animato.people.shipped import ASSETS

CALL = 1 << 18  # bytes, the longest call
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


@dataclass(frozen=True)
class Files:
    """The files that a client may name: uploads and results in the page's own folder, whose names cannot be guessed, and shipped ones."""

    folder: Path

    def find(self, path: object) -> str:
        """The file itself, links followed. Raises Refused for any other file, for an address, a folder, or nothing at all."""
        if isinstance(path, str) and Path(path).is_absolute():
            with suppress(OSError, ValueError, RuntimeError):  # nothing there, a NUL, links that go round
                real = Path(path).resolve(strict=True)
                if real.is_file() and any(real.is_relative_to(one.resolve()) for one in (self.folder, *SHIPPED)):
                    return str(real)
        raise Refused(403, "This is no file that was handed in here.")


def checked(body: bytes, events: Mapping[int, Event], files: Files) -> bytes:
    """A call of an event, written anew from what was checked: only that reaches Gradio. Raises Refused."""
    try:
        call = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, ODD) from error
    call = call if isinstance(call, dict) else {}
    number = call.get("fn_index")
    data = call.get("data")
    session = call.get("session_hash")
    event = events.get(number) if type(number) is int else None
    if event is None or not isinstance(data, list) or len(data) != len(event.fields):
        raise Refused(400, ODD)
    if not isinstance(session, str) or not re.fullmatch(r"[\w-]{1,64}", session, re.ASCII):
        raise Refused(400, ODD)
    trigger = call.get("trigger_id")
    clean = {
        "fn_index": number,
        "data": [_value(kind, value, files) for kind, value in zip(event.fields, data, strict=True)],
        "session_hash": session,
        "event_data": _choice(call.get("event_data")) if event.choice else None,
        "trigger_id": trigger if type(trigger) is int else None,
    }
    return json.dumps(clean).encode()


def _no_number(word: str) -> None:
    raise ValueError(word)


def _value(kind: Field, value: object, files: Files) -> Any:
    if kind is Field.KEPT or value is None:
        return None
    if kind is Field.FILE:
        path = files.find(value.get("path") if isinstance(value, dict) else None)
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
