"""The 21 points of each hand, looked for where the body's wrist and knuckles say that the hand is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animato.pose.estimator.blaze import MIN_SCORE, Body
from animato.pose.estimator.models import HAND, HAND_REGION, find_model
from animato.pose.estimator.network import Network
from animato.pose.estimator.region import Region, around, upward

WRIST, INDEX, MIDDLE, RING = 0, 5, 9, 13
PALM = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
KNUCKLES = (5, 9, 13, 17)
ROUNDS = 3
HOPELESS, SURE = 0.02, 0.9
MIN_WRIST = 0.1
OTHER_SIDE = 0.9
MAX_WRIST_GAP = 0.6
PALM_TO_FOREARM = (0.08, 1.3)


@dataclass(frozen=True)
class Side:
    """Where one side's arm stands in the body landmarks, and which way the network's handedness points for it."""

    elbow: int
    wrist: int
    pinky: int
    index: int
    right: bool


LEFT = Side(elbow=13, wrist=15, pinky=17, index=19, right=False)
RIGHT = Side(elbow=14, wrist=16, pinky=18, index=20, right=True)


@dataclass(frozen=True, eq=False)
class Hand:
    """A hand in one frame.

    points    21 3  x, y in picture pixels, z in pixels from the wrist
    presence  0..1  whether it is a hand
    right     0..1  whether it is a right one
    next      where to look next
    """

    points: np.ndarray
    presence: float
    right: float
    next: Region


class Hands:
    """Finds the hands of a body."""

    def __init__(self, folder: Path | None = None) -> None:
        self._region, self._landmarks = Network(find_model(HAND_REGION, folder)), Network(find_model(HAND, folder))

    def __call__(
        self, picture: np.ndarray, body: Body, before: tuple[Hand | None, Hand | None] = (None, None)
    ) -> tuple[Hand | None, Hand | None]:
        """H W 3 uint8, its body and the hands of the frame before -> left and right hand; None where there is none to be seen."""
        left, right = (self._one(picture, body, side, old) for side, old in zip((LEFT, RIGHT), before, strict=True))
        return apart(left, right, body)

    def _one(self, picture: np.ndarray, body: Body, side: Side, old: Hand | None) -> Hand | None:
        if body.score[side.wrist] < MIN_WRIST:
            return None
        if old is not None:
            hand = self._read(picture, old.next)
            if hand.presence >= MIN_SCORE and plausible(hand, body, side):
                return hand
        rounds = self._rounds(picture, self._recropped(picture, hand_region(body, side)))
        good = [hand for hand in rounds if hand.presence >= MIN_SCORE and plausible(hand, body, side)]
        return max(good, key=lambda hand: hand.presence, default=None)

    def _rounds(self, picture: np.ndarray, region: Region) -> list[Hand]:
        """The hand in a region, and in the regions made anew from it while that may help."""
        rounds = [self._read(picture, region)]
        while len(rounds) < ROUNDS and HOPELESS < rounds[-1].presence < SURE:
            rounds.append(self._read(picture, rounds[-1].next))
        return rounds

    def _recropped(self, picture: np.ndarray, region: Region) -> Region:
        """The region as a small network corrects it: it gives the middle of the hand and a point straight below it."""
        values = self._region(region.crop(picture, self._region.size))[0].reshape(2, 2).astype(np.float64)
        middle, below = region.to_picture(values / self._region.size)
        return Region(float(middle[0]), float(middle[1]), 2 * float(np.hypot(*(below - middle))), upward(below, middle))

    def _read(self, picture: np.ndarray, region: Region) -> Hand:
        values, presence, right, _ = self._landmarks(region.crop(picture, self._landmarks.size))
        values = values.reshape(-1, 3).astype(np.float64) / self._landmarks.size
        points = np.column_stack([region.to_picture(values[:, :2]), values[:, 2] * region.side])
        return Hand(points, float(presence[0]), float(right[0]), next_region(points[:, :2]))


def hand_region(body: Body, side: Side) -> Region:
    """Where the body says that the hand is, with room around it; scales as in the published whole-body graph."""
    wrist, pinky, index = body.points[[side.wrist, side.pinky, side.index]]
    middle = (2 * index + pinky) / 3
    length = float(np.hypot(*(middle - wrist)))
    return Region(float(middle[0]), float(middle[1]), 2.7 * 2 * length, upward(wrist, middle)).raised(0.1)


def next_region(points: np.ndarray) -> Region:
    """21 2 -> the region around a hand, fingers up; scales as in the published hand graph."""
    fingers = (points[INDEX] + points[RING]) / 4 + points[MIDDLE] / 2
    return around(points[list(PALM)], upward(points[WRIST], fingers), margin=2.0).raised(0.1)


def plausible(hand: Hand, body: Body, side: Side) -> bool:
    """Whether a hand can be this body's: it starts at the wrist, its size goes with the forearm, it is not surely the other hand."""
    wrist, knuckles = hand.points[WRIST, :2], hand.points[list(KNUCKLES), :2].mean(axis=0)
    palm = np.hypot(*(knuckles - wrist))
    reach = max(forearm(body, side), palm)
    surely_other = hand.right < 1 - OTHER_SIDE if side.right else hand.right > OTHER_SIDE
    near = np.hypot(*(wrist - body.points[side.wrist])) < MAX_WRIST_GAP * reach
    return bool(near and PALM_TO_FOREARM[0] * reach < palm < PALM_TO_FOREARM[1] * reach and not surely_other)


def forearm(body: Body, side: Side) -> float:
    """Length of the forearm in pixels."""
    return float(np.hypot(*(body.points[side.elbow] - body.points[side.wrist])))


def apart(left: Hand | None, right: Hand | None, body: Body) -> tuple[Hand | None, Hand | None]:
    """Both hands, unless they are one and the same seen twice: then only the one whose wrist is nearer the body's."""
    if left is None or right is None:
        return left, right
    size = max(left.next.side, right.next.side) / 2
    if np.linalg.norm(left.points[:, :2] - right.points[:, :2], axis=1).mean() > size / 4:
        return left, right
    gaps = [np.hypot(*(hand.points[WRIST, :2] - body.points[side.wrist])) for hand, side in ((left, LEFT), (right, RIGHT))]
    return (left, None) if gaps[0] <= gaps[1] else (None, right)
