"""Which part of a hole a smooth filling would smear."""

import numpy as np
import pytest

from animato.puppet.rough import rough_part

HEIGHT, WIDTH, UNIT = 240, 200, 60.0
HOLE = np.zeros((HEIGHT, WIDTH), bool)
HOLE[40:220, 70:130] = True
WALL = np.broadcast_to(np.linspace(150, 200, WIDTH)[None, :, None], (HEIGHT, WIDTH, 3)).astype(np.uint8)


def textured(strength, cell=3):
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((HEIGHT // cell + 1, WIDTH // cell + 1, 1)).repeat(cell, axis=0).repeat(cell, axis=1)
    return np.clip(WALL + strength * noise[:HEIGHT, :WIDTH], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("grain", [0, 4, 10])
def test_a_wall_is_plain_however_grainy_its_film_is(grain):
    assert not rough_part(textured(grain, cell=1), HOLE, UNIT).any()


def test_a_horizon_is_plain():
    picture = WALL.copy()
    picture[150:] = (90, 110, 60)
    assert not rough_part(picture, HOLE, UNIT).any()


def test_gravel_is_rough_all_over():
    assert rough_part(textured(40), HOLE, UNIT)[HOLE].mean() > 0.95


def test_a_lawn_below_a_plain_sky_is_rough_alone():
    picture = WALL.copy()
    picture[140:] = textured(40)[140:]
    found = rough_part(picture, HOLE, UNIT)
    assert found[170:][HOLE[170:]].mean() > 0.9 and not found[:110].any()


def test_two_sides_that_differ_are_rough_and_a_slope_of_light_is_not():
    picture = WALL.copy()
    picture[:, 100:] = (60, 40, 120)
    assert rough_part(picture, HOLE, UNIT)[HOLE].mean() > 0.9
    slope = np.broadcast_to(np.linspace(40, 240, WIDTH)[None, :, None], (HEIGHT, WIDTH, 3)).astype(np.uint8)
    assert not rough_part(slope, HOLE, UNIT).any()


@pytest.mark.parametrize("value", [True, False])
def test_a_picture_that_is_all_or_no_hole_has_no_rough_part(value):
    assert not rough_part(textured(40), np.full((HEIGHT, WIDTH), value), UNIT).any()
