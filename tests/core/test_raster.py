"""The batched rasterizer against the plain one, and against what can be said without either."""

import numpy as np
import pytest

from animato.core.raster import interpolate, rasterize, rasterize_reference


def _triangles(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-4, 36, (count, 1, 2))
    points = (middle + rng.normal(0, 7, (count, 3, 2))).reshape(-1, 2)
    return points, rng.uniform(0.2, 1.0, 3 * count), np.arange(3 * count).reshape(-1, 3)


@pytest.mark.parametrize("seed", range(8))
def test_batched_and_plain_agree(seed: int) -> None:
    points, near, faces = _triangles(seed)
    fast, plain = rasterize(points, near, faces, (32, 27)), rasterize_reference(points, near, faces, (32, 27))
    np.testing.assert_array_equal(fast.face, plain.face)
    np.testing.assert_allclose(fast.depth, plain.depth, atol=1e-9)
    assert (fast.face >= 0).mean() > 0.3


def test_the_nearest_triangle_wins_whatever_the_order() -> None:
    corner = np.array([[0, 0], [20, 0], [0, 20.0]])
    points, near = np.concatenate([corner, corner]), np.array([0.3, 0.3, 0.3, 0.8, 0.8, 0.8])
    for faces, winner in (([[0, 1, 2], [3, 4, 5]], 1), ([[3, 4, 5], [0, 1, 2]], 0)):
        assert set(np.unique(rasterize(points, near, np.array(faces), (8, 8)).face)) == {winner}


def test_a_jittered_grid_has_no_cracks_and_no_overlap() -> None:
    """Neighbouring triangles share their edges: every pixel inside belongs to exactly one of them."""
    side, rng = 9, np.random.default_rng(5)
    y, x = np.mgrid[:side, :side].astype(float)
    points = np.stack([x, y], axis=-1) * 4
    points[1:-1, 1:-1] += rng.uniform(-1.2, 1.2, (side - 2, side - 2, 2))
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    flat = points.reshape(-1, 2)
    count = sum((rasterize(flat, np.ones(len(flat)), face[None], (32, 32)).face >= 0).astype(int) for face in faces)
    np.testing.assert_array_equal(count, 1)


def test_triangles_outside_or_without_area_leave_nothing() -> None:
    points = np.array([[-50, -50], [-10, -50], [-30, -5], [3, 3], [9, 9], [6, 6], [4, 4.0], [4, 4], [4, 4]])
    raster = rasterize(points, np.ones(9), np.arange(9).reshape(3, 3), (16, 16))
    assert (raster.face == -1).all() and (raster.depth == 0).all()


def test_a_linear_function_is_interpolated_exactly() -> None:
    points, near, faces = _triangles(3)
    raster = rasterize(points, near, faces, (32, 27))
    pixel, values = interpolate(raster, points, faces, np.stack([2 * points[:, 0] - points[:, 1], 7 + 0 * near], axis=1).astype(np.float32))
    x, y = pixel % 32 + 0.5, pixel // 32 + 0.5
    np.testing.assert_array_equal(pixel, np.flatnonzero(raster.face >= 0))
    np.testing.assert_allclose(values[:, 0], 2 * x - y, atol=1e-3)
    np.testing.assert_allclose(values[:, 1], 7, atol=1e-4)
