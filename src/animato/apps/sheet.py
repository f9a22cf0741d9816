"""The contact sheet of a result: the picture, and below a few moments of the motion the frames that came out."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.draw import draw_overlay
from animato.pose.keypoints import PoseSequence

CELL = 256  # px, height of one frame on the sheet
GAP = 4


class Sheet:
    """Collects frames while they are written: `see(index, frame)` for each, clip after clip, then `picture()`."""

    def __init__(self, character: np.ndarray, aligned: PoseSequence, moments: int) -> None:
        last = len(aligned) - 1
        wanted = [round(last * (k + 0.5) / moments) for k in range(moments)]
        black = np.zeros_like(character)
        self._character = character
        self._columns = {index: [_cell(draw_overlay(black, aligned, index), CELL)] for index in wanted}

    def see(self, index: int, frame: np.ndarray) -> None:
        if index in self._columns:
            self._columns[index].append(_cell(frame, CELL))

    def picture(self) -> np.ndarray:
        """H W 3 uint8: the character at the left, then one column a moment with its pose above the frames of each clip."""
        columns = [_column(cells) for cells in self._columns.values()]
        first = _cell(self._character, len(columns[0]))
        return np.hstack([part for column in [first, *columns] for part in (column, _bar(len(column)))][:-1])


def _column(cells: list[np.ndarray]) -> np.ndarray:
    gap = np.full((GAP, cells[0].shape[1], 3), 255, np.uint8)
    return np.vstack([part for cell in cells for part in (cell, gap)][:-1])


def _cell(frame: np.ndarray, height: int) -> np.ndarray:
    width = max(1, round(frame.shape[1] * height / frame.shape[0]))
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)


def _bar(height: int) -> np.ndarray:
    return np.full((height, GAP, 3), 255, np.uint8)
