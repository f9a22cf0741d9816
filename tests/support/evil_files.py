"""PyTorch files made by hand, as an attacker makes them: any pickle, any record, and numbers that lie."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch

HEAD, STOP = b"\x80\x02", b"."
PROTO_HEADS = (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}})


def text(words: str) -> bytes:
    """Orders that put a text on the stack."""
    data = words.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(number(value) for value in values) + b"t"


def name(module: str, function: str) -> bytes:
    return f"c{module}\n{function}\n".encode()


def called(module: str, function: str, args: bytes) -> bytes:
    """Orders that call a function. args: orders between a mark and a tuple."""
    return name(module, function) + b"(" + args + b"tR"


def storage(key: str = "0", count: int = 8, kind: str = "FloatStorage", where: str = "cpu") -> bytes:
    return b"(" + text("storage") + name("torch", kind) + text(key) + text(where) + number(count) + b"tQ"


def tensor(stored: bytes, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> bytes:
    args = stored + number(offset) + numbers(*size) + numbers(*stride) + b"\x89" + called("collections", "OrderedDict", b"")
    return called("torch._utils", "_rebuild_tensor_v2", args)


def dictionary(items: Mapping[str, bytes]) -> bytes:
    return HEAD + b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u" + STOP


def write_zip(path: Path, content: bytes, records: Mapping[str, bytes], how: int = zipfile.ZIP_STORED) -> Path:
    """A file of PyTorch's zip format. records: beside the pickle, by their names below the archive's."""
    with zipfile.ZipFile(path, "w", how) as file:
        file.writestr("archive/data.pkl", content)
        for key, value in records.items():
            file.writestr(f"archive/{key}", value)
    return path


def write_before_2020(path: Path, content: bytes, storages: Mapping[str, bytes]) -> Path:
    """A file of PyTorch's format of before 2020. storages: their bytes of float32."""
    file = io.BytesIO()
    for head in PROTO_HEADS:
        pickle.dump(head, file, 2)
    file.write(content)
    pickle.dump(list(storages), file, 2)
    for value in storages.values():
        file.write(struct.pack("<q", len(value) // 4) + value)
    path.write_bytes(file.getvalue())
    return path


def floats(count: int = 8) -> bytes:
    return torch.arange(count, dtype=torch.float32).numpy().tobytes()
