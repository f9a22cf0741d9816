"""Painting against its slow reference, and at the borders."""

import cv2
import numpy as np
import pytest

from animato.puppet.mesh import grid_mesh, signed_areas
from animato.puppet.paint import dimmed, lay, lay_plainly, mixed, texture


def picture() -> np.ndarray:
    """A patterned disc with a soft rim, 40 x 48, straight alpha."""
    y, x = np.mgrid[:48, :40]
    rgba = np.stack([120 + 100 * np.sin(x / 5), 120 + 100 * np.cos(y / 6), 4.0 * x + y, np.zeros_like(x)], axis=2).astype(np.uint8)
    alpha = cv2.circle(np.zeros((48, 40), np.uint8), (20, 24), 14, 255, -1)
    rgba[..., 3] = cv2.GaussianBlur(alpha, (0, 0), 1.2)
    return rgba


def canvas() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (48, 40, 1), np.uint8).repeat(3, 2)


def painted(moved: np.ndarray, mesh) -> tuple[np.ndarray, np.ndarray]:
    fast = canvas()
    lay(fast, texture(picture()), mesh.points, moved, mesh.triangles)
    return fast.astype(float), lay_plainly(canvas(), picture(), mesh.points, moved, mesh.triangles)


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_plain_reference(seed):
    mesh = grid_mesh(picture()[..., 3], 8)
    rng = np.random.default_rng(seed)
    centre = 20 + 24j
    moved = (
        centre
        + (mesh.points - centre) * 0.9 * np.exp(1j * rng.uniform(-1, 1))
        + rng.normal(scale=0.8, size=(len(mesh.points), 2)) @ [1, 1j]
    )
    assert signed_areas(moved, mesh.triangles).min() > 0
    fast, plain = painted(moved, mesh)
    difference = np.abs(fast - plain).max(axis=2)
    assert np.median(difference) <= 1 and np.quantile(difference, 0.98) <= 6 and difference.mean() < 1


def test_at_rest_it_is_the_blend_of_picture_and_canvas():
    mesh = grid_mesh(picture()[..., 3], 8)
    fast, _ = painted(mesh.points, mesh)
    alpha = picture()[..., 3:] / 255
    assert np.abs(fast - (canvas() * (1 - alpha) + picture()[..., :3] * alpha)).max() <= 1.5


def test_whole_pixels_move_exactly():
    mesh = grid_mesh(picture()[..., 3], 8)
    black = np.zeros((48, 40, 3), np.uint8)
    still, moved = black.copy(), black.copy()
    lay(still, texture(picture()), mesh.points, mesh.points, mesh.triangles)
    lay(moved, texture(picture()), mesh.points, mesh.points + 5 - 3j, mesh.triangles)
    assert (moved[:-3, 5:] == still[3:, :-5]).all()


def test_later_triangles_lie_on_top():
    red, mesh = picture(), grid_mesh(picture()[..., 3], 8)
    red[..., 3] = 255
    red[:24, :, :3], red[24:, :, :3] = (255, 0, 0), (0, 0, 255)
    mesh = grid_mesh(red[..., 3], 8)
    folded = mesh.points.real + 1j * np.abs(mesh.points.imag - 24)
    top = mesh.points[mesh.triangles].imag.mean(axis=1) < 24
    for first in (top, ~top):
        out = np.zeros((48, 40, 3), np.uint8)
        lay(out, texture(red), mesh.points, folded, np.concatenate([mesh.triangles[first], mesh.triangles[~first]]))
        assert tuple(out[10, 20]) == ((0, 0, 255) if first is top else (255, 0, 0))


@pytest.mark.parametrize("shift", [-30 - 30j, 25 + 30j, 500, -500j])
def test_figures_may_leave_the_canvas(shift):
    mesh = grid_mesh(picture()[..., 3], 8)
    fast, plain = painted(mesh.points + shift, mesh)
    assert np.abs(fast - plain).max() <= 6


def test_nothing_to_paint_changes_nothing():
    out, mesh = canvas(), grid_mesh(picture()[..., 3], 8)
    lay(out, texture(picture()), mesh.points, mesh.points, mesh.triangles[:0])
    assert (out == canvas()).all()


def test_texture_is_cut_to_what_shows():
    image = texture(picture(), 3 + 1j)
    assert image.colour.shape[0] < 40 and image.corner.real > 3 and image.clear.min() == 0


def test_a_dimmed_texture_lets_through_more():
    mesh, half = grid_mesh(picture()[..., 3], 8), picture()
    half[..., 3] = np.rint(half[..., 3] / 2)
    one, other = canvas(), canvas()
    image = texture(picture())
    lay(one, dimmed(image, np.full(image.clear.shape, 0.5, np.float32)), mesh.points, mesh.points, mesh.triangles)
    lay(other, texture(half), mesh.points, mesh.points, mesh.triangles)
    assert np.abs(one.astype(int) - other).max() <= 2


def test_mixing_goes_from_one_texture_to_the_other():
    image = texture(picture())
    none = dimmed(image, np.zeros(image.clear.shape, np.float32))
    assert mixed(image, none, 0) is image and mixed(image, none, 1) is none
    quarter = mixed(image, none, 0.75)
    assert np.abs(quarter.colour - image.colour / 4).max() <= 1 and np.abs((255.0 - quarter.clear) - (255.0 - image.clear) / 4).max() <= 1
