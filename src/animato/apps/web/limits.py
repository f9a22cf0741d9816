"""How much may be handed in and asked for on the web page. All figures stand here; docs/web.md tells them."""

from __future__ import annotations

from dataclasses import dataclass

MB = 1_000_000  # bytes
GB = 1_000_000_000


@dataclass(frozen=True)
class Limits:
    """What one visitor, and all of them, may take of the server.

    upload        bytes of one file that is handed in
    visitor       bytes of all files of one visitor, handed in or made; the oldest go when there is no room left
    all           bytes of all files of all visitors
    spare         bytes of the disk that are never filled
    files         of one visitor
    uploads       of one visitor that may come at the same time
    all_uploads   of all visitors that may come at the same time
    stall         seconds in which at least PIECE bytes of a request have to come
    picture       pixels of a picture
    frame         pixels of a frame of a video that is handed in; a side of a result has its own limit in api.py
    seconds       of a video that is handed in
    frames        of a motion that is handed in
    result        pixels of all frames of a result together
    waiting       pieces of work that may wait for their turn
    connections   that may be open at the same time
    age           seconds after which a file goes, whoever handed it in
    """

    upload: int = GB
    visitor: int = 4 * GB
    all: int = 20 * GB
    spare: int = GB
    files: int = 300
    uploads: int = 4
    all_uploads: int = 32
    stall: float = 60.0
    picture: int = 50_000_000
    frame: int = 4096 * 4096
    seconds: int = 600
    frames: int = 36_000
    result: int = 4_000_000_000
    waiting: int = 50
    connections: int = 500
    age: float = 86_400.0


PIECE = 1 << 16  # bytes, in which a request is read
BYTES_A_PIXEL = 0.5  # of a result, more than any of its videos takes
