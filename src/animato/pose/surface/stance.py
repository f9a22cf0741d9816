"""Where the bones of a person stand in space, and which way each of them faces: what a body's surface is hung on.

All directions are in picture axes: x right, y down, z away from the camera. Seen from the front a person's left is +x and their front -z;
in every frame of axes front = left x up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.pose.keypoints import LEFT_HAND, RIGHT_HAND, Point
from animato.pose.limbs import HEAD, PELVIS, Body
from animato.pose.surface.skull import skull

SIDES = ("L", "R")
SIGN = {"L": 1.0, "R": -1.0}
HANDS = {"L": LEFT_HAND, "R": RIGHT_HAND}

METRES = {  # of an adult 1.72 m tall: what the bones' lengths in pixels are divided by
    (Point.NECK, PELVIS): 0.50,
    (Point.R_SHOULDER, Point.L_SHOULDER): 0.33,
    (Point.R_SHOULDER, Point.R_ELBOW): 0.28,
    (Point.L_SHOULDER, Point.L_ELBOW): 0.28,
    (Point.R_ELBOW, Point.R_WRIST): 0.25,
    (Point.L_ELBOW, Point.L_WRIST): 0.25,
    (Point.R_HIP, Point.R_KNEE): 0.40,
    (Point.L_HIP, Point.L_KNEE): 0.40,
    (Point.R_KNEE, Point.R_ANKLE): 0.40,
    (Point.L_KNEE, Point.L_ANKLE): 0.40,
}
STEADY = 25  # frames over which the scale is averaged
_SPINE, _SKULL = 0.5, 0.2  # metres: pelvis to neck, neck to ears
_LOWER = {"WRIST": 0.25, "ANKLE": 0.40}
_HAND = 0.18
_KNUCKLES, _MIDDLES, _TIPS = (5, 9, 13, 17), (6, 10, 14, 18), (8, 12, 16, 20)


@dataclass(frozen=True, eq=False)
class Limb:
    """Two bones. joints F 3 3: first, middle, last; side F 3 3: unit vectors away from the body, of the upper bone and both lower ends."""

    joints: np.ndarray
    side: np.ndarray


@dataclass(frozen=True, eq=False)
class Stance:
    """A person over F frames. Arms and legs that were never seen are missing.

    scale   F          pixels a metre
    trunk   F 2 3 3    at pelvis and neck: left, up, front
    spine   F 2 3      the middle of the hips, the middle of the shoulders
    ears    F 3        their middle
    head    F 3 3      left, up, front
    size               of the head, against an adult's on this body
    arms, legs         limbs by side, "L" and "R"
    hands   F 4 3      wrist, middle of the knuckles, of the fingers' middle joints and of their tips
    thumbs  F 3 3      the thumb's last three points
    palms   F 4        half width of the hand at these four points, pixels from the middle to the outer fingers' middle
    feet    F 2 3      heel and toes
    """

    scale: np.ndarray
    trunk: np.ndarray
    spine: np.ndarray
    ears: np.ndarray
    head: np.ndarray
    size: float
    arms: dict[str, Limb]
    legs: dict[str, Limb]
    hands: dict[str, np.ndarray]
    thumbs: dict[str, np.ndarray]
    palms: dict[str, np.ndarray]
    feet: dict[str, np.ndarray]


def stance(body: Body) -> Stance:
    """The stance of a body whose joints have their depth."""
    scale = pixels_per_metre(body)
    spine, hips, shoulders = _spine(body, scale)
    up = unit(spine[:, 1] - spine[:, 0])
    trunk = np.stack([axes(hips, up), axes(shoulders, up)], axis=1)
    leaning = unit(body.xyz[:, HEAD] - spine[:, 1]) if _ever(body, HEAD) else up
    ears, head, size = skull(body, axes(shoulders, unit(up + leaning)), spine[:, 1] + _SKULL * scale[:, None] * up, scale)
    arms = {s: _arm(body, s, trunk[:, 1], scale) for s in SIDES if _ever(body, Point[f"{s}_ELBOW"])}
    legs = {s: _leg(body, s, trunk[:, 0], scale) for s in SIDES if _ever(body, Point[f"{s}_KNEE"])}
    hands = {s: _hand(body, s, limb, scale) for s, limb in arms.items()}
    return Stance(
        scale,
        trunk,
        spine,
        ears,
        head,
        size,
        arms,
        legs,
        hands={s: hand[0] for s, hand in hands.items()},
        thumbs={s: hand[1] for s, hand in hands.items()},
        palms={s: hand[2] for s, hand in hands.items()},
        feet={s: _foot(body, s, limb, scale) for s, limb in legs.items()},
    )


def pixels_per_metre(body: Body) -> np.ndarray:
    """F: from the lengths in space of all bones that are seen, steadied over the frames around; 0 when no bone ever is."""
    total, metres = np.zeros(len(body)), np.zeros(len(body))
    for (a, b), length in METRES.items():
        seen = body.seen[:, a] & body.seen[:, b]
        total += np.where(seen, np.linalg.norm(body.xyz[:, a] - body.xyz[:, b], axis=1), 0)
        metres += np.where(seen, length, 0)
    known = metres > 0
    if not known.any():
        return np.zeros(len(body))
    scale = np.interp(np.arange(len(body)), np.flatnonzero(known), total[known] / metres[known])
    padded = np.pad(scale, STEADY // 2, mode="edge")
    return np.convolve(padded, np.full(STEADY, 1 / STEADY), mode="valid")


def unit(vector: np.ndarray) -> np.ndarray:
    """... 3 vectors of length 1; zero stays zero."""
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)


def across(vector: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The part of ... 3 vectors at right angles to unit vectors `along`, of length 1."""
    return unit(vector - (vector * along).sum(-1, keepdims=True) * along)


def axes(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """... 3 3: left, up and front, from a rough left and the unit vector up."""
    left = across(left, up)
    return np.stack([left, up, np.cross(left, up)], axis=-2)


def carried(side: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """... 3: where the shortest turn from unit vectors `start` to `end` brings `side`, which is at right angles to start."""
    factor = (side * end).sum(-1, keepdims=True) / np.maximum(1 + (start * end).sum(-1, keepdims=True), 0.1)
    return across(side - factor * (start + end), end)


def hinged(side: np.ndarray, hinge: np.ndarray, bone: np.ndarray) -> np.ndarray:
    """The side of an upper bone: as it hangs while the limb is straight, along the hinge (whose length is the sine of the bend) when bent.

    A hinge that points the other way would bend the limb against its joint: noise, to which nothing is given.
    """
    bend = np.linalg.norm(hinge, axis=-1, keepdims=True)
    agree = (unit(hinge) * side).sum(-1, keepdims=True)
    weight = np.clip((bend - 0.15) / 0.35, 0, 1) * np.clip((agree + 0.5) / 0.5, 0, 1)
    return across((1 - weight) * side + weight * unit(hinge), bone)


def _ever(body: Body, joint: int) -> bool:
    return bool(body.seen[:, joint].any())


def _spine(body: Body, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pelvis and neck (F 2 3), and the rows of hips and shoulders from right to left (F 3); upright below a neck without hips."""
    neck, shoulders = body.xyz[:, Point.NECK], body.xyz[:, Point.L_SHOULDER] - body.xyz[:, Point.R_SHOULDER]
    if not _ever(body, PELVIS):
        return np.stack([neck + _SPINE * scale[:, None] * [0, 1, 0], neck], axis=1), shoulders, shoulders
    both = _ever(body, Point.L_HIP) and _ever(body, Point.R_HIP)
    hips = body.xyz[:, Point.L_HIP] - body.xyz[:, Point.R_HIP] if both else shoulders
    return np.stack([body.xyz[:, PELVIS], neck], axis=1), hips, shoulders


def _bones(body: Body, s: str, names: tuple[str, str, str], scale: np.ndarray) -> np.ndarray:
    """F 3 3: the joints of a limb; an end that was never seen goes straight on."""
    first, second, third = (Point[f"{s}_{name}"] for name in names)
    joints = body.xyz[:, [first, second, third]]
    if not _ever(body, third):
        joints[:, 2] = joints[:, 1] + _LOWER[names[2]] * scale[:, None] * unit(joints[:, 1] - joints[:, 0])
    return joints


def _arm(body: Body, s: str, chest: np.ndarray, scale: np.ndarray) -> Limb:
    joints = _bones(body, s, ("SHOULDER", "ELBOW", "WRIST"), scale)
    upper, lower = unit(joints[:, 1] - joints[:, 0]), unit(joints[:, 2] - joints[:, 1])
    hanging = carried(SIGN[s] * chest[:, 0], -chest[:, 1], upper)
    side = hinged(hanging, -SIGN[s] * np.cross(upper, lower), upper)
    elbow, hand = across(side, lower), body.xyz[:, HANDS[s]]
    seen = body.seen[:, HANDS[s]][:, [_KNUCKLES[0], _KNUCKLES[-1]]].all(axis=1, keepdims=True)
    thumbwards = across(hand[:, _KNUCKLES[0]] - hand[:, _KNUCKLES[-1]], lower)
    wrist = np.where(seen, SIGN[s] * np.cross(thumbwards, lower), elbow)
    return Limb(joints, np.stack([side, elbow, across(wrist, lower)], axis=1))


def _leg(body: Body, s: str, hips: np.ndarray, scale: np.ndarray) -> Limb:
    joints = _bones(body, s, ("HIP", "KNEE", "ANKLE"), scale)
    upper, lower = unit(joints[:, 1] - joints[:, 0]), unit(joints[:, 2] - joints[:, 1])
    hanging = carried(SIGN[s] * hips[:, 0], -hips[:, 1], upper)
    side = hinged(hanging, SIGN[s] * np.cross(upper, lower), upper)
    knee = across(side, lower)
    toes, heel = Point[f"{s}_BIG_TOE"], Point[f"{s}_HEEL"]
    foot = SIGN[s] * np.cross(-lower, across(body.xyz[:, toes] - body.xyz[:, heel], lower))
    known = (body.seen[:, toes] & body.seen[:, heel])[:, None] & ((foot * knee).sum(-1, keepdims=True) > 0)
    return Limb(joints, np.stack([side, knee, across(np.where(known, knee + foot, knee), lower)], axis=1))


def _hand(body: Body, s: str, arm: Limb, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chain (F 4 3), thumb (F 3 3) and half widths (F 4) of a hand; straight on along the forearm where it is not seen."""
    points, seen = body.xyz[:, HANDS[s]], np.asarray(body.seen[:, HANDS[s]].all(axis=1))
    wrist, along = arm.joints[:, 2], unit(arm.joints[:, 2] - arm.joints[:, 1])
    size = _HAND * scale
    rest = wrist[:, None] + (size[:, None] * [0.0, 0.5, 0.75, 1.0])[..., None] * along[:, None]
    rows = [points[:, row] for row in (_KNUCKLES, _MIDDLES, _TIPS)]
    chain = np.stack([wrist, *(row.mean(axis=1) for row in rows)], axis=1)
    wide = np.stack([np.linalg.norm(row[:, 0] - row[:, -1], axis=1) / 2 for row in rows], axis=1)
    palm = np.concatenate([0.7 * wide[:, :1], wide], axis=1)
    thumbwards = SIGN[s] * np.cross(along, arm.side[:, 2])
    rest_thumb = wrist[:, None] + size[:, None, None] * (
        np.array([0.2, 0.42, 0.6])[:, None] * along[:, None] - np.array([0.2, 0.3, 0.33])[:, None] * thumbwards[:, None]
    )
    return (
        np.where(seen[:, None, None], chain, rest),
        np.where(seen[:, None, None], points[:, 2:5], rest_thumb),
        np.where(seen[:, None], palm, size[:, None] * [0.12, 0.17, 0.17, 0.13]),
    )


def _foot(body: Body, s: str, leg: Limb, scale: np.ndarray) -> np.ndarray:
    """F 2 3: heel and toes; where they are not seen, at right angles to the shin."""
    toes, heel = Point[f"{s}_BIG_TOE"], Point[f"{s}_HEEL"]
    ankle, down = leg.joints[:, 2], unit(leg.joints[:, 2] - leg.joints[:, 1])
    forwards = SIGN[s] * np.cross(leg.side[:, 2], -down)
    metre = scale[:, None]
    rest = np.stack([ankle + metre * (0.05 * down - 0.045 * forwards), ankle + metre * (0.06 * down + 0.15 * forwards)], axis=1)
    seen = (body.seen[:, toes] & body.seen[:, heel])[:, None, None]
    return np.where(seen, body.xyz[:, [heel, toes]], rest)
