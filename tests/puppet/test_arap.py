"""As-rigid-as-possible polish against its plain reference, and what it is for."""

import cv2
import numpy as np
import pytest

from animato.puppet.affine import apply
from animato.puppet.arap import Handles, Polish, polish_plainly
from animato.puppet.mesh import grid_mesh


def bar(gap: bool = False):
    alpha = np.zeros((24, 96), np.uint8)
    cv2.rectangle(alpha, (4, 4), (91, 19), 255, -1)
    if gap:
        alpha[:, 60:76] = 0
    return grid_mesh(alpha, 6)


def ends() -> Handles:
    points = np.array([8 + 8j, 8 + 16j, 88 + 8j, 88 + 16j])
    return Handles(points, np.array([0, 0, 1, 1]), np.full(4, 2.0))


def blend(mesh, maps):
    right = np.clip(mesh.points.real / 96, 0, 1)
    blended = np.stack([1 - right, right], axis=1) @ maps
    return apply(blended, mesh.points), blended


def random_maps(seed: int, mirrored: bool) -> np.ndarray:
    rng = np.random.default_rng(seed)
    turn = rng.uniform(0.7, 1.3, 2) * np.exp(1j * rng.uniform(-0.8, 0.8, 2))
    shear = 0.2 * rng.normal(size=(2, 2)) @ [1, 1j]
    linear = np.stack([shear, turn] if mirrored else [turn, shear], axis=1)
    return np.concatenate([linear, rng.normal(scale=5, size=(2, 2)) @ [[1], [1j]]], axis=1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_equals_the_plain_reference(seed, mirrored):
    mesh, maps = bar(), random_maps(seed, mirrored)
    start, blended = blend(mesh, maps)
    fast = Polish(mesh, ends())(start, blended, maps, mirrored)
    assert np.abs(fast - polish_plainly(mesh, ends(), start, blended, maps, mirrored)).max() < 0.02


@pytest.mark.parametrize("common", [[1.1 * np.exp(0.7j), 0.2, 4 - 3j], [0, 1, 4 - 3j], [0.1, np.exp(2j), 0]])
def test_a_common_movement_is_kept_exactly(common):
    mesh, maps = bar(), np.array([common, common], complex)
    start, blended = blend(mesh, maps)
    assert np.abs(Polish(mesh, ends())(start, blended, maps, back=abs(common[1]) > 0.5) - start).max() < 0.01


def test_it_evens_out_what_skinning_crumpled():
    mesh = bar()
    maps = np.array([[1, 0, 0], [1, 0, 0]], complex)
    start, blended = blend(mesh, maps)
    crumpled = start + np.random.default_rng(0).normal(scale=2, size=(len(start), 2)) @ [1, 1j]
    better = Polish(mesh, ends())(crumpled, blended, maps)
    assert np.abs(better - start).mean() < 0.35 * np.abs(crumpled - start).mean()


def test_a_piece_without_a_handle_stays_where_skinning_put_it():
    mesh = bar(gap=True)
    only_left = Handles(ends().points[:2], ends().bone[:2], ends().weight[:2])
    maps = np.array([[1, 0, 30], [1, 0, 30]], complex)
    start, blended = blend(mesh, maps)
    assert np.abs(Polish(mesh, only_left)(start, blended, maps) - start).max() < 0.05


def test_handles_outside_the_mesh_are_left_out():
    handles = Handles(np.array([8 + 8j, 500 + 500j]), np.array([0, 1]), np.full(2, 2.0))
    kept, rows = handles.inside(bar())
    assert list(kept.bone) == [0] and np.allclose(rows @ bar().points, [8 + 8j])
