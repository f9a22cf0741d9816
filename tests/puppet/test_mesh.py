"""The grid mesh: it covers what is visible, all triangles turn the same way, neighbours share an edge."""

import cv2
import numpy as np

from animato.puppet.mesh import VISIBLE, coverage, grid_mesh, signed_areas


def blob() -> np.ndarray:
    alpha = np.zeros((70, 90), np.uint8)
    cv2.ellipse(alpha, (40, 30), (30, 18), 20, 0, 360, 255, -1)
    cv2.circle(alpha, (88, 68), 3, 255, -1)
    return cv2.GaussianBlur(alpha, (0, 0), 1.5)


def covered(mesh, shape) -> np.ndarray:
    image = np.zeros(shape, np.uint8)
    corners = np.stack([mesh.points.real, mesh.points.imag], axis=1)[mesh.triangles]
    for triangle in np.rint(corners).astype(np.int32):
        cv2.fillConvexPoly(image, triangle, 1)
    return image > 0


def test_every_visible_pixel_is_covered_and_little_else():
    alpha = blob()
    inside = covered(grid_mesh(alpha, 8), alpha.shape)
    assert inside[alpha >= VISIBLE].all()
    near = cv2.dilate((alpha >= VISIBLE).astype(np.uint8), np.ones((23, 23), np.uint8)) > 0
    assert not inside[~near].any()


def test_triangles_have_the_same_sense_and_half_a_cell_each():
    mesh = grid_mesh(blob(), 8)
    assert np.allclose(signed_areas(mesh.points, mesh.triangles), 32)


def test_mirroring_turns_triangles_over():
    mesh = grid_mesh(blob(), 8)
    assert (signed_areas(-mesh.points.conj(), mesh.triangles) < 0).all()


def test_neighbours_are_the_ends_of_the_edges():
    mesh = grid_mesh(blob(), 8)
    edges = {(int(t[i]), int(t[j])) for t in mesh.triangles for i in range(3) for j in range(3) if i != j}
    listed = {(i, int(j)) for i, row in enumerate(mesh.neighbours) for j in row if i != j}
    assert listed == edges


def test_corner_moves_the_mesh():
    assert np.allclose(grid_mesh(blob(), 8, 3 - 5j).points, grid_mesh(blob(), 8).points + 3 - 5j)


def test_coverage_is_the_share_of_a_triangle_that_shows():
    alpha = np.zeros((32, 32), np.uint8)
    alpha[:, :16] = 255
    mesh = grid_mesh(alpha, 8, 2j)
    share = coverage(mesh, alpha, 2j)
    middle = mesh.points[mesh.triangles].mean(axis=1).real
    assert (share[middle < 8] == 1).all() and (share[middle > 16] == 0).all()


def test_nothing_visible_gives_an_empty_mesh():
    assert len(grid_mesh(np.zeros((20, 20), np.uint8), 8).triangles) == 0
