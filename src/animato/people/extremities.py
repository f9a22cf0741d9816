"""Hands with simple fingers, and shoes."""

from __future__ import annotations

import numpy as np

from animato.people.looks import Look
from animato.people.mesh import HAND, SHOE, Mesh, Ring, Sections, grid, ring_weights, sheet, smooth, tube
from animato.people.skeleton import FINGERS, J, Joints

# Palm: along from the wrist, half thickness, half width; in hand lengths.
_PALM = (
    (-0.04, 0.0, 0.0), (-0.02, 0.1, 0.14), (0.12, 0.105, 0.19), (0.3, 0.09, 0.235), (0.45, 0.08, 0.235),
    (0.55, 0.06, 0.19), (0.585, 0.0, 0.0),
)  # fmt: skip
# Shoe: along from the ankle and half width in foot lengths, height in heights of the ankle.
_SHOE = (
    (-0.27, 0.0, 0.0), (-0.265, 0.1, 0.55), (-0.22, 0.15, 0.95), (-0.08, 0.17, 1.25), (0.08, 0.165, 1.15), (0.2, 0.175, 0.85),
    (0.36, 0.195, 0.66), (0.52, 0.205, 0.54), (0.64, 0.19, 0.46), (0.72, 0.16, 0.38), (0.765, 0.11, 0.26), (0.775, 0.0, 0.0),
)  # fmt: skip
# Finger: along, one bone after the other, and thickness in parts of its greatest.
_FINGER = ((-0.15, 0.5), (0.0, 1.0), (0.8, 0.98), (1.2, 0.96), (1.8, 0.9), (2.2, 0.88), (2.75, 0.8), (2.97, 0.5), (3.05, 0.0))


def hand(look: Look, joints: Joints, s: str) -> list[Mesh]:
    """A flat palm and five fingers of three joints."""
    sign, size = (1.0 if s == "l" else -1.0), look.build.hand
    wrist, frame = joints.position[0, J[f"wrist_{s}"]], joints.rotation[0, J[f"wrist_{s}"]]
    sections = Sections((4,) if s == "l" else (3,))
    rings = []
    for along, thick, wide in _PALM:
        centre = wrist - size * along * frame[:, 1]
        rings.append(Ring(centre, sign * frame[:, 0], frame[:, 2], size * thick, size * wide, size * wide, {f"wrist_{s}": 1.0}, along))
    return [tube(rings, 10, HAND, sections), *(_finger(look, joints, finger, s, sections) for finger in FINGERS)]


def finger_tip(joints: Joints, finger: str, s: str) -> np.ndarray:
    """F 3: where a finger ends."""
    second, third = joints.position[:, J[f"{finger}2_{s}"]], joints.position[:, J[f"{finger}3_{s}"]]
    length = 0.85 * np.linalg.norm(third - second, axis=-1, keepdims=True)
    down = np.array([0.05 * (1 if s == "l" else -1), -1, 0.2]) if finger == "thumb" else np.array([0, -1.0, 0])
    return third + (joints.rotation[:, J[f"{finger}3_{s}"]] @ (down / np.linalg.norm(down))) * length


def _finger(look: Look, joints: Joints, finger: str, s: str, sections: Sections) -> Mesh:
    names = [f"{finger}{k}_{s}" for k in (1, 2, 3)]
    stops = np.concatenate([joints.position[0, [J[name] for name in names]], finger_tip(joints, finger, s)])
    radius = look.build.hand * {"thumb": 0.062, "little": 0.047}.get(finger, 0.055)
    frame = joints.rotation[0, J[names[0]]]
    rings = []
    for along, part in _FINGER:
        k = int(np.clip(along, 0, 2))
        centre = stops[k] + (along - k) * (stops[k + 1] - stops[k])
        size = radius * part
        rings.append(Ring(centre, frame[:, 0], frame[:, 2], size, size, size, _finger_weights(names, along), along / 3))
    return tube(rings, 6, HAND, sections)


def _finger_weights(names: list[str], along: float) -> dict[str, float]:
    """The bone in whose middle the place lies, or near a joint both its bones."""
    if not 0.5 < along < 2.5:
        return {names[int(np.clip(along, 0, 2))]: 1.0}
    near = int(np.clip(np.round(along), 1, 2))
    blend = float(smooth((along - near) / 0.5 + 0.5))
    return {names[near]: blend, names[near - 1]: 1 - blend}


def shoe(look: Look, joints: Joints, s: str) -> Mesh:
    """A tube from heel to toe with a flat sole."""
    length, height, ankle = look.build.foot, look.build.ankle, joints.position[0, J[f"ankle_{s}"]]
    frame = joints.rotation[0, J[f"ankle_{s}"]]
    rings = []
    for along, wide, tall in _SHOE:
        toe, low = float(smooth((along - 0.46) / 0.12)), 0.3 if wide else 0.12
        centre = ankle + frame @ np.array([0, (low - 1) * height, length * along])
        top, sole = max(tall - low, 0.0) * height, (2 * low if wide else 0.0) * height  # cut off at the floor
        rings.append(Ring(centre, frame[:, 0], frame[:, 1], length * wide, top, sole, {f"ankle_{s}": 1 - toe, f"ball_{s}": toe}, along))
    points = grid(rings, 14)
    points[..., 1] = np.maximum(points[..., 1], ankle[1] - height)
    v = np.array([ring.v for ring in rings])
    return sheet(points, ring_weights(rings)[:, None], v, SHOE, Sections((5,) if s == "l" else (6,)))
