"""Light across seams."""

import numpy as np

from animato.puppet.copies import Copies
from animato.puppet.seams import LIMIT, Springs, levelled, solved

GAP = np.zeros((60, 120), bool)
GAP[:, 45:75] = True
LEFT = Copies(np.array([[0, 0, -45], [0, 0, 45], [0, 0, 0]]))


def test_a_slope_of_light_runs_on_through_what_was_copied():
    filled = np.broadcast_to(np.linspace(90, 130, 120)[None, :, None], (60, 120, 3)).astype(np.float32)
    labels = np.where(GAP, np.where(np.arange(120) < 60, 0, 1), 2)
    copied = filled.copy()
    copied[:, 45:60], copied[:, 60:75] = filled[:, 0:15], filled[:, 105:120]
    before = np.abs(copied - filled)[GAP].max()
    after = np.abs(levelled(copied, filled, GAP, labels, LEFT) - filled)[GAP].max()
    assert before > 12 and after < 3


def test_a_true_edge_stays_and_its_colour_does_not_bleed():
    filled = np.full((60, 120, 3), 40, np.float32)
    filled[:, 60:] = 200
    labels = np.where(GAP, 0, 2)
    copied = filled.copy()
    copied[:, 60:75] = 40
    result = levelled(copied, filled, GAP, labels, LEFT)
    assert np.abs(result[:, 60:75] - 40).max() < 4
    assert np.array_equal(result[~GAP], filled[~GAP])


def test_the_correction_is_light_and_no_paint():
    filled = np.broadcast_to(np.linspace(0, 255, 120)[None, :, None], (60, 120, 3)).astype(np.float32)
    labels = np.where(GAP, 0, 2)
    copied = filled.copy()
    copied[:, 45:75] = filled[:, 0:30]
    assert np.abs(levelled(copied, filled, GAP, labels, LEFT) - copied).max() <= LIMIT + 1e-3


def test_the_correction_is_that_of_a_dense_solver():
    rng = np.random.default_rng(0)
    height, width = 5, 6
    free = np.zeros((height, width), bool)
    free[1:4, 1:5] = True
    down = Springs(
        rng.uniform(0.1, 1, (height - 1, width, 1)).astype(np.float32), rng.normal(size=(height - 1, width, 3)).astype(np.float32)
    )
    right = Springs(
        rng.uniform(0.1, 1, (height, width - 1, 1)).astype(np.float32), rng.normal(size=(height, width - 1, 3)).astype(np.float32)
    )
    rows, wishes = [], []
    ids = np.arange(height * width).reshape(height, width)
    for springs, first, second in ((down, ids[:-1], ids[1:]), (right, ids[:, :-1], ids[:, 1:])):
        for a, b, weight, wish in zip(first.ravel(), second.ravel(), springs.weight.ravel(), springs.wish.reshape(-1, 3), strict=True):
            row = np.zeros(height * width)
            row[b], row[a] = np.sqrt(weight), -np.sqrt(weight)
            rows.append(row)
            wishes.append(np.sqrt(weight) * wish)
    wanted = np.zeros((height * width, 3))
    wanted[free.ravel()] = np.linalg.lstsq(np.array(rows)[:, free.ravel()], np.array(wishes), rcond=None)[0]
    assert np.allclose(solved((down, right), free).reshape(-1, 3), wanted, atol=0.02)
