"""Grids of titled cells: where clips come to lie, and how long and fast the grid is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from animato.core.media import Clip
from animato.core.panels import CELL, GAP, LABEL, grid

COLOURS = ((250, 0, 0), (0, 250, 0), (0, 0, 250), (200, 200, 0), (0, 200, 200))


def clips(count: int, size: tuple[int, int] = (40, 60), length: int = 3) -> dict[str, Clip]:
    return {f"clip {k}": Clip.still(np.full((size[1], size[0], 3), COLOURS[k], np.uint8), length, 10) for k in range(count)}


@pytest.mark.parametrize(
    ("count", "width", "columns", "rows"), [(1, 40, 1, 1), (3, 40, 3, 1), (5, 40, 5, 1), (5, 60, 3, 2), (5, 120, 3, 2)]
)
def test_cells_lie_row_by_row_below_their_titles(count: int, width: int, columns: int, rows: int) -> None:
    made = grid(clips(count, (width, 60)))
    frame = next(iter(made))
    assert made.size == (columns * (width + GAP) - GAP, rows * (60 + LABEL)) and frame.shape == (made.size[1], made.size[0], 3)
    for k in range(count):
        top, left = k // columns * (60 + LABEL) + LABEL, k % columns * (width + GAP)
        assert (frame[top : top + 60, left : left + width] == COLOURS[k]).all()
        assert frame[top - LABEL : top, left : left + width].max() > 100  # a title is written there


def test_other_shapes_get_bars_and_large_cells_shrink() -> None:
    wide = Clip.still(np.full((50, 100, 3), 255, np.uint8), 3, 10)
    frame = next(iter(grid({"tall": clips(1, (600, 1200))["clip 0"], "wide": wide})))
    cell = frame[LABEL:, CELL // 2 + GAP :]
    assert cell.shape == (CELL, CELL // 2, 3) and (cell[[0, -1]] == 0).all() and (cell[CELL // 2] == 255).all()


def test_rate_and_sound_of_the_first_and_length_of_the_shortest() -> None:
    first = replace(Clip.still(np.zeros((60, 41, 3), np.uint8), 5, Fraction(24)), sound=Path("song.m4a"))
    made = grid({"first": first} | clips(2, length=3))
    assert (made.fps, made.sound, made.length) == (24, Path("song.m4a"), 3) == (made.fps, made.sound, len(list(made)))
    assert not made.size[0] % 2 and not made.size[1] % 2
