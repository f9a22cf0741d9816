"""Animated pictures and folders of numbered pictures as clips."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

import videos
from animato.core.errors import InputError
from animato.core.media import open_clip

FRAMES = [videos.frame(index) for index in range(20)]


def animated(path, durations, frames=FRAMES):
    images = [Image.fromarray(pixels) for pixels in frames[: len(durations)]]
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, lossless=True)
    return path


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_even_durations(tmp_path, ending):
    clip = open_clip(animated(tmp_path / f"a.{ending}", [50] * 20))
    assert (clip.size, clip.fps, clip.length) == (videos.SIZE, 20, 20)
    assert [videos.number(pixels) for pixels in clip] == list(range(20))


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_uneven_durations_show_what_is_on_screen(tmp_path, ending):
    durations = [100, 30, 30, 240, 60, 60, 60, 20, 300, 40]
    starts = np.cumsum([0, *durations[:-1]])
    clip = open_clip(animated(tmp_path / f"a.{ending}", durations))
    assert clip.length == 10 and float(clip.fps) == pytest.approx(9 / starts[-1] * 1000, rel=1e-3)
    due = np.arange(10) / float(clip.fps) * 1000
    frames = list(clip)
    assert not any(np.shares_memory(a, b) for a, b in pairwise(frames))
    shown = np.array([videos.number(pixels) for pixels in frames])
    assert (starts[shown] <= due + 10.5).all() and (due - 10.5 < np.append(starts, 1e9)[shown + 1]).all()  # GIF counts in 10 ms


def test_frames_without_a_duration_are_shown_for_a_tenth_of_a_second(tmp_path):
    assert open_clip(animated(tmp_path / "a.webp", [0] * 10)).fps == 10
    assert open_clip(animated(tmp_path / "a.gif", [0] * 10)).fps == 10


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_transparent_animations_show_the_background(tmp_path, ending):
    images = []
    for index in range(3):
        pixels = np.zeros((32, 32, 4), np.uint8)
        pixels[8 * index : 8 * index + 8] = (200, 100, 50, 250)  # not quite opaque, or the WebP encoder drops the alpha of all
        images.append(Image.fromarray(pixels))
    images[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=images[1:], duration=100, disposal=2, lossless=True)
    for index, pixels in enumerate(open_clip(tmp_path / f"a.{ending}", background=(0, 0, 255))):
        inside = np.zeros(32, bool)
        inside[8 * index : 8 * index + 8] = True
        assert np.abs(pixels[inside].astype(int) - (200, 100, 50)).max() < 6
        assert (pixels[~inside] == (0, 0, 255)).all()


def test_a_damaged_webp(tmp_path):
    data = animated(tmp_path / "a.webp", [50] * 20).read_bytes()
    (tmp_path / "cut.webp").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="cut.webp .*(damaged|broken|not a)"):
        open_clip(tmp_path / "cut.webp")


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path):
    for index in range(12):
        Image.fromarray(FRAMES[index]).save(tmp_path / f"Frame {index}.{'PNG' if index % 2 else 'webp'}", lossless=True)
    Image.new("RGB", (20, 20)).save(tmp_path / "cover.png")
    (tmp_path / "notes1.txt").write_text("not a picture")
    (tmp_path / "._Frame 3.PNG").write_bytes(b"what some systems leave behind")
    clip = open_clip(tmp_path, fps=12.5)
    assert (clip.size, clip.fps, clip.length, clip.sound) == (videos.SIZE, 12.5, 12, None)
    assert [videos.number(pixels) for pixels in clip] == list(range(12))


def test_pictures_of_a_folder_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for index, ending in enumerate(("jpg", "png")):
        Image.fromarray(np.rot90(FRAMES[5 + index])).save(tmp_path / f"{index}.{ending}", exif=exif)
    clip = open_clip(tmp_path)
    assert clip.size == videos.SIZE
    assert [videos.number(pixels) for pixels in clip] == [5, 6]


def test_what_is_wrong_with_a_folder(tmp_path):
    with pytest.raises(InputError, match="holds no numbered pictures"):
        open_clip(tmp_path)
    Image.new("RGB", (20, 20)).save(tmp_path / "1.png")
    Image.new("RGB", (20, 24)).save(tmp_path / "2.png")
    with pytest.raises(InputError, match="2.png is 20x24 pixels, not 20x20 as 1.png"):
        open_clip(tmp_path)
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:50])
    with pytest.raises(InputError, match="2.png is damaged"):
        list(open_clip(tmp_path))
    (tmp_path / "2.png").write_text("no picture")
    with pytest.raises(InputError, match="2.png is not a picture"):
        open_clip(tmp_path)
