"""Files that attackers made: nothing that they name is run, nothing that they claim is believed; each ends in a sentence or in tensors."""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from animato.core.errors import MissingModelError
from animato.weights.read import read_state
from evil_files import (
    HEAD,
    STOP,
    called,
    dictionary,
    floats,
    name,
    number,
    storage,
    tensor,
    text,
    write_before_2020,
    write_zip,
)

GOOD = tensor(storage(), (2, 4), (4, 1))
TRACE = "code-was-run"
TOUCH = text(f"touch {TRACE}")
OPEN = text(TRACE) + text("w")
EVIL: dict[str, bytes] = {  # orders that would leave a file behind, or worse, with a reader that obeys
    "os.system": called("os", "system", TOUCH),
    "posix.system": called("posix", "system", TOUCH),
    "open": called("builtins", "open", OPEN),
    "eval": called("builtins", "eval", text(f"open({TRACE!r}, 'w')")),
    "exec": called("builtins", "exec", text(f"open({TRACE!r}, 'w')")),
    "getattr": called("builtins", "getattr", called("builtins", "__import__", text("os")) + text("system")) + b"(" + TOUCH + b"tR",
    "apply": called("builtins", "apply", name("os", "system") + b"(" + TOUCH + b"t"),
    "within arguments of torch's own": called("torch._utils", "_rebuild_parameter", called("os", "system", TOUCH) + b"\x89}"),
    "a class of torch's that loads": called("torch.storage", "_load_from_bytes", b"C\x04abcd"),
    "torch.load": called("torch", "load", text("/dev/zero")),
    "torch.hub": called("torch.hub", "load", text("a/b") + text("c")),
    "a state that is called": name("torch.nn.modules.linear", "Linear") + b")\x81}(" + text("__setstate__") + name("os", "system") + b"ub",
    "a state of an OrderedDict": called("collections", "OrderedDict", b"") + b"}" + text("keys") + called("os", "system", TOUCH) + b"sb",
    "an instance": b"(" + TOUCH + b"ios\nsystem\n",
    "an object": b"(" + name("os", "system") + TOUCH + b"o",
    "a new object": name("subprocess", "Popen") + b"(" + TOUCH + b"t\x81",
    "a new object with words": name("subprocess", "Popen") + b"(" + TOUCH + b"t}\x92",
    "a stacked name": text("os") + text("system") + b"\x93(" + TOUCH + b"tR",
    "a registered extension": b"\x82\x01",
    "a dotted name": text("torch") + text("os.system") + b"\x93(" + TOUCH + b"tR",
    "numpy's own pickles": called("numpy", "load", text(TRACE)),
    "a set of it": b"\x8f(" + called("os", "system", TOUCH) + b"\x90",
    "a frozen set of it": b"(" + called("os", "system", TOUCH) + b"\x91",
}


@pytest.fixture(autouse=True)
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """No file is left behind in the folder where the test works, and nothing is imported."""
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield
    assert not (tmp_path / TRACE).exists()
    assert not {module for module in set(sys.modules) - before if module.startswith(("antigravity", "canary"))}


@pytest.fixture(params=["zip", "before 2020"])
def write(request: pytest.FixtureRequest) -> Callable[[Path, bytes], Path]:
    """A file of one storage of 8 float32, 0 to 7, in either format."""
    if request.param == "zip":
        return lambda path, content: write_zip(path, content, {"data/0": floats()})
    return lambda path, content: write_before_2020(path, content, {"0": floats()} if b"FloatStorage" in content else {})


def refused(path: Path, words: str) -> None:
    with pytest.raises(MissingModelError, match=words) as raised:
        read_state(path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value) and len(str(raised.value)) < 600


@pytest.mark.parametrize("what", EVIL)
def test_what_is_named_beside_the_weights_stays_inert(what: str, write: Callable[[Path, bytes], Path], tmp_path: Path) -> None:
    weights = dictionary({"a": GOOD})[len(HEAD) : -len(STOP)]
    state = read_state(write(tmp_path / "x.ckpt", dictionary({"callbacks": EVIL[what], "state_dict": weights})))
    assert torch.equal(state["a"], torch.arange(8.0).view(2, 4)) and list(state) == ["a"]


@pytest.mark.parametrize("what", EVIL)
def test_what_is_named_as_a_tensor_is_refused(what: str, write: Callable[[Path, bytes], Path], tmp_path: Path) -> None:
    refused(
        write(tmp_path / "x.pth", dictionary({"b": GOOD, "a": EVIL[what]})), "as a, where a tensor is due|other things than tensors .a."
    )
    refused(write(tmp_path / "x.pth", HEAD + EVIL[what] + STOP), "no named tensors")


def test_nothing_is_imported(tmp_path: Path) -> None:
    (tmp_path / "canary.py").write_text(f"open({TRACE!r}, 'w')")
    sys.path.insert(0, str(tmp_path))
    try:
        refused(write_zip(tmp_path / "x.pth", dictionary({"a": name("canary", "x")}), {}), "canary.x as a, where a tensor is due")
    finally:
        sys.path.remove(str(tmp_path))


def tuples(depth: int) -> bytes:
    """A tuple of twice the same tuple, and so on: twice as many things at every level."""
    return b")" + b"2\x86" * depth


BOMBS: dict[str, bytes] = {
    "a billion laughs": tuples(60),
    "a billion laughs as a key": b"}" + tuples(60) + b"Ns",
    "a billion laughs as a class": tuples(60) + b")\x81",
    "a billion laughs as a key of a set": b"\x8f(" + tuples(60) + b"\x90",
    "a billion laughs as a storage": tuples(60) + b"Q",
    "a list of itself": b"]q\x00h\x00a",
    "deep lists": b"]" * 100_000 + b"a" * 99_999,
    "deep tuples as a key": b"}" + b")" + b"\x85" * 100_000 + b"Ns",
    "calls within calls": name("torch._tensor", "_rebuild_from_type_v2") * 3 + b")" + b"R",
    "the last place of a memo": b"Nr\xff\xff\xff\xff",
    "a text of 4 GB": b"X\xff\xff\xff\xff",
    "a text of 2 ** 62 bytes": b"\x8d" + struct.pack("<Q", 2**62),
    "bytes of 2 ** 63": b"\x8e" + struct.pack("<Q", 2**63),
    "an array of 2 ** 40": b"\x96" + struct.pack("<Q", 2**40),
    "a number of 2 GB": b"\x8b\xff\xff\xff\x7f",
    "a number of negative length": b"\x8b\xff\xff\xff\xff",
    "a number of 10,000 digits": b"L" + b"9" * 10_000 + b"L\n",
    "a frame of 2 ** 63": b"\x95" + struct.pack("<Q", 2**63),
    "tuples of nothing": b"\x87",
    "items of nothing": b"u",
    "a mark that is not there": b"t",
    "an order that is none": b"\xff",
    "a buffer from outside": b"\x97",
    "a memory that was never written": b"h\x07",
    "nothing": b"",
    "two million times nothing": b"N" * 2_000_001,
}


@pytest.mark.parametrize("what", BOMBS)
def test_bombs(what: str, write: Callable[[Path, bytes], Path], tmp_path: Path) -> None:
    refused(write(tmp_path / "x.pth", HEAD + BOMBS[what] + STOP), "no named tensors|cut short or damaged|other things than tensors")


def test_a_call_repeated_a_hundred_thousand_times(write: Callable[[Path, bytes], Path], tmp_path: Path) -> None:
    calls = name("os", "system") + b"q\x00" + (b"h\x00(" + TOUCH + b"tR0") * 100_000
    refused(write(tmp_path / "x.pth", HEAD + calls + STOP), "os.system and no named tensors")


LIES: dict[str, tuple[bytes, str]] = {
    "more than the storage has": (tensor(storage(), (3, 4), (4, 1)), "a reaches beyond the end of its storage"),
    "behind the storage": (tensor(storage(), (2,), (1,), 7), "a reaches beyond"),
    "an offset of 2 ** 61": (tensor(storage(), (2,), (1,), 2**61), "a reaches beyond"),
    "wide steps": (tensor(storage(), (2, 4), (1000, 1)), "a reaches beyond"),
    "steps of 2 ** 61": (tensor(storage(), (2, 2), (2**61, 2**61)), "a reaches beyond"),
    "steps back": (tensor(storage(), (2, 4), (-4, 1)), "not described as tensors are"),
    "a negative size": (tensor(storage(), (-2, 4), (4, 1)), "not described as tensors are"),
    "a negative offset": (tensor(storage(), (2, 4), (4, 1), -1), "not described as tensors are"),
    "more sizes than steps": (tensor(storage(), (2, 4), (1,)), "not described as tensors are"),
    "a million million elements": (tensor(storage(), (10**6, 10**6), (0, 0)), "claims more numbers than any network has"),
    "no numbers, many times": (tensor(storage(), (0, 2**61, 2**61), (1, 1, 1)), "claims more numbers"),
    "a storage of no type": (tensor(storage(kind="NoStorage"), (2, 4), (4, 1)), "a tensor of No numbers|unknown kind"),
    "a storage of an unknown file": (tensor(b"(" + text("web") + text("http://x") + b"tQ", (2,), (1,)), "not described as tensors are"),
    "no storage": (tensor(b"N", (2,), (1,)), "not described as tensors are"),
    "too few arguments": (called("torch._utils", "_rebuild_tensor_v2", storage()), "given what it cannot take"),
    "a view of a storage": (
        tensor(storage()[:-2] + b"(" + text("0") + number(0) + number(2) + b"ttQ", (2,), (1,)),
        "not described as storages are",
    ),
    "one storage in two ways": (called("os", "system", storage(count=4)) + b"0" + GOOD, "described in two ways"),
    "a storage on no device": (tensor(storage(where="meta"), (2, 4), (4, 1)), "a is a meta tensor, which has no values"),
}


@pytest.mark.parametrize("what", LIES)
def test_lies_about_a_tensor(what: str, write: Callable[[Path, bytes], Path], tmp_path: Path) -> None:
    orders, words = LIES[what]
    refused(write(tmp_path / "x.pth", dictionary({"a": orders})), f"{words}|ends too early|another length|storages cannot be read")


def test_lies_about_records(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    content = dictionary({"a": GOOD})
    refused(write_zip(path, content, {"data/0": floats(7)}), "a claims more numbers than its record has")
    refused(write_zip(path, content, {"data/1": floats()}), "the numbers of a are not in it")
    refused(write_zip(path, content, {"data/0": floats(), "byteorder": b"big"}), "byte order of another kind of machine")
    refused(write_zip(path, content, {"data/0": floats(2**20)}, zipfile.ZIP_DEFLATED), "compressed or encrypted")
    refused(write_zip(path, content, {"data/0": floats(), "code/a.py": b""}), "TorchScript program")
    with pytest.warns(UserWarning, match="Duplicate name"):
        refused(twice(write_zip(path, content, {"data/0": floats()})), "two records of one name")


def twice(path: Path) -> Path:
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("archive/data/0", floats())
    return path


def poked(path: Path, at: int, what: bytes) -> Path:
    data = bytearray(path.read_bytes())
    data[at : at + len(what)] = what
    path.write_bytes(data)
    return path


def test_lies_about_the_directory(tmp_path: Path) -> None:
    """Its length and place, a record's place, length and head; and a second end of 64 bits that claims 2 ** 60 bytes."""
    good = write_zip(tmp_path / "good.pth", dictionary({"a": GOOD}), {"data/0": floats()}).read_bytes()
    end = good.rfind(b"PK\5\6")
    record = good.rfind(b"PK\1\2")
    for at, value in ((end + 12, 2**31), (end + 16, 2**31), (record + 42, 2**31), (record + 24, 2**31), (record + 20, 0), (record + 42, 3)):
        path = tmp_path / "bad.pth"
        path.write_bytes(good)
        refused(poked(path, at, struct.pack("<I", value)), "cut short or damaged")
    end64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 2, 2, 2**60, 0) + b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
    (tmp_path / "bad.pth").write_bytes(good[:end] + end64 + good[end:])
    refused(tmp_path / "bad.pth", "list of records is longer than any list of tensors")


def test_records_that_overlap(tmp_path: Path) -> None:
    content = dictionary({"a": GOOD, "b": tensor(storage("1"), (2, 4), (4, 1))})
    path = write_zip(tmp_path / "x.pth", content, {"data/0": floats(), "data/1": floats()})
    data = path.read_bytes()
    last = data.rfind(b"PK\1\2")
    before = data.rfind(b"PK\1\2", 0, last)
    refused(poked(path, last + 42, data[before + 42 : before + 46]), "its records overlap|cut short or damaged")


def test_numbers_at_odd_places_are_copied(tmp_path: Path) -> None:
    """As in files of before 2020, whose storages follow each other without a gap."""
    kinds = {str(i): storage(str(i), count) for i, count in enumerate((8, 8))}
    content = dictionary({key: tensor(one, (2, 4), (4, 1)) for key, one in kinds.items()} | {"text": b"N"})
    content = content.replace(text("text") + b"N", b"")
    for pad in ("", "a", "ab", "abc"):
        padded = content.replace(HEAD, HEAD + text(pad) + b"0", 1)
        for path in (
            write_zip(tmp_path / "x.pth", padded, {"data/0": floats(), "data/1": floats()}),
            write_before_2020(tmp_path / "y.pth", padded, {"0": floats(), "1": floats()}),
        ):
            for value in read_state(path).values():
                assert torch.equal(value, torch.arange(8.0).view(2, 4)) and value.data_ptr() % 4 == 0


def test_a_tar_file_and_plain_pickles(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(b"storages" + bytes(249) + b"ustar" + bytes(300))
    refused(path, "tar file, as PyTorch wrote them before 2017")
    path.write_bytes(pickle.dumps({"a": 1}, 2))
    refused(path, "cut short or damaged|its beginning is not that of")
    path.write_bytes(pickle.dumps({"a": 1}, 0))
    refused(path, "neither safetensors nor PyTorch's format")


def test_a_torchscript_program(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "x.pt"))
    refused(tmp_path / "x.pt", "TorchScript program, and weights alone are due")


HEADS: dict[str, tuple[bytes, str]] = {
    "a length of 2 ** 60": (struct.pack("<Q", 2**60) + b"{}", "longer than any network's"),
    "a length beyond the file": (struct.pack("<Q", 10**6) + b"{}", "cut short or damaged"),
    "no tensors": (b'{"__metadata__":{}}', "no named tensors|damaged"),
    "an unknown type": (b'{"a":{"dtype":"F3","shape":[1],"data_offsets":[0,4]}}', "damaged"),
    "overlapping": (
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}',
        "damaged",
    ),
    "beyond the end": (b'{"a":{"dtype":"F32","shape":[100],"data_offsets":[0,400]}}', "damaged"),
    "a product that overflows": (b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}', "damaged"),
    "a negative size": (b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', "damaged"),
    "one name twice": (
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        "twice",
    ),
    "a name of a million letters": (b'{"%s":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' % (b"a" * 10**6), "no name of a tensor"),
    "a name with a line end": (b'{"a\\nb":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "no name of a tensor"),
    "deep nesting": (b'{"a":' * 100_000, "damaged"),
    "metadata of 9 MB": (b'{"__metadata__":{"a":"%s"}}' % (b"a" * 9_000_000), "longer than any network's"),
}


@pytest.mark.parametrize("what", HEADS)
def test_lies_in_safetensors(what: str, tmp_path: Path) -> None:
    head, words = HEADS[what]
    whole = head if head[:1] != b"{" else struct.pack("<Q", len(head)) + head
    (tmp_path / "x.safetensors").write_bytes(whole + bytes(4))
    refused(tmp_path / "x.safetensors", words)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.pth")
    (tmp_path / "folder.pth").mkdir()
    (tmp_path / "nowhere.pth").symlink_to(tmp_path / "none")
    (tmp_path / "loop.pth").symlink_to(tmp_path / "loop.pth")
    (tmp_path / "endless.pth").symlink_to("/dev/zero")
    refused(tmp_path / "fifo.pth", "a device or pipe, not a file")
    refused(tmp_path / "endless.pth", "a device or pipe, not a file")
    refused(tmp_path / "folder.pth", "is a folder, where a file is due")
    refused(tmp_path / "nowhere.pth", "a link to a file that is not there")
    refused(tmp_path / "loop.pth", "a link that leads to itself")
    refused(tmp_path / ("a" * 300 + ".pth"), "its name is too long")


def entries(count: int) -> str:
    return json.dumps({"weight_map": dict.fromkeys(map(str, range(count)), "x.bin")})


INDICES: dict[str, tuple[str, str]] = {
    "nothing": ('{"weight_map": {}}', "does not say which tensor is in which file"),
    "a list": ('{"weight_map": []}', "does not say which tensor is in which file"),
    "no name": ('{"weight_map": {"a": ""}}', "does not say which tensor is in which file"),
    "the folder itself": ('{"weight_map": {"a": "."}}', "does not say which tensor is in which file"),
    "the folder above": ('{"weight_map": {"a": "../x.bin"}}', "does not say which tensor is in which file"),
    "an absolute name": ('{"weight_map": {"a": "/etc/passwd"}}', "does not say which tensor is in which file"),
    "a number": ('{"weight_map": {"a": 3}}', "does not say which tensor is in which file"),
    "an index": ('{"weight_map": {"a": "x.bin.index.json"}}', "does not say which tensor is in which file"),
    "a name with a line end": ('{"weight_map": {"a": "x\\n.bin"}}', "does not say which tensor is in which file"),
    "another kind of file": ('{"weight_map": {"a": "passwd"}}', "does not say which tensor is in which file"),
    "no such file": ('{"weight_map": {"a": "none.bin"}}', "names none.bin, not there beside it"),
    "a pipe": ('{"weight_map": {"a": "fifo.bin"}}', "names fifo.bin, not there beside it"),
    "many entries": (entries(25_000), "does not say which tensor"),
    "a million entries": (entries(10**6), "larger than 8 MB"),
    "deep nesting": ('{"weight_map":' * 100_000, "nested too deeply|not JSON"),
}


@pytest.mark.parametrize("what", INDICES)
def test_indices(what: str, tmp_path: Path) -> None:
    content, words = INDICES[what]
    os.mkfifo(tmp_path / "fifo.bin")
    torch.save({"a": torch.ones(1)}, tmp_path / "x.bin")
    (tmp_path / "x.bin.index.json").write_text(content)
    refused(tmp_path / "x.bin.index.json", words)


def test_an_index_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.bin.index.json")
    (tmp_path / "b.bin.index.json").symlink_to("/dev/zero")
    for name_of in ("a", "b"):
        refused(tmp_path / f"{name_of}.bin.index.json", "a device or pipe, not a file")
