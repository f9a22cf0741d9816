"""Panels: pictures with a title above them, side by side, for videos that show several things at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from animato.core.fit import fit_frame
from animato.core.media import Clip
from animato.core.shapes import Size

LABEL = 28  # height of the line of text above a panel
GAP = 4  # pixels between panels
CELL = 512  # px, the longest side of a grid's cell
SCREEN: Size = (16, 9)  # the shape for which a grid is laid out
_PAPER, _INK = 24, (235, 235, 235)


def resized(frame: np.ndarray, size: Size) -> np.ndarray:
    """H W 3 uint8 brought to `size` (width, height), whatever that does to its shape."""
    shrinking = size[1] < frame.shape[0]
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)


def titled(panel: np.ndarray, title: str) -> np.ndarray:
    """The panel with a line of text above it, which is written smaller where it would not fit."""
    head = np.full((LABEL, panel.shape[1], 3), _PAPER, np.uint8)
    scale = min(0.5, 0.5 * panel.shape[1] / max(cv2.getTextSize(title, cv2.FONT_HERSHEY_SIMPLEX, 0.55, 1)[0][0], 1))
    cv2.putText(head, title, (4, LABEL - 9), cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)
    return np.vstack([head, panel])


def side_by_side(panels: list[np.ndarray]) -> np.ndarray:
    """Panels of one height in a row of even width, as videos want it."""
    gap = np.full((panels[0].shape[0], GAP, 3), _PAPER, np.uint8)
    row = np.hstack([part for panel in panels for part in (panel, gap)][:-1])
    return np.pad(row, ((0, 0), (0, row.shape[1] % 2), (0, 0)))


def grid(clips: dict[str, Clip]) -> Clip:
    """Clips in titled cells, row by row, as long as the shortest of them, with rate and sound of the first.

    A cell has the shape of the first clip; the others are brought into it with bars where their shape is another.
    """
    first = next(iter(clips.values()))
    cell = _cell(first.size)
    columns = _columns(len(clips), cell)
    rows = -(-len(clips) // columns)
    empty = np.full((cell[1] + LABEL, cell[0], 3), _PAPER, np.uint8)

    def frames() -> Iterator[np.ndarray]:
        for moment in zip(*clips.values(), strict=False):
            panels = [titled(fit_frame(frame, cell, "pad"), title) for title, frame in zip(clips, moment, strict=True)]
            panels += [empty] * (columns * rows - len(panels))
            yield np.vstack([side_by_side(panels[row * columns : (row + 1) * columns]) for row in range(rows)])

    width = columns * (cell[0] + GAP) - GAP
    lengths = [clip.length for clip in clips.values() if clip.length is not None]
    return replace(first, open=frames, size=(width + width % 2, rows * (cell[1] + LABEL)), length=min(lengths, default=None))


def _cell(size: Size) -> Size:
    """The size itself, or as much of it as CELL holds, in even numbers as videos want them."""
    factor = min(1.0, CELL / max(size))
    return max(2, round(size[0] * factor / 2) * 2), max(2, round(size[1] * factor / 2) * 2)


def _columns(cells: int, cell: Size) -> int:
    """As many as show the cells largest on a screen of the shape SCREEN; of several such numbers the smallest."""

    def scale(columns: int) -> float:
        rows = -(-cells // columns)
        return min(SCREEN[0] / (columns * (cell[0] + GAP)), SCREEN[1] / (rows * (cell[1] + LABEL)))

    return max(range(1, cells + 1), key=scale)
