"""Pictures and videos with a few bytes changed: decoded as far as they go, or refused by a sentence; never anything else."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import videos
from animato.core.media import open_clip
from animato.core.picture import read_picture
from changes import changed, refused

TRIES = 50
ORIENTATION = 274  # EXIF's tag
MOST_FRAMES = 3000  # a changed clock may stretch 12 frames to hours; nobody runs through those here
FRAMES = [videos.frame(number) for number in range(12)]


def picture(path: Path, **options: Any) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 4), dtype=np.uint8)
    with_alpha = path.suffix in (".png", ".webp")
    if path.suffix in (".jpg", ".png", ".webp"):
        options["exif"] = Image.Exif()
        options["exif"][ORIENTATION] = 6
    Image.fromarray(pixels).convert("RGBA" if with_alpha else "RGB").save(path, **options)
    return path


def animation(path: Path) -> Path:
    first, *others = map(Image.fromarray, FRAMES)
    first.save(path, save_all=True, append_images=others, duration=40)
    return path


def read_all(path: Path) -> None:
    for number, _ in enumerate(open_clip(path)):
        if number == MOST_FRAMES:
            return


def video(name: str, codec: str = "libx264", sound: str | None = None, large: int = 1, **options: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        frames = [np.kron(frame, np.ones((large, large, 1), np.uint8)) for frame in FRAMES]
        return videos.write_video(folder / name, frames, 25, codec, sound=(sound, videos.tone(0.5)) if sound else None, options=options)

    return make


PICTURES: dict[str, Callable[[Path], Path]] = {
    "png": lambda folder: picture(folder / "a.png"),
    "jpeg": lambda folder: picture(folder / "a.jpg"),
    "webp": lambda folder: picture(folder / "a.webp"),
    "bmp": lambda folder: picture(folder / "a.bmp"),
    "tiff": lambda folder: picture(folder / "a.tiff", compression="tiff_lzw"),
    "ppm": lambda folder: picture(folder / "a.ppm"),
}
VIDEOS: dict[str, Callable[[Path], Path]] = {
    "mp4": video("a.mp4", sound="aac"),
    "mp4 in pieces": video("a.mp4", movflags="frag_keyframe+empty_moov"),
    "mkv": video("a.mkv", sound="aac"),
    "webm": video("a.webm", "libvpx", sound="libopus"),
    "avi": video("a.avi", "mpeg4"),
    "ts": video("a.ts"),
    "flv": video("a.flv", "flv1"),
    "asf": video("a.asf", "mpeg4"),
    "nut": video("a.nut", "mpeg4"),
    "mxf": video("a.mxf", "mpeg2video", large=4),
    "gif": lambda folder: animation(folder / "a.gif"),
    "animated png": lambda folder: animation(folder / "a.apng"),
    "animated webp": lambda folder: animation(folder / "a.webp"),
}


def struck(good: bytes, chance: random.Random) -> bytes:
    """Some bytes of the first 600, where the headers are, or of all of them; or a piece cut out, doubled or replaced."""
    if chance.random() < 0.4:
        return changed(good, chance)
    data = bytearray(good)
    reach = min(len(data), chance.choice([600, len(data)]))
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(reach)] = chance.choice([0, 127, 128, 255, chance.randrange(256)])
    return bytes(data)


def with_sums(data: bytes) -> bytes:
    """A PNG whose checksums are right again as far as its chunks can be told apart: else no change would get beyond them."""
    edited = bytearray(data)
    at = 8
    while at + 12 <= len(edited):
        (length,) = struct.unpack_from(">I", edited, at)
        end = at + 8 + length
        if end + 4 > len(edited):
            break
        struct.pack_into(">I", edited, end, zlib.crc32(edited[at + 4 : end]))
        at = end + 4
    return bytes(edited)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [*PICTURES, *VIDEOS])
def test_changed_media_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    make, read = (PICTURES[kind], read_picture) if kind in PICTURES else (VIDEOS[kind], read_all)

    def change(path: Path, good: bytes, chance: random.Random) -> None:
        data = struck(good, chance)
        path.write_bytes(with_sums(data) if "png" in kind else data)

    assert refused(make(tmp_path), read, change, TRIES), "no change was noticed: none has reached what is read"
