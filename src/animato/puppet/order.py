"""The order in which the pieces are painted, decided for the whole clip so that no limb flickers between front and back.

As docs/puppet.md, 7, but a limb is two pieces, cut at elbow or knee: a folded limb covers itself properly, and a
hand may pass behind the back while the upper arm does not.
"""

from __future__ import annotations

import numpy as np

from animato.pose.skeleton import SIDES, J

ROOT, TIP = 0, 1
Piece = tuple[str, int]  # layer name, and ROOT (upper arm, thigh, the whole torso) or TIP (the rest of the limb)

_BEHIND = 0.22  # T: how far behind the torso an arm must be to be painted before it
_BEFORE = 0.35  # T: how far before the hips a shin must be to be painted after the torso
_ARM_BAND = 0.08  # T
_LEG_BAND = 0.1  # T


def painting_order(z: np.ndarray, torso: float) -> list[tuple[Piece, ...]]:
    """F tuples of pieces, back to front, from the joints' z (F J, smaller is nearer) and T in the same unit."""
    z = z / torso
    arms, legs = _limbs(z, "arm", ("shoulder", "elbow", "wrist"), _ARM_BAND), _limbs(z, "leg", ("hip", "knee", "ankle"), _LEG_BAND)
    chest = 0.6 * z[:, J["neck"]] + 0.4 * z[:, J["pelvis"]]
    behind = {}
    for side in SIDES:
        shoulder, elbow, wrist = (z[:, J[f"{name}_{side}"]] - chest for name in ("shoulder", "elbow", "wrist"))
        behind[f"arm_{side}", ROOT] = switched((shoulder + elbow) / 2, _BEHIND - _ARM_BAND, _BEHIND)
        behind[f"arm_{side}", TIP] = switched((elbow + 2 * wrist) / 3, _BEHIND - _ARM_BAND, _BEHIND)
        shin = z[:, J["pelvis"]] - (z[:, J[f"knee_{side}"]] + z[:, J[f"ankle_{side}"]]) / 2
        behind[f"leg_{side}", ROOT] = np.ones(len(z), bool)
        behind[f"leg_{side}", TIP] = ~switched(shin, _BEFORE - _LEG_BAND, _BEFORE)
    return [_one_frame(arms[f], legs[f], {piece: bool(state[f]) for piece, state in behind.items()}) for f in range(len(z))]


def switched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """F bool, a switch with hysteresis: on from `high` up, off from `low` down, else as it was; it starts as the first clear frame."""
    state = np.where(values >= high, 1, np.where(values <= low, 0, -1))
    clear = np.flatnonzero(state >= 0)
    if not len(clear):
        return np.full(len(values), float(np.median(values)) > (low + high) / 2)
    last = np.maximum.accumulate(np.where(state >= 0, np.arange(len(values)), clear[0]))
    return state[last] == 1


def _limbs(z: np.ndarray, limb: str, joints: tuple[str, str, str], band: float) -> list[tuple[Piece, ...]]:
    """F tuples of the four pieces of both arms or legs among themselves, the farther limb first."""
    root, middle, tip = ({side: z[:, J[f"{name}_{side}"]] for side in SIDES} for name in joints)
    inner = {side: switched(root[side] - tip[side], -band, band) for side in SIDES}
    depth = {side: (middle[side] + tip[side]) / 2 for side in SIDES}
    left_nearer = switched(depth["r"] - depth["l"], -band, band)
    rows = []
    for f in range(len(z)):
        sides = ("r", "l") if left_nearer[f] else ("l", "r")
        rows.append(tuple((f"{limb}_{side}", piece) for side in sides for piece in ((ROOT, TIP) if inner[side][f] else (TIP, ROOT))))
    return rows


def _one_frame(arms: tuple[Piece, ...], legs: tuple[Piece, ...], behind: dict[Piece, bool]) -> tuple[Piece, ...]:
    back = [piece for piece in (*arms, *legs) if behind[piece]]
    front = [piece for piece in (*legs, *arms) if not behind[piece]]
    return (*back, ("torso", ROOT), *front)
