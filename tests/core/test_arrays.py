"""Arrays from .npz files of strangers: what is odd about kind, shape, size or packing gets one sentence before a value is unpacked."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from animato.core.arrays import open_arrays
from animato.core.errors import InputError

NUMBERS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def headed(header: str, values: bytes = b"", version: int = 1) -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text + values


def packed(path: Path, content: bytes, packing: int = zipfile.ZIP_DEFLATED, name: str = "a.npy") -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr(name, content)
    return path


def read(path: Path, name: str = "a") -> np.ndarray | None:
    with open_arrays(path, "file of numbers") as file:
        stored = file.look(name)
        return None if stored is None else file.read(name, stored)


@pytest.mark.parametrize("kind", ["<f8", ">f4", "<f2", "|u1", "<i8", ">u2", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_every_kind_and_order_come_back(tmp_path: Path, kind: str, order: str) -> None:
    array = np.asarray(NUMBERS.astype(kind), order=order)
    assert np.array_equal(read(packed(tmp_path / "a.npz", npy(array))), array)


@pytest.mark.parametrize("array", [np.array(3.5), np.zeros((0, 4)), np.array([1.5])])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_shapes_and_versions_of_every_kind(tmp_path: Path, array: np.ndarray, version: tuple[int, int]) -> None:
    again = read(packed(tmp_path / "a.npz", npy(array, version), zipfile.ZIP_STORED))
    assert again is not None and again.shape == array.shape and np.array_equal(again, array)


def test_an_array_that_is_not_there(tmp_path: Path) -> None:
    assert read(packed(tmp_path / "a.npz", npy(NUMBERS)), "b") is None


PLAIN = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }\n"
HEADERS = {
    "objects": headed(PLAIN.replace("<f4", "|O"), bytes(96)),
    "text": npy(np.array(["abc"])),
    "complex numbers": npy(np.zeros(3, complex)),
    "dates": npy(np.array(["2026-01-01"], "datetime64[D]")),
    "records": npy(np.zeros(3, [("x", "<f4"), ("y", "<i4")])),
    "a side below zero": headed(PLAIN.replace("2, 3", "-2, -3"), bytes(96)),
    "a number of a thousand digits": headed(PLAIN.replace("2, 3", "1" * 1000 + ", 3"), bytes(96)),
    "a program": headed("__import__('os').system('touch ran')", bytes(96)),
    "nesting": headed("(" * 4000, bytes(96)),
    "minus after minus": headed("-" * 4000 + "1", bytes(96)),
    "another format": b"\x93NUMPX" + npy(NUMBERS)[6:],
    "a version to come": headed(PLAIN, bytes(96), version=9),
    "a header without end": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + PLAIN.encode() + bytes(96),
    "nothing": b"",
    "one letter": b"\x93",
    "words": b"just words, no array at all",
}


@pytest.mark.parametrize("what", HEADERS)
def test_what_holds_no_plain_numbers_is_not_unpacked(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"a\.npz: its array 'a' holds no plain numbers") as caught:
        read(packed(tmp_path / "a.npz", HEADERS[what]))
    assert "pickle" not in str(caught.value) and not Path("ran").exists()


@pytest.mark.parametrize("values", [0, 95, 97, 200])
def test_a_shape_that_is_not_that_of_the_values(tmp_path: Path, values: int) -> None:
    with pytest.raises(InputError, match="said to be 2 x 3 x 4 values and is not"):
        read(packed(tmp_path / "a.npz", headed(PLAIN, bytes(values))))


def edited(path: Path, change: tuple[int, bytes], mark: bytes) -> Path:
    """Bytes of each record that begins with `mark` replaced from a place on."""
    data = path.read_bytes()
    at = data.rfind(mark) + change[0]
    path.write_bytes(data[:at] + change[1] + data[at + len(change[1]) :])
    return path


LISTED, END = b"PK\x01\x02", b"PK\x05\x06"


@pytest.mark.parametrize(
    ("change", "mark", "says"),
    [
        ((8, b"\x01\x00"), LISTED, "is encrypted"),
        ((10, b"\x63\x00"), LISTED, "packed in a way that is not read"),
        ((10, b"\x0e\x00"), LISTED, "packed in a way that is not read"),
        ((6, b"\xff\x00"), LISTED, "list of contents cannot be read"),  # a version of zip to come
        ((24, struct.pack("<I", 1 << 30)), LISTED, "ends early"),
        ((16, b"\x00\x00\x00\x00"), LISTED, "cannot be unpacked"),  # another sum
        ((42, b"\x00\x00\x00\x7f"), LISTED, "cannot be unpacked"),  # lies beyond the end
        ((20, b"\x01\x00\x00\x00"), LISTED, "cannot be unpacked|ends early"),
        ((0, b"XXXX"), LISTED, "list of contents cannot be read"),
        ((12, b"\xff\xff\xff\x7f"), END, "holds more than"),
        ((16, b"\xff\xff\xff\x7f"), END, "cannot be unpacked"),
        ((20, b"\x01\x00"), END, "its end is missing"),
        ((0, b"PK"), b"PK\x03\x04", None),
    ],
)
def test_damaged_and_odd_archives(tmp_path: Path, change: tuple[int, bytes], mark: bytes, says: str | None) -> None:
    path = edited(packed(tmp_path / "a.npz", npy(NUMBERS)), change, mark)
    if says is None:
        assert np.array_equal(read(path), NUMBERS)
        return
    with pytest.raises(InputError, match=says) as caught:
        read(path)
    assert "a.npz" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(tmp_path: Path, packing: int) -> None:
    with pytest.raises(InputError, match="packed in a way that is not read"):
        read(packed(tmp_path / "a.npz", npy(NUMBERS), packing))


def test_a_name_that_comes_twice(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.npz", npy(NUMBERS))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.npy", npy(NUMBERS + 1))
    with pytest.raises(InputError, match=r"holds 'a\.npy' 2 times"):
        read(path)


@pytest.mark.parametrize("name", ["../a.npy", "/etc/passwd", "a", "a.npy/", "A.NPY", "\u202ea.npy", "a.npy\\b"])
def test_wild_names_are_never_looked_for(tmp_path: Path, name: str) -> None:
    assert read(packed(tmp_path / "a.npz", npy(NUMBERS), name=name)) is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_a_second_list_for_giants_is_not_followed(tmp_path: Path) -> None:
    """It says that the list is 8 GB long, and lies before the record that says something sensible."""
    path = packed(tmp_path / "a.npz", npy(NUMBERS))
    data = path.read_bytes()
    at = data.rfind(END)
    list64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 33, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    path.write_bytes(data[:at] + list64 + locator + data[at:])
    with pytest.raises(InputError, match="holds more than"):
        read(path)


def test_looking_at_a_bomb_unpacks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    values = 200_000_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as member:
        member.write(headed(PLAIN.replace("2, 3, 4", f"{values},").replace("<f4", "|u1")))
        for _ in range(200):
            member.write(bytes(values // 200))
    assert path.stat().st_size < 300_000
    tracemalloc.start()
    with open_arrays(path, "file of numbers") as file:
        stored = file.look("a")
    assert stored is not None and stored.bytes == values
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
