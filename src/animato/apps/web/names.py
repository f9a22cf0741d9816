"""Names of files that visitors hand in: kept to be told by, and made harmless."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

_LONGEST = 100  # bytes of a name, ending included
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # of Windows, whatever their ending


def harmless(name: str) -> str:
    """The last part of a name, without what a file system, a terminal or a page could take for anything else; never empty."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    printed = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*')
    bare = printed.strip(" .") or "file"
    bare = f"_{bare}" if _DEVICES.fullmatch(bare) else bare
    suffix = PurePosixPath(bare).suffix
    ending = suffix if len(suffix) <= 10 else ""
    stem = bare.removesuffix(ending) if ending else bare
    return _cut(stem, _LONGEST - len(ending.encode())) + ending


def _cut(text: str, most: int) -> str:
    """As much of a text as fits into so many bytes."""
    return text.encode("utf-8", "ignore")[:most].decode("utf-8", "ignore").rstrip(" .") or "file"
