"""Arms and legs of procedural people: a tube along two bones, with a step outwards where a sleeve or a trouser leg ends."""

from __future__ import annotations

import numpy as np

from animato.people.looks import Look
from animato.people.mesh import ARM, LEG, Mesh, Ring, Sections, arm_sections, smooth, tube
from animato.people.skeleton import J, Joints

# Along (0..1 upper bone, 1..2 lower bone), half width, depth in front, behind; metres at girth 1.
_ARM = np.array([
    [-0.3, 0.0, 0.0, 0.0], [-0.27, 0.03, 0.04, 0.04], [-0.16, 0.042, 0.048, 0.048], [-0.06, 0.046, 0.051, 0.05],
    [0.04, 0.048, 0.053, 0.052], [0.16, 0.047, 0.053, 0.051], [0.35, 0.044, 0.05, 0.047], [0.6, 0.041, 0.046, 0.043],
    [0.82, 0.038, 0.041, 0.039], [0.93, 0.037, 0.038, 0.038], [1.0, 0.037, 0.037, 0.038], [1.08, 0.038, 0.038, 0.038],
    [1.25, 0.039, 0.040, 0.039], [1.5, 0.034, 0.036, 0.034], [1.75, 0.027, 0.031, 0.028], [1.93, 0.022, 0.029, 0.027],
    [2.0, 0.020, 0.029, 0.027], [2.06, 0.019, 0.029, 0.028],
])  # fmt: skip
_LEG = np.array([
    [-0.16, 0.0, 0.0, 0.0], [-0.14, 0.04, 0.045, 0.055], [-0.06, 0.06, 0.066, 0.084], [0.06, 0.072, 0.08, 0.095],
    [0.18, 0.078, 0.085, 0.092], [0.3, 0.077, 0.084, 0.085], [0.48, 0.07, 0.077, 0.075], [0.7, 0.058, 0.065, 0.062],
    [0.88, 0.051, 0.057, 0.053], [0.96, 0.049, 0.055, 0.048], [1.0, 0.048, 0.054, 0.047], [1.06, 0.046, 0.05, 0.05],
    [1.2, 0.048, 0.046, 0.062], [1.38, 0.048, 0.044, 0.064], [1.6, 0.04, 0.038, 0.05], [1.82, 0.031, 0.033, 0.036],
    [1.95, 0.029, 0.033, 0.033], [2.05, 0.03, 0.035, 0.035],
])  # fmt: skip
ARM_LOW, ARM_HIGH = float(_ARM[0, 0]), float(_ARM[-1, 0])
LEG_LOW, LEG_HIGH = float(_LEG[0, 0]), float(_LEG[-1, 0])


def arm(look: Look, joints: Joints, s: str) -> Mesh:
    """The arm of one side, begun inside the shoulder."""
    sign = 1.0 if s == "l" else -1.0
    table = _dressed(_ARM, look.build.girth, look.sleeve_end, look.thickness, 0.35 if look.top == "tee" else 0.1)
    inwards = look.build.upper_arm * np.array([sign, -0.12, 0.0])
    rings = _rings(table, joints, _bones("shoulder", "elbow", "wrist", s), (f"collar_{s}", 0.1), inwards)
    return tube(rings, 16, ARM, arm_sections(s == "l"))


def leg(look: Look, joints: Joints, s: str) -> Mesh:
    """The leg of one side, begun inside the hips."""
    sign = 1.0 if s == "l" else -1.0
    flare = look.flare if look.bottom == "trousers" else 0.5 + 0.5 * look.flare
    table = _dressed(_LEG, look.build.girth, look.leg_end, 0.011, flare)
    inwards = look.build.thigh * np.array([0.1 * sign, -1.0, 0.0])
    sections = Sections((10, 8), (14, 12)) if s == "l" else Sections((9, 7), (13, 11))
    return tube(_rings(table, joints, _bones("hip", "knee", "ankle", s), ("pelvis", 0.14), inwards), 16, LEG, sections)


def _bones(first: str, second: str, third: str, s: str) -> tuple[str, str, str]:
    return f"{first}_{s}", f"{second}_{s}", f"{third}_{s}"


def _dressed(table: np.ndarray, girth: float, end: float, thickness: float, flare: float) -> np.ndarray:
    """The table of a limb with cloth of some thickness up to `end` and a step at its hem, where it is the wider the more it flares."""
    along = table[:, 0]
    size = table[:, 1:] * girth
    if end <= 0:
        return np.column_stack([along, size])
    at = int(np.searchsorted(along, end))
    hem = np.array([np.interp(end, along, column) for column in size.T])
    along = np.insert(along, [at, at], [end, end + 0.004])
    size = np.insert(size, [at, at], [hem, hem], axis=0)
    loose = thickness + 0.02 * flare * np.clip((along - 0.5 * end) / max(0.5 * end, 0.1), 0, 1)
    covered = (np.arange(len(along)) <= at) & (size[:, 0] > 0)
    return np.column_stack([along, size + np.where(covered, loose, 0.0)[:, None]])


def _rings(table: np.ndarray, joints: Joints, names: tuple[str, str, str], root: tuple[str, float], inwards: np.ndarray) -> list[Ring]:
    """Cross-sections along two bones and, against `inwards`, before the first; near its start (root[1]) they follow the joint root[0]."""
    a, b, c = (joints.position[0, J[name]] for name in names)
    sign = 1.0 if names[0].endswith("l") else -1.0
    rings = []
    for along, width, front, back in table:
        centre = a + along * (inwards if along < 0 else b - a) if along < 1 else b + (along - 1) * (c - b)
        frame = joints.rotation[0, J[names[0 if along < 1 else 1]]]
        first, third = 1 - float(smooth((along - 0.86) / 0.28)), float(smooth((along - 1.8) / 0.25))
        held = 1 - float(smooth((along + root[1]) / (2.2 * root[1])))
        weights = {root[0]: held, names[0]: first - held, names[1]: 1 - first - third, names[2]: third}
        rings.append(Ring(centre, sign * frame[:, 0], frame[:, 2], width, front, back, weights, along))
    return rings
