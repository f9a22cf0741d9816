"""The order in which the layers are painted, decided for the whole clip so that no limb flickers between front and back (specs/puppet.md, section 7)."""

from __future__ import annotations

import numpy as np

from animato.puppet.body import SIDES, J

_BEHIND = 0.22  # T: how far behind the torso an arm must be to be painted before it
_ARM_BAND = 0.08  # T
_LEG_BAND = 0.1  # T


def painting_order(z: np.ndarray, torso: float) -> list[tuple[str, ...]]:
    """F tuples of layer names, back to front, from the joints' z (F J, smaller is nearer) and T in the same unit."""
    z = z / torso
    depth = {side: _arm_depth(z, side) for side in SIDES}
    behind = {side: switched(depth[side], _BEHIND - _ARM_BAND, _BEHIND) for side in SIDES}
    left_nearer = switched(depth["r"] - depth["l"], -_ARM_BAND, _ARM_BAND)
    leg = {side: (z[:, J[f"knee_{side}"]] + z[:, J[f"ankle_{side}"]]) / 2 for side in SIDES}
    left_leg_nearer = switched(leg["r"] - leg["l"], -_LEG_BAND, _LEG_BAND)
    return [
        _one_frame({side: bool(behind[side][f]) for side in SIDES}, bool(left_nearer[f]), bool(left_leg_nearer[f])) for f in range(len(z))
    ]


def switched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """F bool: a switch with hysteresis, on from `high` upwards, off from `low` downwards, as it was in between; it starts as the first clear frame says."""
    state = np.where(values >= high, 1, np.where(values <= low, 0, -1))
    clear = np.flatnonzero(state >= 0)
    if not len(clear):
        return np.full(len(values), float(np.median(values)) > (low + high) / 2)
    last = np.maximum.accumulate(np.where(state >= 0, np.arange(len(values)), clear[0]))
    last[: clear[0]] = clear[0]
    return state[last] == 1


def _arm_depth(z: np.ndarray, side: str) -> np.ndarray:
    hand = (z[:, J[f"elbow_{side}"]] + 2 * z[:, J[f"wrist_{side}"]]) / 3
    return hand - (0.6 * z[:, J["neck"]] + 0.4 * z[:, J["pelvis"]])


def _one_frame(behind: dict[str, bool], left_arm_nearer: bool, left_leg_nearer: bool) -> tuple[str, ...]:
    arms = ("r", "l") if left_arm_nearer else ("l", "r")
    legs = ("r", "l") if left_leg_nearer else ("l", "r")
    back = tuple(f"arm_{side}" for side in arms if behind[side])
    front = tuple(f"arm_{side}" for side in arms if not behind[side])
    return (*back, *(f"leg_{side}" for side in legs), "torso", *front)
