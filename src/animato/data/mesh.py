"""Skinned triangle meshes made of tubes: everything a procedural person is built from.

Parts are numbered as in DensePose (0 background), and (u, v) run from 0 to 1 within each part:
1 torso back, 2 torso front, 3 right hand, 4 left hand, 5 left foot, 6 right foot, 7 / 8 right / left thigh back, 9 / 10 the same front, 11 / 12 right / left
shin back, 13 / 14 front, 15 / 16 left / right upper arm front, 17 / 18 back, 19 / 20 left / right forearm front, 21 / 22 back, 23 / 24 head right / left.
u goes round the part from the person's right to left in front and on round the back (mirrored for right limbs), v from the body outwards (torso, head: upwards).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from animato.data.skeleton import JOINTS, J

PARTS = 24


@dataclass(frozen=True, eq=False)
class Mesh:
    """Vertices in the pose the body was built in.

    vertices  V 3    metres, person's frame
    normals   V 3    unit, outwards
    weights   V J    share of each joint in moving the vertex, rows sum to 1
    surface   V 4    texture x, y (0..1 of the atlas), u (0..2 round the tube), v (0..2 along it)
    faces     T 3    anti-clockwise seen from outside
    part      T      1..24
    shift     T 3    per face: u scale, u offset, v offset of the part's own (u, v)
    open      T      bool, seen from both sides
    """

    vertices: np.ndarray
    normals: np.ndarray
    weights: np.ndarray
    surface: np.ndarray
    faces: np.ndarray
    part: np.ndarray
    shift: np.ndarray
    open: np.ndarray


@dataclass(frozen=True)
class Ring:
    """One cross-section of a tube: half width along `x`, half depths to the front and to the back along `z`; `weights` by joint, `v` along the tube."""

    centre: np.ndarray
    x: np.ndarray
    z: np.ndarray
    width: float
    front: float
    back: float
    weights: dict[str, float]
    v: float


@dataclass(frozen=True)
class Region:
    """A rectangle of the texture atlas, in parts of it."""

    left: float
    top: float
    width: float
    height: float

    def at(self, s: np.ndarray, t: np.ndarray) -> np.ndarray:
        """... 2: atlas coordinates of s, t in 0..1, kept half a pixel of a 1024 atlas inside."""
        edge = 0.75 / 1024
        x = self.left + edge + s * (self.width - 2 * edge)
        return np.stack([x, self.top + edge + t * (self.height - 2 * edge)], axis=-1)


@dataclass(frozen=True)
class Halves:
    """Part numbers of the front and the back half of a tube, of its first stretch (v < 1) and of the rest."""

    front: int
    back: int
    front_end: int = 0
    back_end: int = 0


def grid(rings: Sequence[Ring], segments: int) -> np.ndarray:
    """R S+1 3: the points of a tube, from the side away from x through the front (z) to x and through the back; the last column repeats the first."""
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    cos, sin = np.cos(angle), np.sin(angle)
    points = []
    for ring in rings:
        depth = np.where(sin >= 0, ring.front, ring.back) * sin
        points.append(ring.centre - np.outer(ring.width * cos, ring.x) + np.outer(depth, ring.z))
    return np.array(points)


def ring_weights(rings: Sequence[Ring]) -> np.ndarray:
    """R J."""
    weights = np.zeros((len(rings), len(JOINTS)))
    for row, ring in zip(weights, rings, strict=True):
        for joint, share in ring.weights.items():
            row[J[joint]] = share
    return weights / weights.sum(axis=1, keepdims=True)


def tube(rings: Sequence[Ring], segments: int, region: Region, halves: Halves) -> Mesh:
    """A closed tube; rings of no width close its ends."""
    return sheet(grid(rings, segments), ring_weights(rings)[:, None], np.array([ring.v for ring in rings]), region, halves)


def sheet(points: np.ndarray, weights: np.ndarray, v: np.ndarray, region: Region, halves: Halves, keep: np.ndarray | None = None) -> Mesh:
    """A tube from its points (R S+1 3), weights (R 1|S+1 J) and v (R); with `keep` (R-1 S bool) only these cells of it, seen from both sides."""
    rows, columns = points.shape[0] - 1, points.shape[1] - 1
    u = np.linspace(0, 2, columns + 1)
    span = max(float(v.max() - v.min()), 1e-9)
    texture = region.at(np.tile(u / 2, (rows + 1, 1)), np.tile(((v - v.min()) / span)[:, None], (1, columns + 1)))
    surface = np.concatenate(
        [texture, np.broadcast_to(u[None, :, None], (*points.shape[:2], 1)), np.broadcast_to(v[:, None, None], (*points.shape[:2], 1))], -1
    )
    quads = _quads(rows, columns)  # R-1 S 4
    part, shift = _cell_parts(halves, (v[:-1] + v[1:]) / 2, columns)
    cells = np.ones((rows, columns), bool) if keep is None else keep
    quads = quads if _outwards(points) > 0 else quads[..., ::-1]
    faces = quads[cells][:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    flat = points.reshape(-1, 3)
    return Mesh(
        vertices=flat,
        normals=vertex_normals(points),
        weights=np.broadcast_to(weights, (*points.shape[:2], len(JOINTS))).reshape(len(flat), -1),
        surface=surface.reshape(len(flat), 4),
        faces=faces,
        part=np.repeat(part[cells], 2),
        shift=np.repeat(shift[cells], 2, axis=0),
        open=np.full(len(faces), keep is not None),
    )


def _quads(rows: int, columns: int) -> np.ndarray:
    first = np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)
    return np.stack([first, first + columns + 1, first + columns + 2, first + 1], axis=-1)


def _cell_normals(points: np.ndarray) -> np.ndarray:
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    return np.cross(c - a, d - b)


def _outwards(points: np.ndarray) -> float:
    """1 if the cells' normals point away from the tube's middle line, -1 if towards it."""
    middles = (points[:-1, :-1] + points[1:, :-1] + points[1:, 1:] + points[:-1, 1:]) / 4
    outwards = np.einsum("rsi,rsi->", _cell_normals(points), middles - points[:, :-1].mean(1)[:-1, None])
    return 1.0 if outwards >= 0 else -1.0


def vertex_normals(points: np.ndarray) -> np.ndarray:
    """V 3, outwards, of a tube's points (R S+1 3): mean of the cells round a vertex, over the seam and over rings that are one point."""
    cells = _outwards(points) * _cell_normals(points)
    total = np.zeros_like(points)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            total[rows, columns] += cells
    total[:, 0] = total[:, -1] = total[:, 0] + total[:, -1]
    point = np.ptp(points, axis=1).max(axis=1) < 1e-6
    total[point] = total[point].mean(axis=1, keepdims=True)
    total = total.reshape(-1, 3)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def _cell_parts(halves: Halves, v: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Part (R S) and shift (R S 3) of every cell. Whole parts (front = back) take u over the full round; the head is split into right and left."""
    u = (np.arange(columns) + 0.5) * 2 / columns
    end = (v >= 1) & (halves.front_end > 0)
    front = np.where(end, halves.front_end, halves.front)[:, None]
    back = np.where(end, halves.back_end, halves.back)[:, None]
    if (halves.front, halves.back) == HEAD:
        part = np.where((u > 0.5) & (u < 1.5), 24, 23)[None].repeat(len(v), 0)
        scale, offset = np.ones(columns), np.where(u < 0.5, 0.5, np.where(u < 1.5, -0.5, -1.5))
    else:
        part = np.where(u < 1, front, back)
        whole = halves.front == halves.back
        scale = np.full(columns, 0.5 if whole else 1.0)
        offset = np.zeros(columns) if whole else np.where(u < 1, 0.0, -1.0)
    shift = np.stack(np.broadcast_arrays(scale[None], offset[None], -1.0 * end[:, None]), axis=-1)
    return part.astype(np.uint8), shift


HEAD = (24, 23)  # what Halves says of tubes that belong to the head


def join(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of all."""
    start = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    columns = {item.name: np.concatenate([getattr(mesh, item.name) for mesh in meshes]) for item in fields(Mesh) if item.name != "faces"}
    return Mesh(faces=np.concatenate([mesh.faces + first for mesh, first in zip(meshes, start, strict=True)]), **columns)
