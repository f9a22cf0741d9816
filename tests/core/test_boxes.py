"""MP4 files whose tables claim pictures without end are refused before FFmpeg makes room for them; true ones are read as before."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import videos
from animato.core.boxes import check_tables
from animato.core.errors import InputError
from animato.core.media import open_clip

FRAMES = [videos.frame(index) for index in range(30)]
GIANT = 10**9


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return videos.write_video(tmp_path_factory.mktemp("boxes") / "a.mp4", FRAMES, sound=("aac", videos.tone(1))).read_bytes()


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An MP4 in fragments."""
    options = {"movflags": "frag_keyframe+empty_moov"}
    return videos.write_video(tmp_path_factory.mktemp("boxes") / "a.mp4", FRAMES, options=options).read_bytes()


def changed(data: bytes, name: bytes, values: dict[int, int]) -> bytes:
    """Numbers within the first table of that name replaced, by their places in its content."""
    at = data.index(name) + 4
    edited = bytearray(data)
    for place, value in values.items():
        edited[at + place : at + place + 4] = struct.pack(">I", value)
    return bytes(edited)


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def refused(path: Path, data: bytes, message: str = "says that it holds more than 5 million pictures") -> None:
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"{path.name} {message}"):
        open_clip(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.gif", "a"])
def test_pictures_of_one_size_claimed_without_end(tmp_path: Path, mp4: bytes, name: str) -> None:
    refused(tmp_path / name, changed(mp4, b"stsz", {4: 1, 8: GIANT}))


def test_claims_within_fragments(tmp_path: Path, pieces: bytes) -> None:
    (tmp_path / "good.mp4").write_bytes(pieces)
    assert open_clip(tmp_path / "good.mp4").length == 30
    refused(tmp_path / "a.mp4", changed(pieces, b"trun", {4: GIANT}))


def test_edits_that_show_everything_again_and_again(tmp_path: Path, mp4: bytes) -> None:
    refused(tmp_path / "a.mp4", changed(mp4, b"elst", {4: GIANT}))


def test_claims_of_sound(tmp_path: Path) -> None:
    """Plain sound is taken in pieces: an hour of it is no claim of millions."""
    track = box(b"hdlr", bytes(8) + b"soun" + bytes(12)) + box(b"stts", struct.pack(">4I", 0, 1, 172_800_000, 1))
    sizes = box(b"stsz", struct.pack(">3I", 0, 4, 172_800_000))
    for chunks, good in ((3600, True), (4_000_000, False)):
        tables = box(b"stsc", struct.pack(">5I", 0, 1, 1, 48_000, 1)) + box(b"stco", struct.pack(">2I", 0, chunks))
        path = tmp_path / "a.mov"
        path.write_bytes(box(b"moov", box(b"trak", track + sizes + tables)))
        if good:
            check_tables(path)
        else:
            with pytest.raises(InputError, match="more than 5 million"):
                check_tables(path)


def test_tables_in_odd_places_and_many_tracks(tmp_path: Path, mp4: bytes) -> None:
    sizes = box(b"stsz", struct.pack(">3I", 0, 1, GIANT))
    for odd in (sizes, box(b"moov", sizes), box(b"what", sizes), box(b"moov", box(b"trak", b"") * 2000)):
        refused(tmp_path / "a.mp4", mp4 + odd)


def test_a_header_that_is_packed_itself(tmp_path: Path) -> None:
    packed = box(b"ftyp", b"qt  " + bytes(4)) + box(b"moov", box(b"cmov", box(b"dcom", b"zlib") + box(b"cmvd", bytes(100))))
    refused(tmp_path / "a.mov", packed, "has a header that is packed itself")


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 1000, b"\xff" * 1000, b"\0\0\0\1moov" + b"\0" * 100, b"\0\0\0\0moov" * 200, b"\0\0\0\x08free" * 999]
)
def test_files_of_no_boxes_pass(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    check_tables(tmp_path / "a")
