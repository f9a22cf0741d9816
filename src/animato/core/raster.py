"""A z-buffer for small triangles: all triangles are cut into pixel rows and the rows into pixels at once, in numpy.

A pixel belongs to a triangle if its centre lies inside (left and top edge included). `rasterize_reference` is the
same triangle by triangle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.shapes import Size


@dataclass(frozen=True, eq=False)
class Raster:
    """What is visible in every pixel. face H W int32 (-1 nothing); depth H W float64, nearness 1/z (0 where nothing)."""

    face: np.ndarray
    depth: np.ndarray


def rasterize(points: np.ndarray, near: np.ndarray, faces: np.ndarray, size: Size) -> Raster:
    """Nearest triangle of every pixel.

    points  V 2  pixels, 0 at the outer edge of the first pixel
    near    V    larger = nearer; linear over the picture, such as 1/distance
    faces   T 3
    """
    width, height = size
    corners = points[faces]  # T 3 2
    plane = planes(corners, near[faces])
    face, row, left, right = _spans(corners, width, height)
    count = right - left
    pixel_face = np.repeat(face, count)
    first = np.cumsum(count) - count
    column = np.arange(len(pixel_face)) + np.repeat(left - first, count)
    depth = np.repeat(plane[face, 1] * (row + 0.5) + plane[face, 2], count) + np.repeat(plane[face, 0], count) * (column + 0.5)
    pixel = column + np.repeat(row * width, count)
    return _nearest(pixel, depth, pixel_face, size)


def quads(rows: int, columns: int) -> np.ndarray:
    """R C 4: the corners of the cells of a grid of vertices, rows + 1 of columns + 1 each, row after row."""
    first = np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)
    return np.stack([first, first + columns + 1, first + columns + 2, first + 1], axis=-1)


def planes(corners: np.ndarray, values: np.ndarray) -> np.ndarray:
    """T 3: a, b, c with value = a x + b y + c over each triangle (corners T 3 2, values T 3)."""
    p, q = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]
    area = np.where(np.abs(area) < 1e-12, np.inf, area)
    dp, dq = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    a = (dp * q[:, 1] - dq * p[:, 1]) / area
    b = (dq * p[:, 0] - dp * q[:, 0]) / area
    return np.stack([a, b, values[:, 0] - a * corners[:, 0, 0] - b * corners[:, 0, 1]], axis=1)


def _spans(corners: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Face, row, first and last + 1 column of every stretch of pixels that a triangle covers in a row."""
    x, y = corners[..., 0], corners[..., 1]
    order = np.argsort(y, axis=1)
    x, y = np.take_along_axis(x, order, 1), np.take_along_axis(y, order, 1)
    top = np.clip(np.ceil(y[:, 0] - 0.5), 0, height).astype(np.int64)
    bottom = np.clip(np.ceil(y[:, 2] - 0.5), 0, height).astype(np.int64)
    count = np.maximum(bottom - top, 0)
    face = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(face)) + np.repeat(top - (np.cumsum(count) - count), count)
    middle = row + 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (x[:, [2, 1, 2]] - x[:, [0, 0, 1]]) / (y[:, [2, 1, 2]] - y[:, [0, 0, 1]])  # T 3: long, upper, lower edge
    lower = middle >= y[face, 1]
    long_x = x[face, 0] + slope[face, 0] * (middle - y[face, 0])
    start, edge = np.where(lower, 1, 0), np.where(lower, 2, 1)
    short_x = x[face, start] + slope[face, edge] * (middle - y[face, start])
    left = np.clip(np.ceil(np.minimum(long_x, short_x) - 0.5), 0, width).astype(np.int64)
    right = np.clip(np.ceil(np.maximum(long_x, short_x) - 0.5), 0, width).astype(np.int64)
    filled = right > left
    return face[filled], row[filled], left[filled], right[filled]


def _nearest(pixel: np.ndarray, depth: np.ndarray, face: np.ndarray, size: Size) -> Raster:
    width, height = size
    buffer = np.zeros(width * height)
    np.maximum.at(buffer, pixel, depth)
    won = depth == buffer[pixel]
    visible = np.full(width * height, -1, np.int32)
    visible[pixel[won]] = face[won]
    return Raster(visible.reshape(height, width), buffer.reshape(height, width))


def rasterize_reference(points: np.ndarray, near: np.ndarray, faces: np.ndarray, size: Size) -> Raster:
    """The same one triangle after the other, by the signs of the three edges at every pixel centre."""
    width, height = size
    y, x = np.mgrid[:height, :width] + 0.5
    visible = np.full((height, width), -1, np.int32)
    buffer = np.zeros((height, width))
    for index, face in enumerate(faces):
        a, b, c = points[face]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if abs(area) < 1e-12:
            continue
        wb = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / area
        wc = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / area
        depth = (1 - wb - wc) * near[face[0]] + wb * near[face[1]] + wc * near[face[2]]
        nearer = (wb >= 0) & (wc >= 0) & (wb + wc <= 1) & (depth > buffer)
        visible[nearer], buffer[nearer] = index, depth[nearer]
    return Raster(visible, buffer)


def interpolate(raster: Raster, points: np.ndarray, faces: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values of the vertices (V C) in the pixels seen: flat pixel indices (N) and values (N C), linear over the picture, not in space."""
    pixel = np.flatnonzero(raster.face >= 0)
    face = raster.face.ravel()[pixel]
    corners = points[faces]
    b = planes(corners, np.broadcast_to([0.0, 1.0, 0.0], (len(faces), 3)))[face]
    c = planes(corners, np.broadcast_to([0.0, 0.0, 1.0], (len(faces), 3)))[face]
    x, y = pixel % raster.face.shape[1] + 0.5, pixel // raster.face.shape[1] + 0.5
    wb = (b[:, 0] * x + b[:, 1] * y + b[:, 2]).astype(np.float32)[:, None]
    wc = (c[:, 0] * x + c[:, 1] * y + c[:, 2]).astype(np.float32)[:, None]
    corner = faces[face]
    first = values[corner[:, 0]]
    return pixel, first + wb * (values[corner[:, 1]] - first) + wc * (values[corner[:, 2]] - first)
