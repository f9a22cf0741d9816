"""What is no plain file, in every place where one is due: named in a sentence, never waited for, never read without end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import videos
from animato.core.container import holds_video, open_container
from animato.core.errors import InputError
from animato.core.folder import numbered_files
from animato.core.media import open_clip
from animato.core.picture import MOST_BYTES, check_readable, picture_kind, read_picture
from animato.pose.io import load_poses

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")

PIXELS = np.full((32, 32, 3), 99, np.uint8)
READERS = [read_picture, open_clip, load_poses, check_readable, picture_kind, open_container]


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_chance(path: Path) -> None:
    path.symlink_to("/dev/urandom")


def make_loop(path: Path) -> None:
    path.symlink_to(path)


def make_dangling(path: Path) -> None:
    path.symlink_to(path.with_name("gone"))


def make_folder(path: Path) -> None:
    path.mkdir()


ODD = {
    "a pipe": (make_pipe, "is a device or pipe"),
    "an endless device": (make_device, "is a device or pipe"),
    "endless chance": (make_chance, "is a device or pipe"),
    "a link to itself": (make_loop, "is a link that leads to itself"),
    "a link to nowhere": (make_dangling, "is a link to a file that is not there"),
}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("ending", ["png", "mp4", "json"])
def test_no_reader_waits_for_what_is_no_file(tmp_path: Path, reader: Callable, what: str, ending: str) -> None:
    make, message = ODD[what]
    path = tmp_path / f"a.{ending}"
    make(path)
    with pytest.raises(InputError, match=f"a.{ending} .*{message}"):
        reader(path)
    assert not holds_video(path)


@pytest.mark.parametrize("what", [*ODD, "a folder"])
@pytest.mark.parametrize("place", [0, 2])
def test_what_lies_among_numbered_pictures_is_named(tmp_path: Path, what: str, place: int) -> None:
    make, message = ODD.get(what, (make_folder, "is a folder, where a file is due"))
    for index in range(3):
        Image.fromarray(PIXELS).save(tmp_path / f"{index}.png")
    (tmp_path / f"{place}.png").unlink()
    make(tmp_path / f"{place}.png")
    with pytest.raises(InputError, match=f"{place}.png .*{message}"):
        open_clip(tmp_path)


@pytest.mark.parametrize("what", ODD)
def test_what_lies_among_openposes_files_is_named(tmp_path: Path, what: str) -> None:
    make, message = ODD[what]
    make(tmp_path / "1_keypoints.json")
    with pytest.raises(InputError, match=f"1_keypoints.json .*{message}"):
        load_poses(tmp_path)


def test_what_has_no_number_does_not_matter(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "1.png")
    make_pipe(tmp_path / "cover.png")
    make_pipe(tmp_path / ".2.png")
    assert numbered_files(tmp_path, (".png",)) == [tmp_path / "1.png"]


MADE_UP = ["/proc/self/mem", "/proc/kmsg", "/proc/self/environ", "/proc/self/fd/0", "/dev/stdin", "/dev/tty", "/proc"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="this system has no files that it makes up")
@pytest.mark.parametrize("name", MADE_UP)
@pytest.mark.parametrize("reader", [read_picture, open_clip, load_poses])
def test_files_that_the_system_makes_up_are_not_read(name: str, reader: Callable) -> None:
    with pytest.raises(InputError):
        reader(name)


@pytest.mark.parametrize(
    "name", ["", ".", "x" * 300, "a\0b", "x/" * 3000, "-", "pipe:0", "fd:0", "http://127.0.0.1:1/a.png", "a\nb", "\udcff"]
)
@pytest.mark.parametrize("reader", [read_picture, open_clip, load_poses])
def test_names_that_no_file_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reader: Callable) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        reader(name)


@pytest.mark.parametrize("begin", [b"RIFF\xff\xff\xff\x7fWEBPVP8 ", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM", b"II*\0", b"GIF89a"])
def test_giants_are_refused_before_they_are_read(tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "giant.png"
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(MOST_BYTES + 1)
    for reader in (read_picture, open_clip):
        with pytest.raises(InputError, match="giant.png is larger than 1000 MB, the most that is read of a picture"):
            reader(path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("begin", [b"II*\0\x08\0\0\0\x09\0", b"MM\0*\0\0\0\x08\0\x09"])
def test_a_picture_that_is_cut_off_is_told_once_by_us_alone(tmp_path: Path, begin: bytes) -> None:
    """Pillow's own remarks ("Truncated File Read") are not for users."""
    path = tmp_path / "a.tif"
    path.write_bytes(begin + bytes(20))
    with pytest.raises(InputError, match="a.tif is not a picture"):
        read_picture(path)


def test_a_giant_of_zeros_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "giant.mp4"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="giant.mp4 is not a video"):
        open_clip(path)


def test_links_to_good_files_are_good(tmp_path: Path) -> None:
    video = videos.write_video(tmp_path / "a.mp4", [videos.frame(index) for index in range(3)])
    (tmp_path / "link").symlink_to(video)
    assert open_clip(tmp_path / "link").length == 3
