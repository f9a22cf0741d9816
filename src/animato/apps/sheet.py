"""The contact sheet of a result: the picture, and below a few moments of the motion the frames that came out."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.draw import draw_overlay
from animato.pose.keypoints import PoseSequence

CELL = 256  # px, height of one frame on the sheet
GAP = 4


class Sheet:
    """Collects frames while they are written: `see(index, frame)` for each, then `picture()`."""

    def __init__(self, character: np.ndarray, aligned: PoseSequence, moments: int) -> None:
        last = len(aligned) - 1
        self._character, self._aligned = character, aligned
        self._wanted = [round(last * (k + 0.5) / moments) for k in range(moments)]
        self._columns: list[np.ndarray] = []

    def see(self, index: int, frame: np.ndarray) -> None:
        if index in self._wanted:
            drawn = draw_overlay(np.zeros_like(frame), self._aligned, index)
            self._columns.append(_column(_cell(drawn, CELL), _cell(frame, CELL)))

    def picture(self) -> np.ndarray:
        """H W 3 uint8: the character at the left, then one column a moment with its pose above its frame."""
        first = _cell(self._character, 2 * CELL + GAP)
        return np.hstack([part for column in [first, *self._columns] for part in (column, _bar(len(column)))][:-1])


def _column(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    return np.vstack([upper, np.full((GAP, upper.shape[1], 3), 255, np.uint8), lower])


def _cell(frame: np.ndarray, height: int) -> np.ndarray:
    width = max(1, round(frame.shape[1] * height / frame.shape[0]))
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)


def _bar(height: int) -> np.ndarray:
    return np.full((height, GAP, 3), 255, np.uint8)
