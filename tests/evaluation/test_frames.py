"""Measures of frames against closed forms and a plain formula."""

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.evaluation.frames import change_error, compare, psnr, ssim

signal = pytest.importorskip("scipy.signal", reason="SciPy is the oracle of SSIM")


def _noise(seed: int, size: tuple[int, int] = (24, 30)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def test_psnr_of_a_constant_error_is_in_closed_form() -> None:
    truth = np.full((8, 9, 3), 100, np.uint8)
    assert psnr(truth + np.uint8(5), truth) == pytest.approx(20 * np.log10(255 / 5))
    assert psnr(truth, truth) == float("inf")


def test_psnr_does_not_overflow_where_bytes_would() -> None:
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr(black, white) == pytest.approx(0.0)


def test_psnr_inside_a_mask_sees_only_the_mask_and_weighs_soft_edges() -> None:
    truth = np.zeros((2, 3, 3), np.uint8)
    picture = truth.copy()
    picture[0, 0], picture[1, 2] = 10, 200
    mask = np.zeros((2, 3), np.uint8)
    mask[0, 0] = 255
    assert psnr(picture, truth, mask) == pytest.approx(20 * np.log10(25.5))
    mask[0, 1] = 85  # a third of a pixel without error
    assert psnr(picture, truth, mask) == pytest.approx(10 * np.log10(255**2 / (100 * 255 / 340)))


@pytest.mark.parametrize("mask", [np.zeros((24, 30), np.uint8), np.ones((3, 3), np.uint8)])
def test_psnr_refuses_masks_that_are_empty_or_of_another_size(mask: np.ndarray) -> None:
    with pytest.raises(InputError, match="mask of 30 x 24"):
        psnr(_noise(0), _noise(1), mask)


def _plain_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """The formula written out, with the window as a full matrix and two-dimensional convolution."""
    ramp = np.arange(11) - 5.0
    window = np.exp(-(ramp[:, None] ** 2 + ramp**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for a, b in zip(np.moveaxis(x.astype(float), 2, 0), np.moveaxis(y.astype(float), 2, 0), strict=True):
        ma, mb, aa, bb, ab = (signal.convolve2d(z, window, mode="valid") for z in (a, b, a * a, b * b, a * b))
        va, vb, cov = aa - ma * ma, bb - mb * mb, ab - ma * mb
        c1, c2 = 2.55**2, 7.65**2
        values.append(((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean())
    return float(np.mean(values))


def test_ssim_is_the_plain_formula() -> None:
    a = _noise(2)
    b = np.clip(0.6 * a + 0.4 * _noise(3) + 8, 0, 255).astype(np.uint8)
    assert ssim(a, b) == pytest.approx(_plain_ssim(a, b), abs=1e-9)
    assert ssim(a, a) == pytest.approx(1.0)


def test_ssim_of_two_flat_pictures_is_in_closed_form() -> None:
    a, b = np.full((11, 11, 3), 50, np.uint8), np.full((11, 11, 3), 90, np.uint8)
    assert ssim(a, b) == pytest.approx((2 * 50 * 90 + 6.5025) / (50**2 + 90**2 + 6.5025))


def test_sizes_are_checked() -> None:
    with pytest.raises(InputError, match="cannot be compared"):
        psnr(_noise(0), _noise(0, (24, 31)))
    with pytest.raises(InputError, match="at least 11 x 11"):
        ssim(_noise(0, (10, 30)), _noise(1, (10, 30)))


def test_change_error_sees_flicker_and_not_a_constant_error() -> None:
    truth = np.stack([_noise(k) // 2 for k in range(4)])
    assert change_error(truth + np.uint8(9), truth) == 0
    flicker = truth.copy()
    flicker[1::2] += np.uint8(6)
    assert change_error(flicker, truth) == pytest.approx(6)
    assert change_error(truth[:1], truth[:1] + np.uint8(1)) == 0


def test_compare_takes_means_and_skips_frames_without_a_person() -> None:
    truth = [np.full((12, 12, 3), 100, np.uint8)] * 2
    frames = [truth[0] + np.uint8(1), truth[0] + np.uint8(10)]
    masks = [np.full((12, 12), 255, np.uint8), np.zeros((12, 12), np.uint8)]
    likeness = compare(iter(frames), iter(truth), iter(masks))
    assert likeness.psnr == pytest.approx((20 * np.log10(255) + 20 * np.log10(25.5)) / 2)
    assert likeness.person == pytest.approx(20 * np.log10(255))
    assert np.isnan(compare(frames, truth).person)
    with pytest.raises(InputError, match="different numbers"):
        compare(frames, truth[:1])
    with pytest.raises(InputError, match="no frame"):
        compare([], [])
