"""Where pixels can be copied from."""

import numpy as np

from animato.puppet.copies import Copies, common_shifts, likeness, mirrors, sharpened, sideways

RNG = np.random.default_rng(0)


def tiled(height, width, period):
    """H W 3 float32: a pattern that repeats itself."""
    tile = np.random.default_rng(1).uniform(0, 255, (*period, 3)).astype(np.float32)
    return np.tile(tile, (height // period[0] + 1, width // period[1] + 1, 1))[:height, :width]


def test_the_shifts_of_a_regular_pattern_are_its_periods():
    picture, gap = tiled(80, 100, (16, 20)), np.zeros((80, 100), bool)
    gap[30:50, 40:60] = True
    shifts = common_shifts(likeness(picture, ~gap, gap), ~gap, gap)
    assert (shifts[:4] % (16, 20) == 0).all()


def test_a_patch_finds_the_one_that_slow_comparison_finds():
    picture = np.random.default_rng(2).uniform(0, 255, (30, 34, 3)).astype(np.float32)
    picture[4:15, 2:13] = picture[17:28, 20:31]
    gap = np.zeros((30, 34), bool)
    gap[0, 0] = True
    like = likeness(picture, ~gap, gap)
    [at] = np.flatnonzero((like.places == (9, 6)).all(axis=1))
    assert tuple(like.shifts[at]) == (13, 18)


def test_a_thing_that_has_no_second_is_lonely():
    picture = tiled(90, 90, (6, 6)) * 0.2
    picture[40:50, 40:50] = 255
    gap = np.zeros((90, 90), bool)
    gap[0, 0] = True
    like = likeness(picture, ~gap, gap)
    on_it = (np.abs(like.places - 45) < 4).all(axis=1)
    away = (np.abs(like.places - 45) > 12).any(axis=1)
    assert like.lonely[on_it].min() > 1 and like.lonely[away].max() == 0


def test_a_shift_is_brought_to_the_pixel():
    picture = RNG.uniform(0, 255, (80, 80, 3)).astype(np.float32)
    picture[10:40, 10:30] = picture[37:67, 42:62]
    at = np.argwhere(np.ones((10, 6))) + (20, 17)
    assert tuple(sharpened(np.array([25, 34]), at, picture)) == (27, 32)


def test_mirrors_stand_at_the_edges_of_the_gap():
    gap = np.zeros((20, 40), bool)
    gap[:, 12:25] = True
    places = mirrors(gap)
    assert {int(n) - 12 for n in places[:4]} == {11} and {int(n) - 24 for n in places[4:]} == {25}


def test_shifts_to_the_sides_reach_across_the_gap():
    gap = np.zeros((20, 100), bool)
    gap[:, 30:60] = True
    assert {(0, 30), (0, -30)} <= {tuple(int(n) for n in shift) for shift in sideways(gap)}


def test_a_larger_picture_is_copied_from_the_same_places():
    copies = Copies(np.array([[0, 3, -4], [1, 2, 41], [0, 0, 0]]))
    y, x = np.array([5, 5, 5]), np.array([10, 10, 10])
    labels = np.arange(3)
    sy, sx = copies.sources(labels, y, x)
    assert sy.tolist() == [8, 7, 5] and sx.tolist() == [6, 31, 10]
    large = copies.scaled(2, 2).sources(labels, 2 * y, 2 * x)
    assert large[0].tolist() == [16, 14, 10] and large[1].tolist() == [12, 63, 20]
