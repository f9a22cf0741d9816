"""Whether a file that came is what its ending says, by its outermost form: a web page or a cut-off file is found out. Nothing is loaded."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

LARGEST_JSON = 10_000_000
LARGEST_HEADER = 100_000_000
MOST_FIELDS = 10_000  # of a model, beside what is inside them
_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # how torch.save began before it wrote zip archives


def fault(path: Path, name: str) -> str:
    """What is wrong with a file that is to be called `name`, as the end of a sentence; nothing if it is of the form that is due."""
    try:
        with path.open("rb") as file:
            page = file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html", b"<?xml"))
            file.seek(0)
            if page:
                return f"it sent a web page in place of {name}"
            form, holds = _FORMS.get(Path(name).suffix, ("", _anything))
            return "" if holds(file, path.stat().st_size) else f"what it sent as {name} is {form}"
    except (ValueError, TypeError, RecursionError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        return f"what it sent as {name} cannot be read ({str(error)[:80]})"


def _is_safetensors(file: IO[bytes], size: int) -> bool:
    """8 bytes of length, a JSON header, and as many bytes of values as the header says."""
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(LARGEST_HEADER, size - 8):
        return False
    header = json.loads(file.read(length))
    if not isinstance(header, dict):
        return False
    tensors = [value for name, value in header.items() if name != "__metadata__"]
    if not all(isinstance(one, dict) and isinstance(one.get("data_offsets"), list) and len(one["data_offsets"]) == 2 for one in tensors):
        return False
    return max((int(one["data_offsets"][1]) for one in tensors), default=0) == size - 8 - length


def _is_torch(file: IO[bytes], size: int) -> bool:
    """A zip archive with a pickle inside, with its table of contents at its end; or the form before that."""
    if file.read(len(_LEGACY)) == _LEGACY:
        return True
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("data.pkl") for name in archive.namelist())


def _is_onnx(file: IO[bytes], size: int) -> bool:
    """A protobuf message of a model: its fields follow each other up to the last byte, and 7, the graph, is among them."""
    fields = list[int]()
    while file.tell() < size:
        tag = _varint(file)
        fields.append(tag >> 3)
        if not fields[-1] or len(fields) > MOST_FIELDS:
            return False
        if tag & 7 == 0:
            _varint(file)
        elif tag & 7 == 2:
            file.seek(_varint(file), os.SEEK_CUR)
        else:
            return False
    return file.tell() == size and 7 in fields


def _varint(file: IO[bytes]) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise EOFError("it ends too early")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    raise ValueError("it is no protobuf message")


def _is_json(file: IO[bytes], size: int) -> bool:
    return size <= LARGEST_JSON and isinstance(json.loads(file.read(LARGEST_JSON)), dict)


def _anything(file: IO[bytes], size: int) -> bool:
    return True


_PICKLE = ("no file of PyTorch", _is_torch)
_FORMS: dict[str, tuple[str, Callable[[IO[bytes], int], bool]]] = {
    ".safetensors": ("no whole safetensors file", _is_safetensors),
    ".onnx": ("no whole ONNX network", _is_onnx),
    ".json": ("no JSON of settings", _is_json),
    **dict.fromkeys((".pth", ".pt", ".ckpt", ".bin", ".torchscript"), _PICKLE),
}
