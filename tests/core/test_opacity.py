"""Transparency and masks as the outline of a figure, and what is said of those that are none."""

import re

import cv2
import numpy as np
import pytest
from PIL import Image

from animato.core.errors import InputError
from animato.core.opacity import FRAMED, check_mask, cut_by_alpha, read_cut, read_mask
from animato.core.picture import read_rgba

COLOURS = np.random.default_rng(1).integers(0, 256, (60, 40, 3), np.uint8)


def figure():
    """A body with a head and two arms: far from convex."""
    shape = np.zeros((60, 40), np.uint8)
    shape[18:50, 14:26] = 255
    shape[22:27, 2:38] = 255
    cv2.circle(shape, (20, 10), 7, 255, -1)
    return shape


def cut_with(alpha):
    return cut_by_alpha(np.dstack([COLOURS, alpha]))


def test_an_alpha_in_the_shape_of_a_figure_is_its_outline_and_white_is_behind():
    alpha = figure()
    alpha[30:33, 14] = 100
    cut = cut_with(alpha)
    assert np.array_equal(cut.opacity, alpha) and cut.notes == ()
    assert (cut.pixels[alpha == 0] == 255).all() and np.array_equal(cut.pixels[alpha == 255], COLOURS[alpha == 255])
    assert np.abs(cut.pixels[31, 14].astype(int) - (COLOURS[31, 14] * (100 / 255) + 255 * (155 / 255))).max() <= 1


@pytest.mark.parametrize("alpha", [np.full((60, 40), 255, np.uint8), np.full((60, 40), 200, np.uint8)])
def test_an_alpha_that_is_full_tells_nothing(alpha):
    cut = cut_with(alpha)
    assert cut.opacity is None and cut.notes == ()


def rounded():
    alpha = np.full((60, 40), 255, np.uint8)
    alpha[:3, :3] = alpha[-3:, :3] = alpha[:3, -3:] = alpha[-3:, -3:] = 0
    return alpha


def circle():
    return cv2.circle(np.zeros((60, 40), np.uint8), (20, 30), 19, 255, -1)


@pytest.mark.parametrize("alpha", [rounded(), circle()])
def test_an_alpha_in_the_shape_of_a_frame_is_no_outline_and_that_is_said(alpha):
    cut = cut_with(alpha)
    assert cut.opacity is None and cut.notes == (FRAMED,)


def test_an_empty_alpha_is_refused(tmp_path):
    Image.fromarray(np.dstack([COLOURS, np.zeros((60, 40), np.uint8)])).save(tmp_path / "clear.png")
    with pytest.raises(InputError, match=r"clear.png is transparent everywhere"):
        read_cut(tmp_path / "clear.png")


def test_transparency_is_read_beside_the_colours_and_turned_with_them(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.rot90(np.dstack([COLOURS, figure()]), 1)
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_rgba(tmp_path / "turned.png"), np.dstack([COLOURS, figure()]))
    Image.fromarray(COLOURS).save(tmp_path / "opaque.png")
    assert read_rgba(tmp_path / "opaque.png").shape == (60, 40, 3)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "LA"])
def test_a_mask_is_grey_or_an_alpha(tmp_path, mode):
    shape = figure()
    picture = Image.fromarray(shape) if mode in ("L", "RGB", "1") else Image.fromarray(np.dstack([COLOURS, shape]))
    picture.convert(mode).save(tmp_path / "mask.png")
    assert np.array_equal(read_mask(tmp_path / "mask.png", (60, 40, 3)), shape)


@pytest.mark.parametrize(
    "mask, says",
    [
        (np.zeros((60, 40), np.uint8), "black everywhere"),
        (np.full((60, 40), 255, np.uint8), "white everywhere"),
        (figure()[:50], "40x50 pixels and the picture 40x60"),
        (np.dstack([figure()] * 3), "60 x 40 x 3 of uint8"),
        (figure() / 255, "60 x 40 of float64"),
    ],
)
def test_masks_that_tell_nothing_are_refused(mask, says):
    with pytest.raises(InputError, match=re.escape(says)):
        check_mask(mask, (60, 40))


def test_the_noise_of_a_jpeg_is_no_figure(tmp_path):
    large = cv2.resize(figure(), (400, 600), interpolation=cv2.INTER_NEAREST)
    Image.fromarray(large).save(tmp_path / "mask.jpg", quality=70)
    mask = read_mask(tmp_path / "mask.jpg", large.shape)
    assert not mask[cv2.dilate(large, np.ones((21, 21))) == 0].any() and (mask[cv2.erode(large, np.ones((21, 21))) > 0] == 255).all()


ODD = [COLOURS[..., 0], COLOURS / 255, np.dstack([COLOURS, figure(), figure()]), np.dstack([COLOURS / 255, figure()])]


@pytest.mark.parametrize("picture", ODD)
def test_arrays_of_another_kind_are_refused(picture):
    with pytest.raises(InputError, match="H x W x 3 bytes, or H x W x 4"):
        cut_by_alpha(picture)


def test_a_mask_of_yes_and_no():
    assert np.array_equal(check_mask(figure() > 0, (60, 40)), figure())
