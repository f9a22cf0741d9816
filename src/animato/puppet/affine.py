"""Affine maps of the picture plane written with complex numbers: a point x + iy goes to alpha z + beta conj(z) + shift.

alpha turns and scales, beta shears and mirrors. A map is the last axis (alpha, beta, shift) of an array.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Angle = TypeVar("Angle", float, np.ndarray)


def apply(maps: np.ndarray, z: np.ndarray) -> np.ndarray:
    """... 3 maps, each to its own point (or all to one, by broadcasting)."""
    return maps[..., 0] * z + maps[..., 1] * np.conj(z) + maps[..., 2]


def along_line(source: tuple[complex, complex], target: tuple[complex, complex], along: float, across: float) -> np.ndarray:
    """The map from one first point to the other that turns one direction into the other and scales along and across it."""
    turn = unit(target[1] - target[0]) * np.conj(unit(source[1] - source[0]))
    axis = unit(source[1] - source[0])
    alpha = turn * (along + across) / 2
    beta = turn * axis * axis * (along - across) / 2
    return np.array([alpha, beta, target[0] - alpha * source[0] - beta * np.conj(source[0])])


def fit_matrix(source: np.ndarray, ridge: float) -> np.ndarray:
    """3 n complex: times n targets it is the least-squares map from the n points of `source`.

    A `ridge` in pixels keeps points that lie almost in one line from shearing wildly.
    """
    columns = np.stack([source, np.conj(source), np.ones_like(source)], axis=1)
    centre = source.mean()
    columns[:, :2] -= np.array([centre, np.conj(centre)])
    normal = columns.conj().T @ columns + np.diag([0, ridge * ridge, 0])
    fit = np.linalg.solve(normal, columns.conj().T)
    fit[2] -= centre * fit[0] + np.conj(centre) * fit[1]
    return fit


def unit(z: complex) -> complex:
    """The direction of z; 1 where it has none."""
    return z / abs(z) if abs(z) > 1e-9 else 1.0 + 0.0j


def wrap(angle: Angle) -> Angle:
    """The same angle between -pi and pi."""
    return (angle + np.pi) % (2 * np.pi) - np.pi
