"""Hair of procedural people: a cap that follows the head down to a hairline, curtains, tails and buns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.people.head import SEGMENTS, HeadShape, origin, rings
from animato.people.looks import Look
from animato.people.mesh import HAIR, HEAD, Mesh, Ring, grid, ring_weights, sheet, tube, vertex_normals

_AROUND = np.deg2rad([0, 35, 60, 80, 105, 130, 180])  # away from the middle of the face


@dataclass(frozen=True)
class Cut:
    """line: height of the hairline at the angles _AROUND; thickness at the sides and at the crown; all in parts of the head's height.

    reach is where the hair ends below the chin (negative) or 0; open the angle from which hair hangs there.
    """

    line: tuple[float, ...]
    side: float
    crown: float
    reach: float = 0.0
    open: float = 75.0
    bumps: float = 0.0


CUTS = {
    "buzz": Cut((0.8, 0.78, 0.74, 0.56, 0.5, 0.26, 0.2), 0.012, 0.02),
    "short": Cut((0.79, 0.77, 0.72, 0.52, 0.5, 0.24, 0.16), 0.03, 0.075),
    "side": Cut((0.74, 0.7, 0.66, 0.5, 0.46, 0.2, 0.12), 0.04, 0.11),
    "bob": Cut((0.7, 0.69, 0.64, 0.1, -0.05, -0.08, -0.1), 0.07, 0.09, -0.1, 66.0),
    "long": Cut((0.74, 0.72, 0.62, 0.1, -0.6, -0.7, -0.75), 0.055, 0.075, -0.75, 68.0),
    "ponytail": Cut((0.8, 0.77, 0.7, 0.5, 0.42, 0.22, 0.14), 0.025, 0.05),
    "bun": Cut((0.8, 0.77, 0.7, 0.5, 0.42, 0.22, 0.14), 0.025, 0.05),
    "curly": Cut((0.74, 0.71, 0.64, 0.42, 0.3, 0.12, 0.08), 0.13, 0.16, bumps=0.022),
}


def hair_meshes(look: Look, at: np.ndarray) -> list[Mesh]:
    """Hair on a head whose joint stands at `at`; nothing for a bald head."""
    if look.hair_style not in CUTS:
        return []
    meshes = [_cap(look, CUTS[look.hair_style], at)]
    if look.hair_style == "ponytail":
        meshes.append(_tail(look, at))
    if look.hair_style == "bun":
        meshes.append(_bun(look, at))
    return meshes


def _cap(look: Look, cut: Cut, at: np.ndarray) -> Mesh:
    """The head's own surface grown outwards above the hairline and sunk into the head below it, so that their meeting is the hairline."""
    shape, h = HeadShape(look.build.head, look.face.jaw), look.build.head
    heights = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.06, 1, 20))
    heights = np.concatenate([np.linspace(cut.reach, 0, 7)[:-1], heights]) if cut.reach else heights
    hanging = [
        _lowered(ring, at, look, y, cut.reach)
        for ring, y in zip(rings(look.build, shape, np.maximum(heights, 0.42 if cut.reach else 0.12)), heights, strict=True)
    ]
    inside = [_lowered(ring, at, look, y, 0.0) for ring, y in zip(rings(look.build, shape, np.maximum(heights, 0.0)), heights, strict=True)]
    away = np.abs(np.mod(np.linspace(0, 2 * np.pi, SEGMENTS + 1) + np.pi / 2, 2 * np.pi) - np.pi)  # S+1, 0 in front
    covered = np.clip((heights[:, None] - np.interp(away, _AROUND, cut.line)) / 0.1 + 0.5, 0, 1)  # R S+1
    thick = cut.side + (cut.crown - cut.side) * np.clip((heights[:, None] - 0.5) / 0.4, 0, 1)
    thick = thick + cut.bumps * np.sin(7 * away) * np.sin(19 * heights[:, None])
    points = np.where((covered > 0)[..., None], grid(hanging, SEGMENTS), grid(inside, SEGMENTS))
    points = points + vertex_normals(points).reshape(points.shape) * (h * (thick * covered - 0.05 * (1 - covered)))[..., None]
    hangs = (heights[:, None] > 0.2) | (away >= np.deg2rad(cut.open))
    seen = (covered > 0) & hangs
    keep = seen[:-1, :-1] & seen[1:, 1:] & seen[1:, :-1] & seen[:-1, 1:]
    keep |= ((heights[:-1] > 0.3)[:, None]) & (seen[1:, :-1] | seen[1:, 1:])
    return sheet(points, ring_weights(hanging)[:, None], heights, HAIR, HEAD, keep)


def _lowered(ring: Ring, at: np.ndarray, look: Look, y: float, reach: float) -> Ring:
    """The ring at its own height, hanging hair following the chest the more the lower it is."""
    centre = np.array([0.0, origin(look.build)[1] + look.build.head * y, 0.0]) if y < 0.42 else ring.centre
    hang = float(np.clip(-y / 0.8, 0, 0.85)) if reach < -0.3 else 0.0
    back = ring.back + 0.1 * look.build.head * hang
    return Ring(
        centre + at,
        ring.x,
        ring.z,
        ring.width * (1 + 0.25 * hang),
        ring.front * (1 - 0.6 * hang),
        back,
        {"head": 1 - hang, "chest": hang},
        y,
    )


# Height, depth and radius of the rings of a pony tail, parts of the head's height.
_TAIL = (
    (0.72, -0.36, 0.0), (0.75, -0.42, 0.06), (0.78, -0.5, 0.075), (0.72, -0.59, 0.1), (0.5, -0.62, 0.12), (0.2, -0.6, 0.105),
    (-0.1, -0.55, 0.07), (-0.28, -0.52, 0.0),
)  # fmt: skip


def _tail(look: Look, at: np.ndarray) -> Mesh:
    h, base = look.build.head, origin(look.build) + at
    result = []
    for k, (y, z, radius) in enumerate(_TAIL):
        hang = max(k - 4, 0) / 5
        weights = {"head": 1 - hang, "chest": hang}
        result.append(
            Ring(
                base + [0, h * y, h * z],
                np.array([1.0, 0, 0]),
                np.array([0, 0, 1.0]),
                h * radius,
                h * radius,
                h * radius,
                weights,
                1 - k / 6,
            )
        )
    return tube(result, 10, HAIR, HEAD)


def _bun(look: Look, at: np.ndarray) -> Mesh:
    h, middle = look.build.head, origin(look.build) + at + look.build.head * np.array([0, 0.9, -0.38])
    result = []
    for angle in np.linspace(-np.pi / 2, np.pi / 2, 7):
        radius = 0.17 * h * float(np.cos(angle)) if abs(angle) < 1.57 else 0.0
        result.append(
            Ring(
                middle + [0, 0.17 * h * np.sin(angle), 0],
                np.array([1.0, 0, 0]),
                np.array([0, 0, 1.0]),
                radius,
                radius,
                radius,
                {"head": 1.0},
                0.5 + angle / 4,
            )
        )
    return tube(result, 10, HAIR, HEAD)
