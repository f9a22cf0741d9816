"""Pictures of every kind that users have, and what is said about those that are none."""

import io
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageChops

import videos
from animato.core.errors import InputError, OutputError
from animato.core.picture import MAX_PIXELS, MAX_SIDE, MIN_SIDE, read_picture, write_picture

COLOURS = np.array([[[200, 30, 60], [20, 180, 90]], [[250, 240, 10], [5, 5, 230]]], np.uint8)
SCENE = np.kron(COLOURS, np.ones((16, 24, 1), np.uint8))  # 32 48 3: four fields, so that any turn shows


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("ending, tolerance", [("png", 0), ("bmp", 0), ("tif", 0), ("webp", 0), ("jpg", 6)])
def test_every_format_reads_as_it_was_written(tmp_path, ending, tolerance):
    options = {"webp": {"lossless": True}, "jpg": {"quality": 98, "subsampling": 0}}.get(ending, {})
    pixels = read_picture(saved(tmp_path / f"a.{ending}", Image.fromarray(SCENE), **options))
    assert pixels.dtype == np.uint8 and pixels.shape == SCENE.shape and pixels.flags.writeable
    assert np.abs(pixels.astype(int) - SCENE).max() <= tolerance


# EXIF orientation n: how the stored pixels are made from the upright ones.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_applied(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](SCENE)))
    assert np.array_equal(read_picture(saved(tmp_path / "a.png", stored, exif=exif)), SCENE)


def test_alpha_is_laid_over_the_background(tmp_path):
    rgba = np.dstack([SCENE, np.arange(SCENE[..., 0].size).reshape(SCENE.shape[:2]).astype(np.uint8)])
    pixels = read_picture(saved(tmp_path / "a.png", Image.fromarray(rgba)), background=(101, 202, 3))
    alpha = rgba[..., 3:] / 255
    assert np.abs(pixels - (SCENE * alpha + np.array([101, 202, 3]) * (1 - alpha))).max() <= 0.5


def test_grey_with_alpha(tmp_path):
    grey = np.dstack([np.full((20, 20), 90, np.uint8), np.zeros((20, 20), np.uint8)])
    grey[:, 10:, 1] = 255
    pixels = read_picture(saved(tmp_path / "a.png", Image.fromarray(grey, "LA")), background=(1, 2, 3))
    assert (pixels[:, :10] == (1, 2, 3)).all() and (pixels[:, 10:] == 90).all()


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_palette_with_transparency(tmp_path, ending):
    image = Image.fromarray(np.kron(np.array([[0, 1], [2, 3]], np.uint8), np.ones((16, 24), np.uint8)), "P")
    image.putpalette(COLOURS.reshape(-1).tolist())
    pixels = read_picture(saved(tmp_path / f"a.{ending}", image, transparency=2), background=(9, 8, 7))
    expected = SCENE.copy()
    expected[16:, :24] = (9, 8, 7)
    assert np.array_equal(pixels, expected)


def test_rgb_with_a_transparent_colour(tmp_path):
    pixels = read_picture(
        saved(tmp_path / "a.png", Image.fromarray(SCENE), transparency=tuple(COLOURS[0, 0].tolist())), background=(0, 0, 0)
    )
    assert (pixels[:16, :24] == 0).all() and (pixels[16:] == SCENE[16:]).all()


@pytest.mark.parametrize("mode, value", [("L", 77), ("1", 255)])
def test_grey_and_bilevel(tmp_path, mode, value):
    assert (read_picture(saved(tmp_path / "a.png", Image.new(mode, (20, 20), value))) == value).all()


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_16_bit_grey_is_rounded_not_clipped(tmp_path, ending):
    grey = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    path = tmp_path / f"a.{ending}"
    if ending == "pgm":
        path.write_bytes(b"P5 32 32 65535\n" + grey.astype(">u2").tobytes())
    else:
        Image.fromarray(grey).save(path)
    pixels = read_picture(path)
    assert pixels.shape == (32, 32, 3)
    assert np.abs(pixels[..., 0] - grey / 257).max() <= 0.5


@pytest.mark.parametrize("ending", ["png", "tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour(tmp_path, ending, channels):
    deep = np.dstack([SCENE[..., ::-1].astype(np.uint16) * 257] + [np.full(SCENE.shape[:2], 65535, np.uint16)] * (channels - 3))
    path = tmp_path / f"a.{ending}"
    cv2.imwrite(str(path), deep)
    assert np.array_equal(read_picture(path), SCENE)


def test_cmyk_tiff(tmp_path):
    pixels = read_picture(saved(tmp_path / "a.tif", Image.new("CMYK", (20, 20), (255, 0, 0, 0))))
    assert (pixels == (0, 255, 255)).all()


def test_cmyk_jpeg_as_adobe_writes_it_and_plain(tmp_path):
    cyan = Image.new("CMYK", (32, 32), (255, 0, 0, 0))
    adobe = saved(tmp_path / "adobe.jpg", cyan, quality=95)
    assert np.abs(read_picture(adobe).astype(int) - (0, 255, 255)).max() <= 3

    buffer = io.BytesIO()
    ImageChops.invert(cyan).save(buffer, "JPEG", quality=95)  # Pillow inverts on writing: this stores 255 for full ink
    data = buffer.getvalue()
    marker = data.index(b"\xff\xee")
    length = int.from_bytes(data[marker + 2 : marker + 4], "big")
    plain = tmp_path / "plain.jpg"
    plain.write_bytes(data[:marker] + data[marker + 2 + length :])
    assert np.abs(read_picture(plain).astype(int) - (0, 255, 255)).max() <= 3


def test_several_pages_or_embedded_thumbnails_give_the_first(tmp_path):
    pages = [Image.fromarray(SCENE), Image.new("RGB", (48, 32))]
    assert np.array_equal(read_picture(saved(tmp_path / "a.tif", pages[0], save_all=True, append_images=pages[1:])), SCENE)
    assert read_picture(saved(tmp_path / "a.jpg", pages[0], format="MPO", save_all=True, append_images=pages[1:])).mean() > 50


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its data do not have."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = __import__("zlib").crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path):
    png = saved(tmp_path / "good.png", Image.effect_noise((64, 64), 50)).read_bytes()
    jpg = saved(tmp_path / "good.jpg", Image.effect_noise((64, 64), 50)).read_bytes()
    cases = {
        "missing.png": (None, "There is no file"),
        "folder": ("folder", "is a folder, where a picture is due"),
        "empty.png": (b"", "is empty (0 bytes)"),
        "cut.png": (png[: len(png) // 2], "damaged or truncated"),
        "cut.jpg": (jpg[: len(jpg) // 2], "damaged or truncated"),
        "header_only.png": (png[:20], "cannot be read"),
        "text.png": (b"no picture, just words\n" * 20, "is not a picture that can be read"),
        "zeros.jpg": (bytes(5000), "is not a picture that can be read"),
        "tiny.png": (png_claiming(MIN_SIDE - 1, 40), f"at least {MIN_SIDE} are needed"),
        "wide.png": (png_claiming(MAX_SIDE + 1, 16), "make it smaller"),
        "large.png": (png_claiming(10_001, 10_000), "make it smaller"),
        "bomb.png": (png_claiming(200_000, 200_000), f"{MAX_PIXELS // 1_000_000} million"),
    }
    for name, (content, message) in cases.items():
        path = tmp_path / name
        if content == "folder":
            path.mkdir()
        elif content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            read_picture(path)
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_video_or_animation_is_no_picture(tmp_path):
    frames = [videos.frame(index) for index in range(4)]
    video = videos.write_video(tmp_path / "a.mp4", frames)
    with pytest.raises(InputError, match="is a video, where a picture is due"):
        read_picture(video)
    images = [Image.fromarray(pixels) for pixels in frames]
    for ending in ("gif", "webp", "png"):
        path = saved(tmp_path / f"a.{ending}", images[0], save_all=True, append_images=images[1:])
        with pytest.raises(InputError, match="is an animation, where a picture is due"):
            read_picture(path)


def test_floating_point_pixels_are_refused(tmp_path):
    path = saved(tmp_path / "a.tif", Image.fromarray(np.ones((20, 20), np.float32)))
    with pytest.raises(InputError, match="a.tif holds floating-point pixels"):
        read_picture(path)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_written_pictures_read_back(tmp_path, ending):
    path = write_picture(SCENE, tmp_path / "new folder" / f"a.{ending}")
    assert np.abs(read_picture(path).astype(int) - SCENE).mean() < 4
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_unknown_endings_are_not_written(tmp_path):
    with pytest.raises(OutputError, match=r"'.xyz', which cannot be written: use .png"):
        write_picture(SCENE, tmp_path / "a.xyz")
