"""The surface of a body around its bones: tubes of elliptical rings, each cell of them in one of DensePose's 24 parts.

  1 torso back        3 right hand   7 right thigh back     11 right shin back     15 left upper arm inside    19 left forearm inside
  2 torso front       4 left hand    8 left thigh back      12 left shin back      16 right upper arm inside   20 right forearm inside
  23 head right       5 left foot    9 right thigh front    13 right shin front    17 left upper arm outside   21 left forearm outside
  24 head left        6 right foot   10 left thigh front    14 left shin front     18 right upper arm outside  22 right forearm outside
The neck counts as head. The inside of an arm is the side of the palm: of a hanging arm the one towards the body. Checked against the
published driving videos of MagicAnimate.

(u, v) run from 0 to 1 within each part: u goes round it, in front from the person's right to left and on over the back, mirrored for right
limbs; v goes from the body outwards, on torso and head upwards. DensePose's own (u, v) are others; nothing published draws them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.raster import quads
from animato.pose.surface.shape import ARM, FINGER, FOOT, HEAD, LEG, NECK, SOLE, TORSO
from animato.pose.surface.stance import SIGN, Limb, Stance, across, axes, unit

_JOINT_REACH = 0.14  # of a bone, how far from a joint its rings turn into those of the next
# Half turns: where the inside of an arm begins. Its middle lies an eighth of a turn before the side towards the body.
_INSIDE = -0.375


@dataclass(frozen=True, eq=False)
class Rings:
    """Cross-sections of a tube over F frames, in pixels.

    centre       F R 3
    side, front  F R 3  unit vectors
    sizes        F R 3  half width along side, depth to the front, depth to the back
    v            R      place along the tube
    """

    centre: np.ndarray
    side: np.ndarray
    front: np.ndarray
    sizes: np.ndarray
    v: np.ndarray


@dataclass(frozen=True)
class Kind:
    """How the surface of a tube is numbered.

    start      where u begins, in half turns from the side that faces away from `side`, over the front
    near, far  parts of the first and the second half round: of cells below v = 1, and of those from there on
    """

    segments: int
    start: float
    near: tuple[int, int]
    far: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Surface:
    """A mesh over F frames.

    points  F V 3  pixels
    uv      V 2    u 0..2 round the tube, v along it
    faces   T 3
    part    T      uint8
    shift   T 2    added to the (u, v) of a face's pixels, to get those within its part
    """

    points: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    part: np.ndarray
    shift: np.ndarray


def surface(stance: Stance) -> Surface:
    """All that is known of a person's body as one mesh of closed tubes."""
    tubes = [(_torso(stance), Kind(20, 0.0, (2, 1), (2, 1))), (_head(stance), Kind(20, -0.5, (23, 24), (23, 24)))]
    for s in stance.arms:
        inside, outside, hand = ((15, 17), (19, 21), (4, 4)) if s == "L" else ((16, 18), (20, 22), (3, 3))
        tubes.append((_limb(stance.arms[s], ARM, _armpit(stance, s), stance.scale, s), Kind(12, _INSIDE, inside, outside)))
        tubes += [(rings, Kind(8, 0.0, hand, hand)) for rings in (_palm(stance, s), _thumb(stance, s))]
    for s in stance.legs:
        upper, lower, foot = ((10, 8), (14, 12), (5, 5)) if s == "L" else ((9, 7), (13, 11), (6, 6))
        tubes.append((_limb(stance.legs[s], LEG, _groin(stance, s), stance.scale, s), Kind(14, 0.0, upper, lower)))
        tubes.append((_foot(stance, s), Kind(10, 0.0, foot, foot)))
    return _joined([_tube(rings, kind) for rings, kind in tubes])


def _torso(stance: Stance) -> Rings:
    height = TORSO[:, 0]
    centre = stance.spine[:, None, 0] + height[:, None] * (stance.spine[:, None, 1] - stance.spine[:, None, 0])
    weight = np.clip(height, 0, 1)[:, None]
    left = (1 - weight) * stance.trunk[:, None, 0, 0] + weight * stance.trunk[:, None, 1, 0]
    turned = axes(left, np.broadcast_to(stance.trunk[:, None, 0, 1], left.shape))
    return Rings(centre, turned[..., 0, :], turned[..., 2, :], _sizes(TORSO, stance.scale), (height - height[0]) / np.ptp(height))


def _head(stance: Stance) -> Rings:
    """The neck, which leads from the shoulders into the skull, and the skull."""
    large, (left, up, front) = stance.size * stance.scale, stance.head.swapaxes(0, 1)
    skull = stance.ears[:, None] + large[:, None, None] * HEAD[:, :1] * up[:, None]
    top = stance.ears + large[:, None] * (-0.07 * up - 0.02 * front)
    neck = stance.spine[:, None, 1] + NECK[:, :1] * (top - stance.spine[:, 1])[:, None]
    chest, weight = stance.trunk[:, 1], NECK[:, :1]
    side = np.concatenate([(1 - weight) * chest[:, None, 0] + weight * left[:, None], np.repeat(left[:, None], len(HEAD), 1)], axis=1)
    ahead = np.concatenate([(1 - weight) * chest[:, None, 2] + weight * front[:, None], np.repeat(front[:, None], len(HEAD), 1)], axis=1)
    v = np.concatenate([np.zeros(len(NECK)), (HEAD[:, 0] - HEAD[0, 0]) / np.ptp(HEAD[:, 0])])
    sizes = np.concatenate([_sizes(NECK, stance.scale), _sizes(HEAD, large)], axis=1)
    return Rings(np.concatenate([neck, skull], axis=1), unit(side), unit(ahead), sizes, v)


def _limb(limb: Limb, table: np.ndarray, inwards: np.ndarray, scale: np.ndarray, s: str) -> Rings:
    """Cross-sections along two bones and, `inwards` (F 3 pixels), before the first; near the joint those of one turn into the other's."""
    along, (first, joint, last) = table[:, 0], limb.joints.swapaxes(0, 1)[:, :, None]
    t = along[:, None]
    upper = first + np.where(t < 0, -t * inwards[:, None], t * (joint - first))
    centre = np.where(t < 1, upper, joint + (t - 1) * (last - joint))
    lower = smooth((t - 1 + _JOINT_REACH) / (2 * _JOINT_REACH))
    bone = (1 - lower) * unit(joint - first) + lower * unit(last - joint)
    down = np.clip(t - 1, 0, 1)
    side = (1 - lower) * limb.side[:, None, 0] + lower * ((1 - down) * limb.side[:, None, 1] + down * limb.side[:, None, 2])
    side = across(side, unit(bone))
    return Rings(centre, side, SIGN[s] * np.cross(side, -unit(bone)), _sizes(table, scale), along - along[0] * (along < 0))


def _armpit(stance: Stance, s: str) -> np.ndarray:
    """F 3: from the shoulder into the chest, an upper arm long."""
    left, up, _ = stance.trunk[:, 1].swapaxes(0, 1)
    return 0.28 * stance.scale[:, None] * unit(-SIGN[s] * left - 0.15 * up)


def _groin(stance: Stance, s: str) -> np.ndarray:
    """F 3: from the hip upwards into the belly, a thigh long."""
    left, up, _ = stance.trunk[:, 0].swapaxes(0, 1)
    return 0.4 * stance.scale[:, None] * unit(-0.2 * SIGN[s] * left + up)


def _palm(stance: Stance, s: str) -> Rings:
    """A mitten: palm and fingers as one."""
    chain, wide, metre = stance.hands[s], stance.palms[s], stance.scale[:, None]
    ahead = unit(np.gradient(chain, axis=1))
    side = across(np.repeat(stance.arms[s].side[:, 2:], 4, axis=1), ahead)
    thumbwards = SIGN[s] * np.cross(side, -ahead)
    thick = metre * [0.022, 0.018, 0.014, 0.011]
    sizes = np.stack([thick, wide + FINGER * metre, wide + FINGER * metre], axis=-1)
    tip = chain[:, 3:] + 1.2 * FINGER * metre[..., None] * ahead[:, 3:]
    pick = [0, 0, 1, 2, 3, 3]
    centre = np.concatenate([chain[:, [0, *range(4)]], tip], axis=1)
    sizes = sizes[:, pick] * np.array([0, 1, 1, 1, 1, 0])[:, None]
    return Rings(centre, side[:, pick], thumbwards[:, pick], sizes, np.array([0, 0, 0.5, 0.75, 0.95, 1.0]))


def _thumb(stance: Stance, s: str) -> Rings:
    thumb, metre = stance.thumbs[s], stance.scale[:, None]
    points = np.concatenate([stance.hands[s][:, :1], thumb], axis=1)
    ahead = unit(np.gradient(points, axis=1))
    side = across(np.repeat(stance.arms[s].side[:, 2:], 4, axis=1), ahead)
    sizes = (metre * [0.0, 0.016, 0.013, 0.0])[..., None] * np.ones(3)
    return Rings(points, side, SIGN[s] * np.cross(side, -ahead), sizes, np.array([0, 0.3, 0.5, 0.6]))


def _foot(stance: Stance, s: str) -> Rings:
    """From heel to toes; the rings stand on the sole."""
    (heel, toes), metre = stance.feet[s].swapaxes(0, 1), stance.scale[:, None, None]
    ahead = unit(toes - heel)
    up = across(stance.legs[s].joints[:, 2] - heel, ahead)
    tall = FOOT[:, 2:3]
    centre = heel[:, None] + FOOT[:, :1] * (toes - heel)[:, None] + metre * (tall / 2 - SOLE) * up[:, None]
    sizes = metre * np.concatenate([FOOT[:, 1:2], tall / 2, tall / 2], axis=1)
    side = SIGN[s] * np.cross(up, ahead)
    rings = len(FOOT)
    return Rings(centre, np.repeat(side[:, None], rings, 1), np.repeat(up[:, None], rings, 1), sizes, np.clip(FOOT[:, 0], 0, 1))


def _sizes(table: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """F R 3 pixels of a table's last three columns."""
    return scale[:, None, None] * table[:, 1:]


def smooth(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, without a kink between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _tube(rings: Rings, kind: Kind) -> Surface:
    count, columns = rings.centre.shape[1], kind.segments
    angle = np.pi * (kind.start + np.linspace(0, 2, columns + 1))[:, None]
    wide, front, back = (rings.sizes[..., None, k : k + 1] for k in range(3))
    depth = np.where(np.sin(angle) >= 0, front, back) * np.sin(angle)  # F R S+1 1
    points = rings.centre[:, :, None] - wide * np.cos(angle) * rings.side[:, :, None] + depth * rings.front[:, :, None]
    u, v = np.meshgrid(np.linspace(0, 2, columns + 1), rings.v)
    cells = quads(count - 1, columns)
    second, far = np.arange(columns) >= columns // 2, (rings.v[:-1] + rings.v[1:]) / 2 >= 1
    part = np.where(far[:, None], np.array(kind.far)[second * 1], np.array(kind.near)[second * 1])
    halves = kind.near[0] != kind.near[1]
    shift = np.stack(np.broadcast_arrays(-1.0 * second * halves, -1.0 * far[:, None]), axis=-1)
    faces = cells[..., [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    uv = np.stack([u, v], axis=-1).reshape(-1, 2) * ([1, 1] if halves else [0.5, 1])
    return Surface(points.reshape(len(points), -1, 3), uv, faces, np.repeat(part.ravel(), 2), np.repeat(shift.reshape(-1, 2), 2, axis=0))


def _joined(tubes: list[Surface]) -> Surface:
    starts = np.cumsum([0] + [len(tube.uv) for tube in tubes[:-1]])
    return Surface(
        np.concatenate([tube.points for tube in tubes], axis=1),
        np.concatenate([tube.uv for tube in tubes]),
        np.concatenate([tube.faces + start for tube, start in zip(tubes, starts, strict=True)]),
        np.concatenate([tube.part for tube in tubes]).astype(np.uint8),
        np.concatenate([tube.shift for tube in tubes]),
    )
