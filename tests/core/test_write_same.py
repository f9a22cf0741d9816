"""Equal frames give the same file: time after time, whatever memory held before, and however many cores the process may use."""

import hashlib
import multiprocessing
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import videos
from animato.core.media import Clip, write_clip

SIZE = (150, 212)  # the width is no multiple of 16: there, x264's functions for AVX-512 read what nobody has written


@pytest.fixture(scope="module")
def moving() -> Clip:
    """24 frames of soft spots that move: enough for the encoder to weigh frames against each other."""
    noise = np.random.default_rng(0).integers(0, 256, (SIZE[1] + 72, SIZE[0] + 72, 3), dtype=np.uint8)
    spots = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX)
    return Clip.of([spots[2 * index :, 3 * index :][: SIZE[1], : SIZE[0]].copy() for index in range(24)], Fraction(24))


def sum_of(clip: Clip, path: Path) -> str:
    return hashlib.sha256(write_clip(clip, path).read_bytes()).hexdigest()


def littered(clip: Clip, chance: np.random.Generator) -> Clip:
    """The same frames, and between them memory is filled with other numbers and let go."""

    def litter(frame: np.ndarray) -> np.ndarray:
        for _ in range(3):
            np.full(chance.integers(1000, 4_000_000), chance.integers(256), np.uint8)
        return frame

    return clip.map(litter)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.webp"])
def test_the_same_clip_is_the_same_file_every_time(tmp_path: Path, moving: Clip, name: str) -> None:
    chance = np.random.default_rng(1)
    writes = 20 if name == "a.mp4" else 4
    assert len({sum_of(littered(moving, chance), tmp_path / name) for _ in range(writes)}) == 1


def test_sound_is_the_same_every_time(tmp_path: Path) -> None:
    frames = [videos.frame(index) for index in range(12)]
    source = videos.write_video(tmp_path / "in.mkv", frames, sound=("pcm_s16le", videos.tone(0.5)))  # MP4 gets it encoded anew, as AAC
    sounding = replace(Clip.of(frames, 25), sound=source)
    assert len({sum_of(sounding, tmp_path / "a.mp4") for _ in range(5)}) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be kept to one core here")
def test_a_process_on_one_core_writes_the_same_file(tmp_path: Path, moving: Clip) -> None:
    with multiprocessing.get_context("spawn").Pool(1, keep_to_one_core) as pool:
        alone = pool.apply(sum_on_one_core, (list(moving), tmp_path / "one.mp4"))
    assert alone == sum_of(moving, tmp_path / "all.mp4")


def keep_to_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def sum_on_one_core(frames: list[np.ndarray], path: Path) -> str:
    return sum_of(Clip.of(frames, Fraction(24)), path)
