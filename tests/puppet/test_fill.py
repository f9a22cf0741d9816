"""Colours for pixels that have none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from animato.puppet.fill import STRETCH, nearest_value, pull_push, spread_colours


def slow_nearest(values, valid):
    """Distances of every pixel to the valid pixel whose value it takes, by looking at all of them."""
    places = np.argwhere(valid)
    distance = np.linalg.norm(np.argwhere(np.ones_like(valid))[:, None] - places, axis=2)
    return distance.reshape(*valid.shape, -1), values[tuple(places.T)]


@given(arrays.arrays(bool, (9, 13)).filter(lambda a: a.any()))
def test_every_pixel_takes_a_value_that_is_about_nearest(valid):
    values = np.arange(9 * 13).reshape(9, 13)
    distance, candidates = slow_nearest(values, valid)
    found = nearest_value(values, valid)
    taken = np.take_along_axis(distance, (candidates == found[..., None]).argmax(axis=2)[..., None], axis=2)[..., 0]
    assert np.isin(found, candidates).all()
    assert (found[valid] == values[valid]).all()
    assert (taken <= 1.05 * distance.min(axis=2) + 0.1).all()


def test_without_a_valid_pixel_nothing_changes():
    values = np.arange(12).reshape(3, 4)
    assert np.array_equal(nearest_value(values, np.zeros((3, 4), bool)), values)


@pytest.mark.parametrize("along", [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
def test_along_a_limb_steps_count_more(along):
    along = np.array(along)
    across = np.array([along[1], -along[0]])
    valid, values = np.zeros((81, 81), bool), np.zeros((81, 81), np.uint8)
    for value, place in ((1, 40 + 12 * along), (2, 40 + 12 * 0.8 * STRETCH * across)):
        x, y = np.round(place).astype(int)
        valid[y, x], values[y, x] = True, value
    assert nearest_value(values, valid)[40, 40] == 1
    assert nearest_value(values, valid, along)[40, 40] == 2


def test_spread_colours_keep_the_border_between_two_clothes():
    picture = np.full((60, 60, 3), (200, 30, 30), np.uint8)
    picture[30:] = (30, 30, 200)
    valid = np.zeros((60, 60), bool)
    valid[:, :20] = True
    filled = spread_colours(picture, valid)
    assert np.abs(filled[:18].astype(int) - (200, 30, 30)).max() <= 1
    assert np.abs(filled[42:].astype(int) - (30, 30, 200)).max() <= 1


def test_pull_push_fills_smoothly_and_leaves_no_dark_corner():
    picture = np.zeros((64, 48, 3), np.uint8)
    valid = np.zeros((64, 48), bool)
    valid[:8, :8] = True
    picture[valid] = (180, 120, 60)
    filled = pull_push(picture, valid)
    assert np.abs(filled - (180, 120, 60)).max() < 1e-3


@given(arrays.arrays(bool, (11, 7)), st.integers(0, 255))
def test_pull_push_keeps_valid_pixels_and_the_range_of_colours(valid, low):
    picture = np.full((11, 7, 3), low, np.uint8)
    picture[::2] = 255
    filled = pull_push(picture, valid)
    assert np.array_equal(filled[valid], picture[valid].astype(np.float32))
    assert filled.min() >= low - 1e-3 and filled.max() <= 255 + 1e-3
