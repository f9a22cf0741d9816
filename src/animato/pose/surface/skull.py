"""Where a head is and which way it faces, from whatever is seen of eyes, ears and nose: the best rigid fit of a plain head to them."""

from __future__ import annotations

import numpy as np

from animato.pose.keypoints import Point
from animato.pose.limbs import Body

POINTS = [Point.NOSE, Point.L_EYE, Point.R_EYE, Point.L_EAR, Point.R_EAR]
LANDMARKS = np.array([[0, -0.025, 0.105], [0.032, 0.018, 0.08], [-0.032, 0.018, 0.08], [0.0725, 0, 0], [-0.0725, 0, 0]])  # left, up, front
LARGEST, SMALLEST = 1.7, 0.75  # heads of drawn figures and of children, against an adult's
_UNSEEN = 0.06  # metres of left and up that stand for the neck's own upright head, so that one or two points do not decide alone
_TRUST = 0.15  # weight of these against that of a seen point


def skull(body: Body, rest: np.ndarray, middle: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The middle of the ears (F 3), left, up and front (F 3 3), and the size of the head against an adult's on this body.

    rest    F 3 3  left, up and front of a head that sits upright on the neck
    middle  F 3    where its ears' middle would be
    scale   F      pixels a metre
    """
    seen = body.seen[:, POINTS]
    points = body.xyz[:, POINTS]
    count = seen.sum(axis=1)
    weight = seen / np.maximum(count, 1)[:, None]
    ours = (weight[..., None] * LANDMARKS).sum(axis=1)
    theirs = (weight[..., None] * points).sum(axis=1)  # F 3: means
    model, shown = LANDMARKS - ours[:, None], points - theirs[:, None]
    cross = np.einsum("fk,fki,fkj->fij", seen / 1.0, model, shown / scale[:, None, None])
    cross += _TRUST * _UNSEEN**2 * rest
    turn = nearest_rotation(cross)
    size = _size(seen, model, shown, scale)
    centre = theirs - (size * scale)[:, None] * np.einsum("fi,fij->fj", ours, turn)
    return np.where(count[:, None] > 0, centre, middle), turn, size


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """F 3 3: the rotation R that maximises trace(R^T M) for every matrix M (Kabsch 1976; Umeyama 1991 for the sign)."""
    u, _, v = np.linalg.svd(matrix)
    mirrored = np.linalg.det(u @ v) < 0
    u[..., -1] *= np.where(mirrored, -1, 1)[:, None]
    return u @ v


def _size(seen: np.ndarray, model: np.ndarray, shown: np.ndarray, scale: np.ndarray) -> float:
    """The median over frames of how much wider the points spread than the model's, where at least three are seen."""
    theirs = np.sqrt((seen[..., None] * shown**2).sum(axis=(1, 2))) / scale
    ours = np.sqrt((seen[..., None] * model**2).sum(axis=(1, 2)))
    enough = seen.sum(axis=1) >= 3
    if not enough.any():
        return 1.0
    return float(np.clip(np.median(theirs[enough] / ours[enough]), SMALLEST, LARGEST))
