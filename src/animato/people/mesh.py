"""Skinned triangle meshes made of tubes: everything a procedural person is built from.

Parts are DensePose's 24, numbered and cut as in pose/surface/flesh.py: the neck is head, the inside of an arm (15, 16, 19, 20) faces the
thigh when the arm hangs. Skirts count as thighs, hair as head. (u, v) run from 0 to 1 within each part, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from animato.core.raster import quads
from animato.people.skeleton import JOINTS, J

PARTS = 24


@dataclass(frozen=True, eq=False)
class Mesh:
    """Vertices in the pose the body was built in.

    vertices  V 3    metres, person's frame
    normals   V 3    unit, outwards
    weights   V J    weight of each joint in moving the vertex, rows sum to 1
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
    """A cross-section of a tube: half width along x, depths to the front and the back along z, shares of joints, place v on the tube."""

    centre: np.ndarray
    x: np.ndarray
    z: np.ndarray
    width: float
    front: float
    back: float
    weights: dict[str, float]
    v: float

    @staticmethod
    def level(centre: np.ndarray, sizes: tuple[float, float, float], weights: dict[str, float], v: float) -> Ring:
        """A level cross-section of a person who looks along z; sizes are width, front and back."""
        return Ring(centre, np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), *sizes, weights, v)


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


# Where each piece of surface lies in the atlas.
SKIN = Region(0, 0, 0.625, 0.375)
HAIR = Region(0.625, 0, 0.375, 0.25)
TORSO = Region(0, 0.375, 0.5, 0.375)
ARM = Region(0.5, 0.375, 0.25, 0.375)
LEG = Region(0.75, 0.375, 0.25, 0.375)
SKIRT = Region(0, 0.75, 0.5, 0.25)
HAND = Region(0.5, 0.75, 0.125, 0.125)
SHOE = Region(0.625, 0.75, 0.25, 0.125)


@dataclass(frozen=True)
class Sections:
    """Part numbers of equal sections round a tube, from u = 0 on: of all of it, or of its stretch v < 1 if the rest has other numbers."""

    round: tuple[int, ...]
    end: tuple[int, ...] = ()


HEAD = Sections((23, 24, 24, 23))
TRUNK = Sections((2, 1), (23, 24, 24, 23))  # the neck is head


def arm_sections(left: bool) -> Sections:
    """The inside of an arm is the half round that faces the thigh, turned by an eighth to the front, when the arm hangs."""
    upper, lower = ((15, 17), (19, 21)) if left else ((16, 18), (20, 22))
    halves = [0] * 5 + [1] * 8 + [0] * 3
    return Sections(tuple(upper[half] for half in halves), tuple(lower[half] for half in halves))


def smooth(x: np.ndarray | float) -> np.ndarray:
    """0 below 0, 1 above 1, without a kink between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def grid(rings: Sequence[Ring], segments: int) -> np.ndarray:
    """R S+1 3: points of a tube from the side away from x over the front (z) to x and by the back to the first, repeated."""
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    cos = np.cos(angle)
    sin = np.sin(angle)
    points = []
    for ring in rings:
        depth = np.where(sin >= 0, ring.front, ring.back) * sin
        points.append(ring.centre - np.outer(ring.width * cos, ring.x) + np.outer(depth, ring.z))
    return np.array(points)


def ring_weights(rings: Sequence[Ring]) -> np.ndarray:
    """R J."""
    weights = np.zeros((len(rings), len(JOINTS)))
    for row, ring in zip(weights, rings, strict=True):
        for joint, weight in ring.weights.items():
            row[J[joint]] = weight
    return weights / weights.sum(axis=1, keepdims=True)


def tube(rings: Sequence[Ring], segments: int, region: Region, sections: Sections) -> Mesh:
    """A closed tube; rings of no width close its ends."""
    return sheet(grid(rings, segments), ring_weights(rings)[:, None], np.array([ring.v for ring in rings]), region, sections)


def sheet(
    points: np.ndarray, weights: np.ndarray, v: np.ndarray, region: Region, sections: Sections, keep: np.ndarray | None = None
) -> Mesh:
    """A tube of points (R S+1 3) with weights (R 1|S+1 J) at heights v (R).

    With `keep` (R-1 S bool) it is only these of its cells, and they are seen from both sides.
    """
    rows, columns = points.shape[0] - 1, points.shape[1] - 1
    u = np.linspace(0, 2, columns + 1)
    span = max(float(v.max() - v.min()), 1e-9)
    texture = region.at(np.tile(u / 2, (rows + 1, 1)), np.tile(((v - v.min()) / span)[:, None], (1, columns + 1)))
    surface = np.concatenate(
        [texture, np.broadcast_to(u[None, :, None], (*points.shape[:2], 1)), np.broadcast_to(v[:, None, None], (*points.shape[:2], 1))], -1
    )
    corners = quads(rows, columns)
    part, shift = _cell_parts(sections, (v[:-1] + v[1:]) / 2, columns)
    cells = np.ones((rows, columns), bool) if keep is None else keep
    corners = corners if _outwards(points) > 0 else corners[..., ::-1]
    faces = corners[cells][:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
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


def _cell_parts(sections: Sections, v: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Part (R S) and shift (R S 3) of cells at heights v (R)."""
    rows = [(sections.round, 0.0), (sections.end or sections.round, -1.0 if sections.end else 0.0)]
    numbered = [_row_parts(parts, offset, columns) for parts, offset in rows]
    which = (v >= 1).astype(int)
    return np.stack([part for part, _ in numbered])[which], np.stack([shift for _, shift in numbered])[which]


def _row_parts(parts: tuple[int, ...], offset: float, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Part (S) and shift (S 3) of the cells of one row."""
    count = len(parts)
    section = np.arange(columns) * count // columns
    start, length = np.array([_run(parts, k) for k in range(count)]).T
    scale, first = (count / (2 * length))[section], (-start / length)[section]
    shift = np.stack([scale, first, np.full(columns, offset)], axis=-1)
    return np.array(parts, np.uint8)[section], shift


def _run(parts: tuple[int, ...], k: int) -> tuple[int, int]:
    """First section (negative if it lies beyond the seam) and number of neighbouring sections of the same part as section k."""
    if len(set(parts)) == 1:
        return 0, len(parts)
    start, stop = k, k + 1
    while parts[start - 1] == parts[k]:
        start -= 1
    while parts[stop % len(parts)] == parts[k]:
        stop += 1
    return start, stop - start


def join(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of all."""
    start = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    columns = {item.name: np.concatenate([getattr(mesh, item.name) for mesh in meshes]) for item in fields(Mesh) if item.name != "faces"}
    return Mesh(faces=np.concatenate([mesh.faces + first for mesh, first in zip(meshes, start, strict=True)]), **columns)
