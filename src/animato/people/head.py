"""The head of a procedural person: its shape, the 68 points of the face on its surface, nose and ears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.people.looks import Face, Look
from animato.people.mesh import HEAD, SKIN, Mesh, Region, Ring, tube
from animato.people.skeleton import Build

_HEIGHT = np.array([0.0, 0.015, 0.05, 0.11, 0.19, 0.28, 0.38, 0.48, 0.58, 0.68, 0.78, 0.87, 0.94, 0.985, 1.0])
_WIDTH = np.array([0.0, 0.07, 0.135, 0.2, 0.25, 0.285, 0.308, 0.322, 0.33, 0.328, 0.308, 0.262, 0.19, 0.095, 0.0])
_FRONT = np.array([0.28, 0.325, 0.362, 0.375, 0.375, 0.378, 0.382, 0.38, 0.378, 0.37, 0.34, 0.285, 0.205, 0.1, 0.0])
_BACK = np.array([-0.28, -0.2, -0.08, 0.06, 0.2, 0.32, 0.4, 0.445, 0.465, 0.46, 0.425, 0.35, 0.25, 0.12, 0.0])
SEGMENTS = 28


@dataclass(frozen=True)
class HeadShape:
    """The surface of the head in its own frame: x to the left, y up from the chin, z to the front from the ears' plane, metres."""

    height: float
    jaw: float = 1.0

    def width(self, y: np.ndarray) -> np.ndarray:
        """Half width at a height (part of the head's height)."""
        narrow = 1 + (self.jaw - 1) * np.clip(1 - np.asarray(y) / 0.45, 0, 1)
        return self.height * narrow * np.interp(y, _HEIGHT, _WIDTH)

    def front(self, y: np.ndarray) -> np.ndarray:
        return self.height * np.interp(y, _HEIGHT, _FRONT)

    def rounded(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Sine of the angle on the cross-section from the side (0) to the middle of the face (1) at x metres, y parts of the height."""
        return np.sqrt(np.clip(1 - (x / np.maximum(self.width(y), 1e-6)) ** 2, 0.0, 1.0))

    def surface(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """... 3: the point of the face's surface before (x, y), metres."""
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        return np.stack([x, self.height * y, self.front(y) * self.rounded(x, y)], axis=-1)

    def turn(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """0..1: how far round the front half, from the person's right, the point before (x, y) lies; the texture's s is half of it."""
        return np.arccos(np.clip(-np.asarray(x) / np.maximum(self.width(y), 1e-6), -1, 1)) / np.pi


def origin(build: Build) -> np.ndarray:
    """3: the chin, from the head joint."""
    return np.array([0.0, -0.2 * build.head, 0.0])


def rings(build: Build, shape: HeadShape, at: np.ndarray, grow: float = 0.0) -> list[Ring]:
    """Cross-sections around the head joint at heights `at` (parts), `grow` metres outside the SKIN."""
    base = origin(build)
    x, z = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    back = build.head * np.interp(at, _HEIGHT, _BACK)
    result = []
    for k, y in enumerate(at):
        closed = shape.width(y) < 1e-6
        extra = 0.0 if closed else grow
        centre = base + [0, build.head * y + (grow if closed and y > 0.5 else 0.0), 0]
        result.append(
            Ring(
                centre, x, z, float(shape.width(y)) + extra, float(shape.front(y)) + extra, float(back[k]) + extra, {"head": 1.0}, float(y)
            )
        )
    return result


def head_meshes(look: Look, at: np.ndarray) -> list[Mesh]:
    """Head, nose and ears, the head joint standing at `at`."""
    shape = HeadShape(look.build.head, look.face.jaw)
    base = rings(look.build, shape, _HEIGHT)
    meshes = [tube([_moved(ring, at) for ring in base], SEGMENTS, SKIN, HEAD)]
    plain = Region(SKIN.left + 0.6 * SKIN.width, SKIN.top + 0.3 * SKIN.height, 0.2 * SKIN.width, 0.1 * SKIN.height)
    meshes += [_nose(look, shape, plain, at), _ear(look, shape, plain, at, 1), _ear(look, shape, plain, at, -1)]
    return meshes


def _moved(ring: Ring, at: np.ndarray) -> Ring:
    return Ring(ring.centre + at, ring.x, ring.z, ring.width, ring.front, ring.back, ring.weights, ring.v)


def _nose(look: Look, shape: HeadShape, region: Region, at: np.ndarray) -> Mesh:
    """A wedge from between the eyes down to a round tip."""
    size, base = look.face.nose_size, origin(look.build) + at
    profile = (
        (0.46, 0.012, 0.0),
        (0.42, 0.03, 0.008),
        (0.36, 0.044, 0.03),
        (0.32, 0.058, 0.055),
        (0.29, 0.062, 0.06),
        (0.265, 0.05, 0.04),
        (0.25, 0.0, 0.0),
    )
    result = []
    for y, width, out in profile:
        z = float(shape.front(np.array(y)))
        depth = look.build.head * size * out + 0.004
        centre = base + [0, look.build.head * y, z - 0.004]
        wide = look.build.head * size * width
        result.append(Ring(centre, np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), wide, depth if width else 0.0, 0.001, {"head": 1.0}, y))
    return tube(result, 10, region, HEAD)


def _ear(look: Look, shape: HeadShape, region: Region, at: np.ndarray, sign: int) -> Mesh:
    base, h = origin(look.build) + at, look.build.head
    result = []
    for y, size in ((0.33, 0.0), (0.35, 0.03), (0.4, 0.045), (0.46, 0.06), (0.51, 0.05), (0.54, 0.0)):
        centre = base + [sign * (float(shape.width(np.array(y))) + 0.01 * h), h * y, -0.02 * h]
        result.append(Ring(centre, np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), 0.5 * h * size, h * size, h * size, {"head": 1.0}, y))
    return tube(result, 8, region, HEAD)


def nose_tip(look: Look) -> np.ndarray:
    """3: in the frame of the chin."""
    shape = HeadShape(look.build.head, look.face.jaw)
    return np.array([0, 0.29 * look.build.head, float(shape.front(np.array(0.29))) + 0.06 * look.build.head * look.face.nose_size])


def face_outline(face: Face) -> dict[str, np.ndarray]:
    """The 68 points before the face in iBUG order by feature, each N 2: x to the person's left, y up from the chin, in head heights."""
    jaw_angle = np.linspace(-np.pi / 2, np.pi / 2, 17)
    jaw = np.stack(
        [np.sin(jaw_angle) * 0.3 * (0.55 + 0.45 * np.abs(np.sin(jaw_angle))) * face.jaw, 0.02 + 0.43 * (1 - np.cos(jaw_angle)) ** 1.15],
        axis=1,
    )
    apart, eye = face.eye_apart, 0.062 * face.eye_size
    across = np.linspace(-1, 1, 5)
    brow_y = face.eye_height + face.brow_lift + 0.02 * (1 - across**2) + 0.03 * face.brow_tilt * across
    left_brow = np.stack([apart + 0.085 * across, brow_y - 0.008 * np.clip(across, 0, 1)], axis=1)
    angle = np.deg2rad([180, 120, 60, 0, -60, -120])
    left_eye = np.stack([apart + eye * np.cos(angle), face.eye_height + 0.55 * eye * np.sin(angle)], axis=1)
    bridge = np.stack([np.zeros(4), np.array([0.45, 0.4, 0.345, 0.29])], axis=1)
    nostrils = np.stack([np.linspace(-0.055, 0.055, 5) * face.nose_size, [0.265, 0.256, 0.25, 0.256, 0.265]], axis=1)
    mirror = np.array([-1.0, 1.0])
    return {
        "jaw": jaw,
        "right_brow": left_brow[::-1] * mirror,
        "left_brow": left_brow,
        "bridge": bridge,
        "nostrils": nostrils,
        "right_eye": (left_eye * mirror)[[3, 2, 1, 0, 5, 4]],
        "left_eye": left_eye,
        "mouth": mouth_outline(face),
    }


def mouth_outline(face: Face) -> np.ndarray:
    """20 2: twelve points round the lips from the person's right corner over the top, then eight round the gap between them."""
    w, y, curve = face.mouth_width, face.mouth_height, 0.06 * (face.smile - 0.1)
    upper, lower = 0.026 * face.lips, 0.034 * face.lips
    x = w * np.cos(np.pi - np.arange(12) * np.pi / 6)
    edge = np.where(np.arange(12) <= 6, upper, -lower) * np.abs(np.sin(np.arange(12) * np.pi / 6))
    edge[3] -= 0.006 * face.lips
    outer = np.stack([x, y + edge + curve * (x / w) ** 2], axis=1)
    gap = 0.006 + 0.012 * max(face.smile - 0.5, 0.0)
    inner_x = 0.85 * w * np.array([-1, -0.5, 0, 0.5, 1, 0.5, 0, -0.5])
    inner = np.stack([inner_x, y + np.array([0, gap, gap, gap, 0, -gap, -gap, -gap]) + curve * (inner_x / w) ** 2], axis=1)
    return np.concatenate([outer, inner])


def face_points(look: Look) -> np.ndarray:
    """68 3: on the head's surface (nose on the nose), in the frame of the chin, metres."""
    shape = HeadShape(look.build.head, look.face.jaw)
    flat = np.concatenate(list(face_outline(look.face).values()))
    points = shape.surface(look.build.head * flat[:, 0], flat[:, 1])
    points[:9, 2] -= 0.02 * look.build.head * np.linspace(4, 0, 9)
    points[8:17, 2] -= 0.02 * look.build.head * np.linspace(0, 4, 9)
    points[27:31, 2] += nose_tip(look)[2] * np.array([0.0, 0.04, 0.09, 0.14]) * look.face.nose_size
    points[31:36, 2] += 0.02 * look.build.head * look.face.nose_size
    return points
