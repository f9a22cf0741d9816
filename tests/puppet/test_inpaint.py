"""Filling a large hole in a background."""

import numpy as np
import pytest

from animato.puppet.inpaint import SIDEWAYS, diffuse, inpaint, smooth_fill

HOLE = np.zeros((120, 160), bool)
HOLE[20:, 60:100] = True


def error(filled, wanted):
    return float(np.abs(filled.astype(float) - wanted)[HOLE].mean())


def test_a_floor_that_darkens_downwards_is_carried_through_to_the_edge():
    wanted = np.broadcast_to(np.linspace(220, 40, 120)[:, None, None], (120, 160, 3)).astype(np.uint8)
    picture = wanted.copy()
    picture[HOLE] = (255, 0, 0)
    assert error(inpaint(picture, HOLE), wanted) < 2


def test_a_horizon_runs_on_behind_the_person():
    wanted = np.full((120, 160, 3), (150, 190, 230), np.uint8)
    wanted[70:] = (110, 100, 60)
    picture = wanted.copy()
    picture[HOLE] = 0
    filled = inpaint(picture, HOLE)
    assert error(filled, wanted) < 4
    assert np.abs(filled[[55, 85], 80] - wanted[[55, 85], 80]).max() < 8


def test_grain_goes_on_in_the_hole():
    rng = np.random.default_rng(0)
    picture = np.clip(128 + 20 * rng.standard_normal((120, 160, 1)), 0, 255).repeat(3, axis=2).astype(np.uint8)
    filled = inpaint(picture, HOLE)
    assert filled[HOLE].std() > 0.5 * picture[~HOLE].std()


def test_a_single_thing_beside_the_hole_is_not_copied():
    rng = np.random.default_rng(0)
    picture = np.clip(128 + 2 * rng.standard_normal((120, 160, 1)), 0, 255).repeat(3, axis=2).astype(np.uint8)
    picture[60:70, 40:48] = 0
    filled = inpaint(picture, HOLE)
    assert filled[HOLE].min() > 100


def test_outside_the_hole_nothing_changes():
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (120, 160, 3), np.uint8)
    assert np.array_equal(inpaint(picture, HOLE)[~HOLE], picture[~HOLE].astype(np.float32))


@pytest.mark.parametrize("value", [True, False])
def test_a_picture_that_is_all_or_no_hole_comes_back(value):
    picture = np.random.default_rng(2).integers(0, 255, (40, 50, 3), np.uint8)
    assert np.array_equal(inpaint(picture, np.full((40, 50), value)), picture.astype(np.float32))


def test_rows_without_any_known_pixel_are_filled_too():
    picture, hole = np.full((80, 80, 3), 200, np.uint8), np.zeros((80, 80), bool)
    hole[40:] = True
    picture[hole] = 0
    assert np.abs(inpaint(picture, hole) - 200).max() < 3


def test_diffusion_takes_the_weighted_mean_of_the_four_neighbours():
    rng = np.random.default_rng(3)
    picture, hole = rng.uniform(0, 255, (7, 9, 3)).astype(np.float32), rng.random((7, 9)) < 0.5
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    wanted = picture.copy()
    for y, x in np.argwhere(hole):
        beside = padded[y + 1, x] + padded[y + 1, x + 2]
        above = padded[y, x + 1] + padded[y + 2, x + 1]
        wanted[y, x] = (SIDEWAYS * beside + above) / (2 * SIDEWAYS + 2)
    assert np.allclose(diffuse(picture, hole, 1), wanted, atol=1e-3)


def test_smooth_fill_works_at_a_quarter_of_the_size():
    smooth, hole = smooth_fill(np.full((120, 160, 3), 90, np.uint8), HOLE, 10)
    assert smooth.shape == (30, 40, 3) and hole.shape == (30, 40)
    assert np.allclose(smooth, 90)
