"""Trunk and neck of procedural people with the shirt or jacket on them, and skirts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from animato.people.looks import SKIRT_TOP, Look
from animato.people.mesh import SKIRT, TORSO, TRUNK, Mesh, Ring, Sections, grid, ring_weights, sheet, smooth
from animato.people.skeleton import SIDES, J, Joints

# Height in spine lengths over the pelvis, half width in parts of hips or chest, depth in front and behind in metres at girth 1.
_TORSO = np.array([
    [-0.14, 0.0, 0.0, 0.0], [-0.135, 0.45, 0.04, 0.05], [-0.105, 0.75, 0.066, 0.08], [-0.06, 0.94, 0.088, 0.108],
    [0.0, 1.0, 0.098, 0.115], [0.1, 0.97, 0.1, 0.105], [0.22, 0.9, 0.095, 0.085], [0.34, 0.86, 0.092, 0.08],
    [0.46, 0.88, 0.098, 0.085], [0.58, 0.93, 0.106, 0.095], [0.7, 0.97, 0.11, 0.102], [0.79, 0.985, 0.105, 0.102],
    [0.86, 0.97, 0.092, 0.095], [0.9, 0.9, 0.08, 0.086], [0.935, 0.76, 0.07, 0.077], [0.965, 0.56, 0.06, 0.067],
    [0.99, 0.42, 0.054, 0.059], [1.02, 0.34, 0.05, 0.054], [1.08, 0.3, 0.048, 0.05], [1.2, 0.29, 0.046, 0.05],
])  # fmt: skip


LOW, HIGH = float(_TORSO[0, 0]), float(_TORSO[-1, 0])
NECK_LINE = 0.985  # where cloth ends and the neck begins


def size(look: Look, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half width, front and back depth (metres) of the bare torso at heights v (spine lengths over the pelvis)."""
    build, g = look.build, look.build.girth
    hips, chest = build.hips + 0.082 * g, build.shoulders * (0.93 + 0.05 * g)
    upper = smooth((v - 0.1) / 0.6)
    middle = np.exp(-(((v - 0.36) / 0.17) ** 2))
    width = np.interp(v, _TORSO[:, 0], _TORSO[:, 1]) * (hips * (1 - upper) + chest * upper)
    width = width * (1 - middle * (1 - build.waist) * 0.75 + 0.12 * build.belly * middle)
    front = g * np.interp(v, _TORSO[:, 0], _TORSO[:, 2]) + 0.075 * g * build.belly * np.exp(-(((v - 0.3) / 0.2) ** 2))
    front = front + 0.035 * g * build.bust * np.exp(-(((v - 0.68) / 0.1) ** 2))
    return width, front, g * np.interp(v, _TORSO[:, 0], _TORSO[:, 3])


def torso(look: Look, joints: Joints) -> Mesh:
    """From the crotch to the head, with a step at the hem of the top unless it is tucked into a skirt."""
    heights = _TORSO[:, 0]
    covered = (heights > (SKIRT_TOP if look.skirt else look.top_hem)) & (heights < NECK_LINE)
    grown = np.where(covered, look.thickness, np.where(heights < NECK_LINE, 0.004 if look.skirt else 0.008, 0.0))
    if not look.skirt:
        at = int(np.searchsorted(heights, look.top_hem))
        heights = np.insert(heights, [at, at], [look.top_hem - 0.002, look.top_hem])
        grown = np.insert(grown, [at, at], [0.008, look.thickness + 0.012])
    pelvis, rings = joints.position[0, J["pelvis"]], []
    for v, *bare, more in zip(heights, *size(look, heights), grown, strict=True):
        width, front, back = (float(x + more) if x else 0.0 for x in bare)
        centre = pelvis + [0, v * look.build.spine, -0.01 * float(smooth((v - 0.6) / 0.4))]
        rings.append(Ring.level(centre, (width, front, back), _spine_weights(v), v))
    points = grid(rings, 24)
    mesh = sheet(points, _with_collars(ring_weights(rings), points, heights, look), heights, TORSO, TRUNK)
    level = np.maximum(mesh.normals, [-2, -0.1, -2])  # lit like the thighs, so that the crotch does not stand out between them
    return replace(mesh, normals=level)


def _spine_weights(v: float) -> dict[str, float]:
    """Shares of the joints of the trunk at a height: each takes over from the one below it."""
    weights, rest = {}, 1.0
    for joint, start, length in (("head", 1.08, 0.12), ("neck", 0.95, 0.09), ("chest", 0.4, 0.25), ("waist", 0.12, 0.2)):
        weights[joint] = rest * float(smooth((v - start) / length))
        rest -= weights[joint]
    return weights | {"pelvis": rest}


def _with_collars(weights: np.ndarray, points: np.ndarray, heights: np.ndarray, look: Look) -> np.ndarray:
    """R S+1 J: the outer shoulders follow the collar bones and a little the upper arms."""
    full = np.repeat(weights[:, None], points.shape[1], axis=1)
    for s, sign in zip(SIDES, (1, -1), strict=True):
        out = smooth((sign * points[..., 0] / look.build.shoulders - 0.35) / 0.6)
        up = (smooth((heights - 0.62) / 0.25) * smooth((1.02 - heights) / 0.08))[:, None]
        collar, arm = 0.75 * out * up, 0.25 * out**2 * up
        full *= (1 - collar - arm)[..., None]
        full[..., J[f"collar_{s}"]] += collar
        full[..., J[f"shoulder_{s}"]] += arm
    return full


def skirt(look: Look, joints: Joints) -> Mesh:
    """From the waist over both legs down to a flat hem; each side follows its thigh, the middle both."""
    build, pelvis = look.build, joints.position[0, J["pelvis"]]
    drop = build.thigh * min(look.hem, 1.0) + build.shin * max(look.hem - 1.0, 0.0)
    rings = []
    for part in np.linspace(0, 1, 9):
        y = SKIRT_TOP * build.spine * (1 - part / 0.25) if part < 0.25 else -drop * (part - 0.25) / 0.75
        v = max(y / build.spine, -0.02)
        width, front, back = (float(x[0]) + 0.014 for x in size(look, np.array([v])))
        wider = (0.02 + 0.14 * look.flare) * max(-y, 0.0) / build.thigh
        sizes = (width + wider, front + 0.6 * wider, back + 0.6 * wider)
        rings.append(Ring.level(pelvis + [0, y, 0], sizes, _spine_weights(v), 1 - part))
    points = grid(rings, 32)
    low = 0.8 * smooth((pelvis[1] - points[..., 1] + 0.03) / (0.6 * build.thigh))
    left = smooth(points[..., 0] / (2.2 * build.hips) + 0.5)
    weights = ring_weights(rings)[:, None] * (1 - low)[..., None]
    weights[..., J["hip_l"]] += low * left
    weights[..., J["hip_r"]] += low * (1 - left)
    return sheet(points, weights, np.array([ring.v for ring in rings]), SKIRT, Sections((9, 10, 8, 7)), np.ones((8, 32), bool))
