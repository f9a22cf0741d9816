"""Region: a rotated square of a picture, which is what every network of the estimator looks at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.core.shapes import Size


@dataclass(frozen=True)
class Region:
    """A square around (x, y), in picture pixels, whose upward direction is turned clockwise on the screen by `angle` radians."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    @property
    def axes(self) -> np.ndarray:
        """2 2: the picture vectors of one whole side to the right and downward, as columns."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return self.side * np.array([[c, -s], [s, c]])

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """... 2 in region coordinates (0..1 from the upper left corner) -> ... 2 in picture pixels."""
        return (points - 0.5) @ self.axes.T + (self.x, self.y)

    def to_region(self, points: np.ndarray) -> np.ndarray:
        """... 2 in picture pixels -> ... 2 in region coordinates."""
        return (points - (self.x, self.y)) @ np.linalg.inv(self.axes).T + 0.5

    def scaled(self, factor: float) -> Region:
        return Region(self.x, self.y, self.side * factor, self.angle)

    def crop(self, picture: np.ndarray, size: int) -> np.ndarray:
        """H W 3 -> size size 3: the region's pixels, black outside the picture."""
        return cv2.warpAffine(picture, self._index_map(size), (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    def paste(self, values: np.ndarray, size: Size, picture_size: Size) -> np.ndarray:
        """n n -> h w: values of the region laid onto a `size` copy of the whole picture, 0 outside the region."""
        to_copy = np.diag([size[0] / picture_size[0], size[1] / picture_size[1]])
        linear = to_copy @ self.axes / len(values)
        centre = to_copy @ self.to_picture(np.array([0.5, 0.5]))
        shift = centre - linear @ np.full(2, (len(values) - 1) / 2) - 0.5
        return cv2.warpAffine(values, np.column_stack([linear, shift]), size, flags=cv2.INTER_LINEAR)

    def _index_map(self, size: int) -> np.ndarray:
        """2 3: index of a pixel of the crop -> index of the picture's pixel (indices count from pixel centres)."""
        linear = self.axes / size
        return np.column_stack([linear, np.array([self.x, self.y]) - linear @ np.full(2, (size - 1) / 2) - 0.5])


def upright(start: np.ndarray, end: np.ndarray, centre: np.ndarray, side: float) -> Region:
    """The square around `centre` that is turned so that the direction start -> end points up."""
    dx, dy = end - start
    return Region(float(centre[0]), float(centre[1]), float(side), float(np.arctan2(dx, -dy)))


def blend(old: Region, new: Region, share: float) -> Region:
    """(1 - share) old + share new, turning the short way round."""
    turn = (new.angle - old.angle + np.pi) % (2 * np.pi) - np.pi
    return Region(
        old.x + share * (new.x - old.x),
        old.y + share * (new.y - old.y),
        old.side + share * (new.side - old.side),
        old.angle + share * turn,
    )
