"""Folders of numbered files: in the order of their numbers, whatever the number of digits."""

from __future__ import annotations

import re
from pathlib import Path

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def numbered_files(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    """The files in `folder` with one of the (lower case) endings and a number in their name, frame2 before frame10."""
    files = [file for file in folder.iterdir() if file.name.lower().endswith(endings) and not file.name.startswith(".")]
    return sorted((file for file in files if re.search(r"\d", file.stem)), key=_natural)


def _natural(file: Path) -> tuple[list[tuple[str, int]], str]:
    parts = re.findall(r"(\D*)(\d+)", file.stem.lower())
    return [(text, int(number)) for text, number in parts], file.name
