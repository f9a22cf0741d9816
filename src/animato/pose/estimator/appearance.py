"""What a person wears, as a few colours: enough to tell two people of one clip apart."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.estimator.blaze import JOINTS, Body

R_SHOULDER, L_SHOULDER, R_HIP, L_HIP = 12, 11, 24, 23
LIMBS = {"thighs": ((23, 25), (24, 26)), "shins": ((25, 27), (26, 28)), "arms": ((11, 13), (12, 14))}
FAMILIAR, ALIKE, FOREIGN = 8.0, 12.0, 25.0
ALONG_LIMB = (0.3, 0.5, 0.7)
ACROSS_TRUNK = (0.2, 0.4, 0.6, 0.8)
UPPER_TRUNK, LOWER_TRUNK = (0.15, 0.35), (0.65, 0.85)


def _mix(fractions: dict[int, float]) -> np.ndarray:
    weights = np.zeros(JOINTS)
    weights[list(fractions)] = list(fractions.values())
    return weights


def _trunk(heights: tuple[float, ...]) -> np.ndarray:
    """n 33: weights of the joints that give points inside the trunk; heights run from the shoulders (0) to the hips (1)."""
    return np.array(
        [
            _mix({R_SHOULDER: (1 - u) * (1 - t), L_SHOULDER: u * (1 - t), R_HIP: (1 - u) * t, L_HIP: u * t})
            for u in ACROSS_TRUNK
            for t in heights
        ]
    )


PARTS = [_trunk(UPPER_TRUNK), _trunk(LOWER_TRUNK)] + [
    np.array([_mix({a: 1 - t, b: t}) for a, b in bones for t in ALONG_LIMB]) for bones in LIMBS.values()
]


def colours(picture: np.ndarray, body: Body) -> np.ndarray:
    """parts 3: the median CIELAB colour of each part of the body; NaN for a part of which less than half is in the picture."""
    height, width = picture.shape[:2]
    result = np.full((len(PARTS), 3), np.nan)
    for part, weights in enumerate(PARTS):
        spots = np.floor(weights @ body.points).astype(int)
        spots = spots[np.all((spots >= 0) & (spots < (width, height)), axis=1)]
        if 2 * len(spots) >= len(weights):
            lab = cv2.cvtColor(picture[spots[:, 1], spots[:, 0]][None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
            result[part] = np.median(lab, axis=0)
    return result


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance of two people's colours over the parts that both show; 0 when there is no such part.

    Seen so far: one person through a clip up to 10, different people 40 and more.
    """
    distances = np.linalg.norm(one - other, axis=1)
    known = distances[~np.isnan(distances)]
    return float(known.mean()) if len(known) else 0.0


def is_other(seen: np.ndarray, own: np.ndarray, others: list[np.ndarray]) -> bool:
    """Whether colours just seen are too far from a person's own, or far and clearly nearer to those of one of the others.

    Others in much the same clothes (a uniform) tell nothing and do not count.
    """
    apart = difference(own, seen)
    rivals = [difference(other, seen) for other in others if difference(own, other) > ALIKE]
    return apart > FOREIGN or (apart > FAMILIAR and min(rivals, default=np.inf) < apart / 2)


def learnt(memory: np.ndarray, seen: np.ndarray, weight: float) -> np.ndarray:
    """The remembered colours moved towards those just seen."""
    return np.where(np.isnan(seen), memory, np.where(np.isnan(memory), seen, (1 - weight) * memory + weight * seen))
