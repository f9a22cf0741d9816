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
        c = np.cos(self.angle)
        s = np.sin(self.angle)
        return self.side * np.array([[c, -s], [s, c]])

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """... 2 in region coordinates (0..1 from the upper left corner) -> ... 2 in picture pixels."""
        return (points - 0.5) @ self.axes.T + (self.x, self.y)

    def to_region(self, points: np.ndarray) -> np.ndarray:
        """... 2 in picture pixels -> ... 2 in region coordinates."""
        return (points - (self.x, self.y)) @ np.linalg.inv(self.axes).T + 0.5

    def raised(self, sides: float) -> Region:
        """Moved by a part of its side in its own upward direction."""
        up = -self.axes[:, 1]
        return Region(self.x + sides * float(up[0]), self.y + sides * float(up[1]), self.side, self.angle)

    def crop(self, picture: np.ndarray, size: int) -> np.ndarray:
        """H W 3 -> size size 3: the region's pixels, black outside the picture."""
        return cv2.warpAffine(picture, self._index_map(size), (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    def crop_averaged(self, picture: np.ndarray, size: int) -> np.ndarray:
        """As `crop`, but every pixel averages about the area that it stands for, so that small motions do not flicker."""
        step = int(self.side / size)
        height, width = picture.shape[0] // max(step, 1), picture.shape[1] // max(step, 1)
        if step < 2 or not height or not width:
            return self.crop(picture, size)
        # Whole blocks only: OpenCV averages those several times faster than fractions of pixels.
        small = cv2.resize(picture[: height * step, : width * step], (width, height), interpolation=cv2.INTER_AREA)
        return Region(self.x / step, self.y / step, self.side / step, self.angle).crop(small, size)

    def paste(self, values: np.ndarray, size: Size, picture_size: Size) -> np.ndarray:
        """n n -> h w: values of the region laid onto a `size` copy of the whole picture, 0 outside the region."""
        to_copy = np.diag([size[0] / picture_size[0], size[1] / picture_size[1]])
        linear = to_copy @ self.axes / len(values)
        centre = to_copy @ np.array([self.x, self.y])
        return cv2.warpAffine(values, _index_affine(linear, centre, len(values)), size, flags=cv2.INTER_LINEAR)

    def _index_map(self, size: int) -> np.ndarray:
        """2 3: index of a pixel of the crop -> index of the picture's pixel."""
        return _index_affine(self.axes / size, np.array([self.x, self.y]), size)


def _index_affine(linear: np.ndarray, centre: np.ndarray, size: int) -> np.ndarray:
    """2 3: maps pixel indices of a `size` square so that its middle falls on `centre`.

    Indices count from pixel centres, coordinates from edges: hence the halves.
    """
    return np.column_stack([linear, centre - linear @ np.full(2, (size - 1) / 2) - 0.5])


def upward(start: np.ndarray, end: np.ndarray) -> float:
    """The angle of a region in which the direction start -> end points up."""
    dx, dy = end - start
    return float(np.arctan2(dx, -dy))


def around(points: np.ndarray, angle: float, margin: float) -> Region:
    """The square of this angle around points (n 2), `margin` times as large as their bounding box."""
    turned = Region(0.0, 0.0, 1.0, angle)
    inside = turned.to_region(points)
    low = inside.min(axis=0)
    high = inside.max(axis=0)
    x, y = turned.to_picture((low + high) / 2)
    return Region(float(x), float(y), margin * float((high - low).max()), angle)


def gap(one: Region, other: Region) -> float:
    """Distance between the middles of two regions, in sides of the smaller one."""
    return float(np.hypot(one.x - other.x, one.y - other.y)) / max(min(one.side, other.side), 1e-6)


def blend(old: Region, new: Region, weight: float) -> Region:
    """(1 - weight) old + weight new, turning the short way round."""
    turn = (new.angle - old.angle + np.pi) % (2 * np.pi) - np.pi
    return Region(
        old.x + weight * (new.x - old.x),
        old.y + weight * (new.y - old.y),
        old.side + weight * (new.side - old.side),
        old.angle + weight * turn,
    )
