"""The form by which a browser hands in a file: one part, which is the file. What is written is the file's own bytes, as they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from animato.apps.web.calls import Refused
from animato.apps.web.names import harmless

if TYPE_CHECKING:  # there is no such name when it runs
    from python_multipart.multipart import MultipartCallbacks

HEADERS = 8192  # bytes, the longest that may stand before a file
NO_FORM = "This is no file as the page hands it in: load the page again, and give it there."
ONE = "One file is handed in at a time: give one."


class Form:
    """Reads a form piece by piece. `name` is the file's name, made harmless; empty before it is known."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Raises Refused for what is no form."""
        try:
            kind, options = parse_options_header(headers.get("content-type", ""))
            self._parser = MultipartParser(options[b"boundary"], self._callbacks())
        except (KeyError, ValueError) as error:
            raise Refused(400, NO_FORM) from error
        if kind != b"multipart/form-data":
            raise Refused(400, NO_FORM)
        self.name = ""
        self.complete = False
        self._parts = 0
        self._header = b""
        self._about = b""  # the file, in the words of its part
        self._read = 0  # bytes of headers
        self._fresh: list[bytes] = []

    def feed(self, piece: bytes) -> bytes:
        """What of the file stands in the next piece of the form. Raises Refused for anything but one file."""
        self._fresh.clear()
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise Refused(400, NO_FORM) from error
        return b"".join(self._fresh)

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._value,
            "on_header_end": self._end_of_header,
            "on_headers_finished": self._named,
            "on_part_data": lambda data, start, end: self._fresh.append(data[start:end]),
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise Refused(400, ONE)

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header += self._counted(data[start:end])

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._about += self._counted(data[start:end]) if self._header.lower() == b"content-disposition" else b""

    def _counted(self, text: bytes) -> bytes:
        self._read += len(text)
        if self._read > HEADERS:
            raise Refused(400, NO_FORM)
        return text

    def _end_of_header(self) -> None:
        self._header = b""

    def _named(self) -> None:
        _, options = parse_options_header(self._about.decode("latin-1"))
        given = options.get(b"filename", b"").decode("utf-8", "replace")
        if not given:
            raise Refused(400, "A file is handed in with its name: this one has none.")
        self.name = harmless(given)

    def _end(self) -> None:
        self.complete = True
