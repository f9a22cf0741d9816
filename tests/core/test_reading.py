"""Small files read whole: what is no plain file of a sensible size is refused before a byte is read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from animato.core.errors import InputError, MissingModelError
from animato.core.reading import check_file, read_bytes, read_json, read_text


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text('{"a": [1, 2]}', "utf-8")
    assert check_file(path) == 13
    assert read_bytes(path, 13) == b'{"a": [1, 2]}'
    assert read_json(path, 1000) == {"a": [1, 2]}


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text('{"a": 1}', "utf-8-sig")
    assert read_text(path, 100) == '{"a": 1}'


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(InputError, match="device or pipe"):
        read_bytes(path, 100)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no endless device")
def test_an_endless_device_behind_a_link_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="device or pipe"):
        read_json(link, 100)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no files that say 0 bytes and hold more")
def test_a_file_that_says_it_is_empty_is_read_no_further_than_allowed() -> None:
    with pytest.raises(InputError, match="larger than"):
        read_bytes(Path("/proc/self/status"), 10)


def test_a_giant_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "giant.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(MissingModelError, match="giant.json is larger than 64 MB"):
        read_json(path, 64_000_000, MissingModelError)


def test_what_is_wrong_is_said_in_words(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "gone")
    for path, words in (
        (tmp_path / "none", "There is no file"),
        (tmp_path, "is a folder"),
        (loop, "leads to itself"),
        (tmp_path / ("x" * 300), "too long"),
        (dangling, "is a link to a file that is not there"),
        (Path("a\0b"), "no name that a file can have"),
    ):
        with pytest.raises(InputError, match=words):
            read_bytes(path, 100)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not a text in UTF-8"),
        (b"{", "not JSON"),
        (b"[" * 1_000_000, "nested too deeply|not JSON"),
        (b"[" + b"[]," * 2_000_000, "holds more than 2 million lists"),
        (b"1" * 10_000, "not JSON"),  # more digits than Python turns into a number
    ],
)
def test_odd_json_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_json(path, 10_000_000)


def test_nesting_that_fits_is_read(tmp_path: Path) -> None:
    path = tmp_path / "nested.json"
    path.write_text(json.dumps([[[[1]]]]), "utf-8")
    assert read_json(path, 100) == [[[[1]]]]
