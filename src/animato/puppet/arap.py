"""As-rigid-as-possible polish: a skinned mesh relaxes until every patch has its shape again, up to the stretch of its bones.

The recipe is docs/puppet.md, 6: local/global iteration with uniform edge weights on
    E(p, R) = sum over edges |p_j - p_i - R_i e_ij|^2 + sum over handles w |C p - h|^2 + pull |p - skinned|^2,
where e_ij is the edge at rest, stretched as its bones are. The matrix of the global step never changes, so its inverse is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.puppet.affine import apply
from animato.puppet.mesh import Mesh

ITERATIONS = 3


@dataclass(frozen=True, eq=False)
class Handles:
    """Points of the picture that a bone carries along.

    points  n  complex128     bone  n  int     weight  n  float64
    """

    points: np.ndarray
    bone: np.ndarray
    weight: np.ndarray

    def inside(self, mesh: Mesh) -> tuple[Handles, np.ndarray]:
        """Those that lie on the mesh, and n V: the barycentric coordinates of each."""
        rows = [_barycentric(point, mesh) for point in self.points]
        kept = [k for k, row in enumerate(rows) if row is not None]
        matrix = np.array([row for row in rows if row is not None]).reshape(len(kept), len(mesh.points))
        return Handles(self.points[kept], self.bone[kept], self.weight[kept]), matrix


class Polish:
    """The solver of one mesh. `pull` holds it to the skinning, also pieces without a handle, and keeps the matrix far from singular."""

    def __init__(self, mesh: Mesh, handles: Handles, pull: float = 0.02) -> None:
        self.handles, where = handles.inside(mesh)
        self._mesh, self._pull = mesh, pull
        self._edges = (mesh.points[mesh.neighbours] - mesh.points[:, None]).astype(np.complex64)  # V N
        weighted = where.T * self.handles.weight
        matrix = _laplacian(mesh) + weighted @ where + pull * np.eye(len(mesh.points))
        inverse = np.linalg.inv(matrix)
        self._inverse = inverse.astype(np.float32)
        self._from_handles = (inverse @ weighted).astype(np.float32)

    def __call__(self, start: np.ndarray, blended: np.ndarray, maps: np.ndarray, back: bool = False) -> np.ndarray:
        """V complex: the polished vertices, from the skinned ones, their blended maps (V 3) and the B 3 bone maps, mirroring if `back`."""
        targets = apply(maps[self.handles.bone], self.handles.points)
        fixed = _times(self._from_handles, targets) + _times(self._inverse, self._pull * start)
        edges = self._stretched(blended, back)
        p, near = start.astype(np.complex64), self._mesh.neighbours
        for _ in range(ITERATIONS):
            turn = (np.conj(edges) * (p[near] - p[:, None])).sum(axis=1)
            turn /= np.maximum(np.abs(turn), 1e-12)
            p = _times(self._inverse, -((turn[:, None] + turn[near]) * edges).sum(axis=1) / 2) + fixed
        return p

    def _stretched(self, blended: np.ndarray, back: bool) -> np.ndarray:
        """V N: the edges at rest, stretched by the mean of both ends.

        The map alpha z + beta conj(z) is the turn alpha / |alpha| after the stretch |alpha| z + conj(turn) beta conj(z). Seen from the
        back everything is mirrored first, which makes it beta z + alpha conj(z).
        """
        alpha, beta = (blended[:, 1], blended[:, 0]) if back else (blended[:, 0], blended[:, 1])
        edges, near = np.conj(self._edges) if back else self._edges, self._mesh.neighbours
        size = np.abs(alpha).astype(np.float32)
        shear = (beta * np.conj(alpha) / np.maximum(size, 1e-9)).astype(np.complex64)
        return (size[:, None] + size[near]) / 2 * edges + (shear[:, None] + shear[near]) / 2 * np.conj(edges)


def polish_plainly(
    mesh: Mesh, handles: Handles, start: np.ndarray, blended: np.ndarray, maps: np.ndarray, back: bool = False, pull: float = 0.02
) -> np.ndarray:
    """What Polish computes, vertex by vertex with real matrices, singular values and a fresh solve: its oracle."""
    handles, where = handles.inside(mesh)
    weighted = where.T * handles.weight
    matrix = _laplacian(mesh) + weighted @ where + pull * np.eye(len(mesh.points))
    targets = _pairs(apply(maps[handles.bone], handles.points))
    rest, p = _pairs(mesh.points), _pairs(start)
    mirror = np.diag([1.0, -1.0]) if back else np.eye(2)
    stretch = [_stretch_of(_linear(*m) @ mirror) @ mirror for m in blended[:, :2]]
    near = [sorted(set(row) - {i}) for i, row in enumerate(mesh.neighbours.tolist())]
    edge = {(i, j): (stretch[i] + stretch[j]) / 2 @ (rest[j] - rest[i]) for i, row in enumerate(near) for j in row}
    for _ in range(ITERATIONS):
        turn = [_rotation(np.sum([np.outer(p[j] - p[i], edge[i, j]) for j in row], axis=0)) for i, row in enumerate(near)]
        right = np.array([np.sum([(turn[i] + turn[j]) @ -edge[i, j] / 2 for j in row], axis=0) for i, row in enumerate(near)])
        p = np.linalg.solve(matrix, right + weighted @ targets + pull * _pairs(start))
    return p[:, 0] + 1j * p[:, 1]


def _linear(alpha: complex, beta: complex) -> np.ndarray:
    return np.array([[(alpha + beta).real, -(alpha - beta).imag], [(alpha + beta).imag, (alpha - beta).real]])


def _stretch_of(linear: np.ndarray) -> np.ndarray:
    return _rotation(linear).T @ linear


def _rotation(matrix: np.ndarray) -> np.ndarray:
    """The rotation nearest to a 2 x 2 matrix."""
    u, _, v = np.linalg.svd(matrix)
    return u @ np.diag([1, np.linalg.det(u @ v)]) @ v


def _laplacian(mesh: Mesh) -> np.ndarray:
    count = len(mesh.points)
    matrix = np.zeros((count, count))
    matrix[np.arange(count)[:, None], mesh.neighbours] = -1
    np.fill_diagonal(matrix, 0)
    return matrix - np.diag(matrix.sum(axis=1))


def _barycentric(point: complex, mesh: Mesh) -> np.ndarray | None:
    a, b, c = mesh.points[mesh.triangles.T]
    area = ((b - a).conj() * (c - a)).imag
    share = (
        np.stack(
            [((b - point).conj() * (c - point)).imag, ((c - point).conj() * (a - point)).imag, ((a - point).conj() * (b - point)).imag]
        )
        / area
    )
    hit = int(np.argmax(share.min(axis=0)))
    if share[:, hit].min() < -1e-9:
        return None
    row = np.zeros(len(mesh.points))
    row[mesh.triangles[hit]] = share[:, hit]
    return row


def _times(matrix: np.ndarray, z: np.ndarray) -> np.ndarray:
    """A real matrix times a complex vector, in single precision."""
    pairs = np.ascontiguousarray(z, np.complex64).view(np.float32).reshape(-1, 2)
    return (matrix @ pairs).view(np.complex64)[:, 0]


def _pairs(z: np.ndarray) -> np.ndarray:
    return np.stack([z.real, z.imag], axis=-1).astype(float)
