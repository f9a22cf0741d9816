"""Labels on a grid: what belief propagation finds, next to trying everything."""

from itertools import product

import numpy as np
import pytest

from animato.puppet.labelling import cheapest, grid_of


def energy(labels, own, pairs, costs):
    """What a labelling costs, added up in plain loops."""
    total = sum(own[node, label] for node, label in enumerate(labels))
    for axis, (first, second) in enumerate(pairs):
        total += sum(costs[axis][n, labels[a], labels[b]] for n, (a, b) in enumerate(zip(first, second, strict=True)))
    return total


def problem(shape, labels, seed):
    rng = np.random.default_rng(seed)
    ids = np.arange(shape[0] * shape[1]).reshape(shape)
    grid = grid_of(ids)
    own = rng.uniform(0, 4, (ids.size, labels)).astype(np.float32)
    costs = [rng.uniform(0, 2, (len(pairs.first), labels, labels)).astype(np.float32) for pairs in grid]
    return own, grid, costs


def slow_best(own, grid, costs):
    """The lowest cost of all labellings."""
    pairs = [(one.first, one.second) for one in grid]
    return min(energy(labels, own, pairs, costs) for labels in product(range(own.shape[1]), repeat=len(own)))


@pytest.mark.parametrize("shape", [(1, 7), (7, 1)])
@pytest.mark.parametrize("seed", range(4))
def test_lines_are_labelled_as_well_as_can_be(shape, seed):
    own, grid, costs = problem(shape, 3, seed)
    labels = cheapest(own, grid, lambda axis, line: costs[axis][line], 1)
    found = energy(labels, own, [(one.first, one.second) for one in grid], costs)
    assert found == pytest.approx(slow_best(own, grid, costs), abs=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_grids_are_labelled_nearly_as_well_as_can_be(seed):
    own, grid, costs = problem((3, 3), 3, seed)
    pairs = [(one.first, one.second) for one in grid]
    found = energy(cheapest(own, grid, lambda axis, line: costs[axis][line], 4), own, pairs, costs)
    best = slow_best(own, grid, costs)
    assert best - 1e-4 <= found <= 1.05 * best


def test_the_grid_pairs_neighbours_and_leaves_out_where_there_is_no_node():
    ids = np.array([[0, 1, -1], [2, -1, 3]])
    down, right = grid_of(ids)
    assert list(zip(down.first, down.second, strict=True)) == [(0, 2)]
    assert list(zip(right.first, right.second, strict=True)) == [(0, 1)]


def test_pairs_without_a_node_in_use_are_left_out():
    ids = np.arange(4).reshape(1, 4)
    _, right = grid_of(ids, np.array([True, False, False, False]))
    assert list(zip(right.first, right.second, strict=True)) == [(0, 1)]
