"""Small files that claim or unpack to giants: refused by a sentence or read at their true size, before room is made for what they claim."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import videos
from animato.core.errors import InputError
from animato.core.media import open_clip
from animato.core.picture import read_picture

GIANT = 300_000_000  # bytes that a bomb of 300 kB unpacks to
MOST_MEMORY = 100_000_000  # bytes
SIDE = 64


def packed(ending: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((SIDE, SIDE, 3), 99, np.uint8)).save(buffer, ending, **options)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_with(name: bytes, content: bytes) -> bytes:
    """A good PNG with one more chunk behind its header."""
    good = packed("PNG")
    return good[:33] + chunk(name, content) + good[33:]


def zeros() -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(10_000_000)) for _ in range(GIANT // 10_000_000)), packer.flush()])


def claiming(data: bytes, at: int, form: str, *values: int) -> bytes:
    edited = bytearray(data)
    struct.pack_into(form, edited, at, *values)
    return bytes(edited)


def wide_webp() -> bytes:
    """The canvas of an extended WebP, 24 bits a side less one, as large as it may be."""
    exif = Image.Exif()
    exif[274] = 1
    good = packed("WEBP", exif=exif)
    assert good[12:16] == b"VP8X"
    return good[:24] + b"\xff\x3f\x00\xff\x3f\x00" + good[30:]


def wide_lossless_webp() -> bytes:
    good = packed("WEBP", lossless=True)
    assert good[12:16] == b"VP8L"
    return claiming(good, 21, "<I", (1 << 28) - 1)


REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "png of 16384 x 16384": ("png", lambda: png_of(16384, 16384)),
    "png of two milliards a side": ("png", lambda: png_of(2**31 - 1, 2**31 - 1)),
    "jpeg": ("jpg", lambda: jpeg_of(65500, 65500)),
    "webp's canvas": ("webp", wide_webp),
    "webp without loss": ("webp", wide_lossless_webp),
    "gif's canvas": ("gif", lambda: claiming(packed("GIF"), 6, "<HH", 65535, 65535)),
    "bmp": ("bmp", lambda: claiming(packed("BMP"), 18, "<ii", 2**31 - 1, 2**31 - 1)),
    "ppm": ("ppm", lambda: b"P6 99999999 99999999 255\n" + bytes(99)),
    "tiff": ("tif", lambda: tiff_of(2**32 - 1, 2**32 - 1)),
}


def png_of(width: int, height: int) -> bytes:
    good = packed("PNG")
    header = struct.pack(">II", width, height) + good[24:29]
    return good[:8] + chunk(b"IHDR", header) + good[33:]


def jpeg_of(width: int, height: int) -> bytes:
    good = packed("JPEG")
    return claiming(good, good.index(b"\xff\xc0") + 5, ">HH", height, width)


def tiff_of(width: int, height: int) -> bytes:
    """Pillow's TIFF with other values for its tags 256 and 257."""
    good = packed("TIFF")
    (directory,) = struct.unpack_from("<I", good, 4)
    (tags,) = struct.unpack_from("<H", good, directory)
    for number in range(tags):
        at = directory + 2 + 12 * number
        tag = struct.unpack_from("<H", good, at)[0]
        if tag in (256, 257):
            good = claiming(good, at + 2, "<HII", 4, 1, {256: width, 257: height}[tag])
    return good


@pytest.mark.parametrize("kind", REFUSED)
def test_pictures_that_claim_giants_are_refused(tmp_path: Path, kind: str) -> None:
    ending, make = REFUSED[kind]
    path = tmp_path / f"a.{ending}"
    path.write_bytes(make())
    tracemalloc.start()
    for reader in (read_picture, open_clip):
        with pytest.raises(InputError, match=f"a.{ending} "):
            reader(path)
    assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    tracemalloc.stop()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "a text": lambda bomb: png_with(b"zTXt", b"a\0\0" + bomb),
    "an international text": lambda bomb: png_with(b"iTXt", b"a\0\1\0\0\0" + bomb),
    "a colour profile": lambda bomb: png_with(b"iCCP", b"a\0\0" + bomb),
    "pixels": lambda bomb: packed("PNG")[:33] + chunk(b"IDAT", bomb) + chunk(b"IEND", b""),
}


@pytest.mark.parametrize("kind", PACKED)
def test_what_unpacks_to_a_giant_is_not_unpacked(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PACKED[kind](zeros()))
    tracemalloc.start()
    try:
        assert read_picture(path).shape == (SIDE, SIDE, 3)
    except InputError as error:
        assert "a.png" in str(error)
    assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    tracemalloc.stop()


def test_an_exif_that_claims_giants(tmp_path: Path) -> None:
    """A table of tags, each of which says that it has four milliards of values."""
    tags = b"".join(struct.pack("<HHII", 0x100 + number, 7, 2**32 - 1, 8) for number in range(1000))
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 1000) + tags + bytes(4)
    path = tmp_path / "a.jpg"
    path.write_bytes(packed("JPEG", exif=exif))
    assert read_picture(path).shape == (SIDE, SIDE, 3)


# ---- videos ----

FRAMES = [videos.frame(number) for number in range(5)]


def matroska(identifier: bytes, content: bytes) -> bytes:
    """An element with its length in eight bytes."""
    return identifier + b"\x01" + struct.pack(">Q", len(content))[1:] + content


def matroska_of(*elements: bytes) -> bytes:
    head = matroska(b"\x1a\x45\xdf\xa3", matroska(b"\x42\x82", b"matroska"))
    return head + matroska(b"\x18\x53\x80\x67", b"".join(elements))


def track(number: int) -> bytes:
    size = matroska(b"\xe0", matroska(b"\xb0", b"\x40") + matroska(b"\xba", b"\x40"))
    content = matroska(b"\xd7", bytes([number & 127])) + matroska(b"\x83", b"\x01") + matroska(b"\x86", b"V_VP8") + size
    return matroska(b"\xae", content)


def asf_of(entries: int) -> bytes:
    """An index of pictures that claims `entries`, in front of nothing."""
    header = bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C") + struct.pack("<QIBB", 30, 0, 1, 2)
    index = bytes.fromhex("90080033B1E5CF1189F400A0C90349CB") + struct.pack("<Q", 56) + bytes(16) + struct.pack("<QII", 1, 1, entries)
    return header + index


def mxf_of(items: int) -> bytes:
    """A header partition and an index table that claims `items` entries."""
    partition = bytes.fromhex("060E2B34020501010D01020101020400") + b"\x83" + struct.pack(">I", 88)[1:] + bytes(88)
    entries = struct.pack(">HH", 0x3F0A, 8) + struct.pack(">II", items, 11)
    table = bytes.fromhex("060E2B34025301010D01020101100100") + b"\x83" + struct.pack(">I", len(entries))[1:] + entries
    return partition + table


def ogg_of(pages: int) -> bytes:
    """Beginnings of as many streams as there are pages."""
    return b"".join(ogg_page(number) for number in range(pages))


def ogg_page(serial: int) -> bytes:
    content = b"\x80theora\x03\x02\x01" + bytes(32)
    return b"OggS\0\x02" + bytes(8) + struct.pack("<II", serial, 0) + bytes(4) + b"\x01" + bytes([len(content)]) + content


BOMBS: dict[str, Callable[[], bytes]] = {
    "mkv of 20,000 tracks": lambda: matroska_of(matroska(b"\x16\x54\xae\x6b", b"".join(map(track, range(20_000))))),
    "mkv with an element of 2^55 bytes": lambda: matroska_of() + b"\x1f\x43\xb6\x75" + b"\x01" + b"\x7f" + b"\xff" * 6,
    "mkv with a block of 2^40 bytes": lambda: matroska_of(matroska(b"\x16\x54\xae\x6b", track(1)), b"\xa3\x01\x00\x01" + bytes(5)),
    "mkv with a codec of 2^31 bytes": lambda: matroska_of(b"\x16\x54\xae\x6b\x90\xae\x8e\x63\xa2\x01\0\0\0\x7f\xff\xff\xff"),
    "asf's index": lambda: asf_of(2**32 - 1),
    "mxf's index": lambda: mxf_of(2**31 - 1),
    "ogg of 20,000 streams": lambda: ogg_of(20_000),
    "gif of 65535 a side": lambda: claiming(packed("GIF"), 6, "<HH", 65535, 65535) * 3,
    "yuv of a milliard a side": lambda: b"YUV4MPEG2 W999999999 H999999999 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + bytes(99),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_videos_that_claim_giants_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(BOMBS[kind]())
    with pytest.raises(InputError, match=r"a\.bin "):
        list(open_clip(path))


def test_an_index_longer_than_its_file_does_not_matter(tmp_path: Path) -> None:
    path = videos.write_video(tmp_path / "a.avi", FRAMES, 25, "mpeg4")
    good = path.read_bytes()
    path.write_bytes(claiming(good, good.index(b"idx1") + 4, "<I", 2**32 - 8))
    assert len(list(open_clip(path))) in (len(FRAMES), len(FRAMES) + 1)  # the broken index may hold the last picture for once
