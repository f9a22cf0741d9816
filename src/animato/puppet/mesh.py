"""The triangle mesh over one layer: a regular grid on every cell that shows something."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

VISIBLE = 5  # of 255: the alpha from which a pixel is covered by the mesh
_MARGIN = 2  # pixels; keeps the visible part off the rim, where bilinear sampling meets nothing


@dataclass(frozen=True, eq=False)
class Mesh:
    """A mesh at rest, in picture coordinates.

    points      V    complex128  x + iy
    triangles   T 3  int32       vertex numbers, all with the same sense of rotation
    neighbours  V N  int32       vertices that share an edge; a vertex with fewer than N is filled up with itself
    """

    points: np.ndarray
    triangles: np.ndarray
    neighbours: np.ndarray


def grid_mesh(alpha: np.ndarray, step: int, corner: complex = 0) -> Mesh:
    """The mesh over the visible part of an alpha channel (H W uint8, first pixel at `corner`), with cells of `step` pixels cut in two."""
    cells = _used_cells(alpha, step)  # h w
    corners = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1), bool)
    for dy in (0, 1):
        for dx in (0, 1):
            corners[dy : dy + cells.shape[0], dx : dx + cells.shape[1]] |= cells
    number = np.cumsum(corners).reshape(corners.shape) - 1
    y, x = np.nonzero(corners)
    points = step * (x + 1j * y) + corner
    y, x = np.nonzero(cells)
    a, b, c, d = number[y, x], number[y, x + 1], number[y + 1, x + 1], number[y + 1, x]
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    return Mesh(points, triangles, _neighbours(triangles, len(points)))


def signed_areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """T areas in square pixels; negative where a triangle is turned over (y runs down)."""
    a, b, c = points[triangles.T]
    return ((b - a).conj() * (c - a)).imag / 2


def coverage(mesh: Mesh, alpha: np.ndarray, corner: complex = 0) -> np.ndarray:
    """T: the mean of an alpha channel (H W uint8, first pixel at `corner`) over the triangles at rest, 0..1, from 15 places in each."""
    shares = np.array([[i, j, 4 - i - j] for i in range(5) for j in range(5 - i)]) / 4
    places = (mesh.points - corner)[mesh.triangles] @ shares.T  # T 15
    x = np.clip(places.real.astype(int), 0, alpha.shape[1] - 1)
    y = np.clip(places.imag.astype(int), 0, alpha.shape[0] - 1)
    return alpha[y, x].mean(axis=1) / 255


def _used_cells(alpha: np.ndarray, step: int) -> np.ndarray:
    seen = cv2.dilate((alpha >= VISIBLE).astype(np.uint8), np.ones((2 * _MARGIN + 1, 2 * _MARGIN + 1), np.uint8))
    height, width = seen.shape
    padded = np.zeros((-(-height // step) * step, -(-width // step) * step), np.uint8)
    padded[:height, :width] = seen
    return padded.reshape(padded.shape[0] // step, step, -1, step).max(axis=(1, 3)) > 0


def _neighbours(triangles: np.ndarray, count: int) -> np.ndarray:
    pairs = np.concatenate([triangles[:, [i, j]] for i, j in ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2))])
    pairs = np.unique(pairs, axis=0)
    degree = np.bincount(pairs[:, 0], minlength=count)
    place = np.arange(len(pairs)) - np.repeat(np.cumsum(degree) - degree, degree)
    table = np.repeat(np.arange(count, dtype=np.int32)[:, None], max(degree.max(initial=0), 1), axis=1)
    table[pairs[:, 0], place] = pairs[:, 1]
    return table
