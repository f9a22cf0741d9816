"""Where the picture's joints land in a frame, by the vertices of its own meshes.

An estimator that knows people cannot tell that of a drawing.
"""

from __future__ import annotations

import numpy as np

from animato.pose.skeleton import SIDES, J, Skeleton
from animato.puppet.mesh import Mesh
from animato.puppet.plan import FramePlan
from animato.puppet.rig import as_complex
from animato.puppet.stage import Stage

NEAR = 0.1  # T
FRAMES = 24
ROOT, TIP = 0, -1  # pieces of a limb
LIMBS = (("arm", ("shoulder", ROOT), ("elbow", ROOT), ("wrist", TIP)), ("leg", ("hip", ROOT), ("knee", ROOT), ("ankle", TIP)))
CARRIED = (
    ("torso", ROOT, "neck"),
    *((f"{limb}_{side}", piece, f"{joint}_{side}") for limb, *joints in LIMBS for joint, piece in joints for side in SIDES),
)


def on_target(stage: Stage, plans: list[FramePlan], target: Skeleton) -> float | None:
    """0..1: share of the joints that land within NEAR T of where the target has them, over frames spread over the clip.

    Joints that the target does not show do not count. None where there are none.
    """
    rest = as_complex(stage.parts.skeleton.xyz[0])
    chosen = np.unique(np.linspace(0, len(plans) - 1, min(FRAMES, len(plans))).round().astype(int))
    hits = []
    for frame in chosen:
        wanted, seen = as_complex(target.xyz[frame]), target.present[frame]
        for joint, place in landed(stage, plans[frame], rest).items():
            if seen[joint]:
                hits.append(abs(place - wanted[joint]) <= NEAR * stage.parts.torso)
    return float(np.mean(hits)) if hits else None


def landed(stage: Stage, what: FramePlan, rest: np.ndarray) -> dict[int, complex]:
    """Joint -> where its pixels go in a frame, from its place in the picture (rest: J complex); only those that a layer carries."""
    placed = stage.placed(what)
    places = {}
    for name, piece, joint in CARRIED:
        if name in placed:
            places[J[joint]] = carried(stage.sheets[name].mesh, placed[name].points[piece], rest[J[joint]])
    return places


def carried(mesh: Mesh, moved: np.ndarray, point: complex) -> complex:
    """Where a point goes with the nearest triangle of a mesh whose vertices (V complex) were moved."""
    middles = mesh.points[mesh.triangles].mean(axis=1)
    corners = mesh.triangles[np.argmin(np.abs(middles - point))]
    a, b, c = mesh.points[corners]
    system = np.array([[(b - a).real, (c - a).real], [(b - a).imag, (c - a).imag]])
    along, across = np.linalg.solve(system, [(point - a).real, (point - a).imag])
    a, b, c = moved[corners]
    return complex(a + along * (b - a) + across * (c - a))
