"""Folders of numbered files: in the order of their numbers, whatever the number of digits."""

from __future__ import annotations

import re
from pathlib import Path

from animato.core.errors import InputError
from animato.core.reading import check_file

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def numbered_files(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    """The files in `folder` with one of the (lower case) endings and a number in their name, frame2 before frame10.

    Raises InputError where one of that name is no file: a folder, a pipe, a device, or a link that leads nowhere.
    """
    try:
        files = [file for file in folder.iterdir() if file.name.lower().endswith(endings) and not file.name.startswith(".")]
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be looked into: {(error.strerror or str(error)).lower()}.") from error
    numbered = sorted((file for file in files if re.search(r"\d", file.stem)), key=_natural)
    for file in numbered:
        check_file(file)
    return numbered


def _natural(file: Path) -> tuple[list[tuple[str, int]], str]:
    parts = re.findall(r"(\D*)(\d+)", file.stem.lower())
    return [(text, int(number)) for text, number in parts], file.name
