"""Real small files, good and bad, for tests of what the user hands in."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from animato.core.media import Clip, write_clip
from animato.people.shipped import character_path, motion_path
from animato.pose.io import load_poses, save_poses


@dataclass(frozen=True)
class Material:
    """A folder of files and the names in it that are good."""

    folder: Path
    character: Path
    motion: Path
    video: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def make_material(folder: Path) -> Material:
    character, motion, video = folder / "character.png", folder / "motion.json", folder / "video.mp4"
    shipped = character_path("mara"), motion_path("wave")
    assert shipped[0] and shipped[1]
    pixels = np.asarray(Image.open(shipped[0]).convert("RGB").resize((192, 288)))
    Image.fromarray(pixels).save(character)
    save_poses(load_poses(shipped[1]).frames(slice(6)), motion)
    write_clip(Clip.still(pixels, 4, Fraction(12)), video)
    _bad_pictures(folder, pixels)
    _bad_videos(folder, pixels, video)
    _bad_poses(folder, motion)
    return Material(folder, character, motion, video)


def _bad_pictures(folder: Path, pixels: np.ndarray) -> None:
    whole = (folder / "character.png").read_bytes()
    (folder / "zero.png").write_bytes(b"")
    (folder / "text.png").write_text("this is no picture\n" * 20)
    (folder / "cut.png").write_bytes(whole[: len(whole) // 3])
    (folder / "header.png").write_bytes(whole[:8])
    Image.fromarray(pixels).save(folder / "whole.jpg")
    jpeg = (folder / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 3])
    Image.fromarray(pixels[:8, :8]).save(folder / "tiny.png")
    Image.fromarray(np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (300, 1, 3))).save(folder / "nobody.png")
    (folder / "bomb.png").write_bytes(_png_header(60_000, 60_000))
    (folder / "folder.png").mkdir()


def _png_header(width: int, height: int) -> bytes:
    """A PNG that says it is huge and holds almost nothing."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def _bad_videos(folder: Path, pixels: np.ndarray, video: Path) -> None:
    whole = video.read_bytes()
    (folder / "zero.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video\n" * 20)
    (folder / "cut.mp4").write_bytes(whole[:200])
    nobody = np.tile(np.arange(192, dtype=np.uint8)[None, :, None], (288, 1, 3))
    write_clip(Clip.still(pixels, 1, Fraction(12)), folder / "one.mp4")
    write_clip(Clip.still(nobody, 3, Fraction(12)), folder / "nobody.mp4")
    _sound_only(folder / "sound.mp4")
    for name, count in (("no-pictures", 0), ("one-picture", 1)):
        (folder / name).mkdir()
        (folder / name / "readme.txt").write_text("nothing here")
        for number in range(count):
            Image.fromarray(pixels).save(folder / name / f"{number:03d}.png")


def _sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _bad_poses(folder: Path, motion: Path) -> None:
    good = json.loads(motion.read_text())
    (folder / "broken.json").write_text(motion.read_text()[:400])
    (folder / "list.json").write_text("[1, 2, 3]")
    (folder / "empty.json").write_text("")
    _edited(folder / "short.json", good, lambda person: person["pose_keypoints_2d"].pop())
    _edited(folder / "words.json", good, lambda person: person["pose_keypoints_2d"].__setitem__(4, "left"))
    _edited(folder / "nan.json", good, lambda person: person["pose_keypoints_2d"].__setitem__(3, float("nan")))
    nobody = json.loads(motion.read_text())
    for frame in nobody["frames"]:
        frame["people"] = []
    (folder / "nobody.json").write_text(json.dumps(nobody))
    np.savez(folder / "other.npz", numbers=np.arange(3))
    np.savez(folder / "pickled.npz", points=np.array([{"a": 1}], dtype=object))
    (folder / "text.npz").write_text("no archive")


def _edited(path: Path, good: dict[str, Any], edit: Callable[[dict[str, Any]], object]) -> None:
    changed = json.loads(json.dumps(good))
    edit(changed["frames"][1]["people"][0])
    path.write_text(json.dumps(changed))
