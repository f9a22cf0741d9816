"""One label for each node of a grid, so that the labels' own costs and those between neighbours are about as small as can be.

Belief propagation in sweeps, row by row and column by column (Tappen and Freeman 2003, "accelerated"): exact on lines, close on grids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DOWN, RIGHT = 0, 1


@dataclass(frozen=True, eq=False)
class Pairs:
    """Neighbours along one axis of a grid.

    first, second  E int  the nodes of each pair: `second` lies below `first`, or right of it
    lines          slices of pairs that belong to one row (or column) of `first`, in their order
    """

    first: np.ndarray
    second: np.ndarray
    lines: tuple[slice, ...]


Grid = tuple[Pairs, Pairs]  # downwards, and to the right
Cost = Callable[[int, slice], np.ndarray]  # axis, pairs -> e K K: cost of each label of the first with each of the second


def grid_of(ids: np.ndarray, use: np.ndarray | None = None) -> Grid:
    """The pairs of neighbours in a grid of nodes (h w int, -1 where there is none), of those alone that have a node in `use` (N bool)."""
    return _pairs(ids[:-1], ids[1:], use), _pairs(ids[:, :-1].T, ids[:, 1:].T, use)


def _pairs(before: np.ndarray, after: np.ndarray, use: np.ndarray | None) -> Pairs:
    there = (before >= 0) & (after >= 0)
    if use is not None:
        there &= use[before] | use[after]
    ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    lines = tuple(slice(int(a), int(b)) for a, b in zip(ends[:-1], ends[1:], strict=True) if b > a)
    return Pairs(before[there], after[there], lines)


def cheapest(own: np.ndarray, grid: Grid, cost: Cost, rounds: int) -> np.ndarray:
    """N int: the label of each node.

    own     N K  float32  cost of each label by itself
    grid    who is whose neighbour
    cost    cost of two neighbours' labels together
    rounds  how often all four directions are swept
    """
    messages = np.zeros((2, 2, *own.shape), np.float32)
    total = own.astype(np.float32)
    for _ in range(rounds):
        for axis, pairs in enumerate(grid):
            for back in (0, 1):
                for line in pairs.lines[:: -1 if back else 1]:
                    _pass_on(messages[axis], total, pairs, line, (bool(back), cost(axis, line)))
    return total.argmin(axis=1)


def _pass_on(messages: np.ndarray, total: np.ndarray, pairs: Pairs, line: slice, how: tuple[bool, np.ndarray]) -> None:
    """One line tells the next, forwards or back, what each of the next one's labels would cost it at least."""
    back, cost = how
    first, second = pairs.first[line], pairs.second[line]
    if back:
        told = (cost + (total[second] - messages[0, second])[:, None, :]).min(axis=2)
        goal = first
    else:
        told = (cost + (total[first] - messages[1, first])[:, :, None]).min(axis=1)
        goal = second
    told -= told.min(axis=1, keepdims=True)
    total[goal] += told - messages[int(back), goal]
    messages[int(back), goal] = told
