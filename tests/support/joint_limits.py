"""How far the joints of people bend, and whether a posture keeps to it."""

from __future__ import annotations

import numpy as np

from animato.people.skeleton import SIDES, J, Joints, Posture

# Lowest and highest of the three angles of each joint, in the order of Posture.angles.
LIMITS: dict[str, tuple[tuple[float, float], ...]] = {
    "waist": ((-20, 45), (-20, 20), (-25, 25)),
    "chest": ((-15, 30), (-15, 15), (-25, 25)),
    "neck": ((-25, 35), (-20, 20), (-40, 40)),
    "head": ((-20, 25), (-20, 20), (-35, 35)),
    "collar": ((-10, 30), (-20, 20), (0, 0)),
    "shoulder": ((-50, 178), (-60, 130), (-90, 90)),
    "elbow": ((0, 150), (0, 0), (0, 0)),
    "wrist": ((-70, 80), (-20, 30), (-90, 90)),
}
KNEE_LIMIT = 150.0  # degrees


def outside_limits(posture: Posture) -> dict[str, float]:
    """Joints that a posture bends too far, with the degrees by which it does."""
    result = {}
    for name, angle in posture.angles.items():
        low, high = np.array(LIMITS[name.split("_")[0]]).T
        over = float(np.maximum(low - angle, angle - high).max())
        if over > 0:
            result[name] = over
    return result


def knee_angles(joints: Joints) -> np.ndarray:
    """F 2: flexion of the left and right knee in degrees."""
    angles = []
    for s in SIDES:
        thigh = joints.position[:, J[f"hip_{s}"]] - joints.position[:, J[f"knee_{s}"]]
        shin = joints.position[:, J[f"knee_{s}"]] - joints.position[:, J[f"ankle_{s}"]]
        angles.append(np.rad2deg(np.arccos(np.clip((unit(thigh) * unit(shin)).sum(-1), -1, 1))))
    return np.stack(angles, axis=-1)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)
