"""The face: a mesh of 468 points, of which a fixed subset stands for the 68 of iBUG 300-W."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animato.pose.estimator.blaze import MIN_SCORE, Body
from animato.pose.estimator.models import FACE, find_model
from animato.pose.estimator.network import Network, sigmoid
from animato.pose.estimator.region import Region, around, gap

JAW = (127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356)
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
NOSE = (168, 197, 5, 4, 98, 97, 2, 326, 327)
EYES = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)
SUBSET = np.array(JAW + BROWS + NOSE + EYES + LIPS)
NOSE_TIP, RIGHT_EYE, LEFT_EYE = 1, 33, 263

HEAD = slice(0, 11)
BODY_LEFT_EYE, BODY_RIGHT_EYE = 2, 5
FIRST_MARGIN = 2.2
MARGIN = 1.5
ROUNDS = 3
MIN_HEAD = 0.3
MAX_GAP = 0.6
MAX_STEP = 0.1


@dataclass(frozen=True, eq=False)
class Face:
    """Points 68 3 (x, y in picture pixels, z in pixels from the nose), how surely it is a face (0..1), and where to look next."""

    points: np.ndarray
    presence: float
    next: Region


class Faces:
    """Finds the face of a body."""

    def __init__(self, folder: Path | None = None) -> None:
        self._network = Network(find_model(FACE, folder))

    def __call__(self, picture: np.ndarray, body: Body, before: Face | None = None) -> Face | None:
        """H W 3 uint8, its body and the face of the frame before -> the face; None where there is none to be seen."""
        if body.score[HEAD].mean() < MIN_HEAD:
            return None
        if before is not None:
            face = self._landmarks(picture, before.next)
            if gap(face.next, before.next) > MAX_STEP:
                face = self._landmarks(picture, face.next)
            if face.presence >= MIN_SCORE and plausible(face, body):
                return face
        rounds = [self._landmarks(picture, head_region(body))]
        for _ in range(ROUNDS - 1):
            rounds.append(self._landmarks(picture, rounds[-1].next))
        face = rounds[-1] if rounds[-1].presence >= MIN_SCORE else max(rounds, key=lambda one: one.presence)
        return face if face.presence >= MIN_SCORE and plausible(face, body) else None

    def _landmarks(self, picture: np.ndarray, region: Region) -> Face:
        values, presence = self._network(region.crop(picture, self._network.size))
        values = values.reshape(-1, 3).astype(np.float64) / self._network.size
        xy, z = region.to_picture(values[:, :2]), (values[:, 2] - values[NOSE_TIP, 2]) * region.side
        following = around(xy, level(xy[RIGHT_EYE], xy[LEFT_EYE]), MARGIN)
        return Face(np.column_stack([xy, z])[SUBSET], float(sigmoid(presence.ravel()[0])), following)


def head_region(body: Body) -> Region:
    """Where the body says that the face is, with much room around it."""
    return around(body.points[HEAD], level(body.points[BODY_RIGHT_EYE], body.points[BODY_LEFT_EYE]), FIRST_MARGIN)


def level(right: np.ndarray, left: np.ndarray) -> float:
    """The angle of a region in which the person's eyes lie on a level."""
    dx, dy = left - right
    return float(np.arctan2(dy, dx))


def plausible(face: Face, body: Body) -> bool:
    """Whether a face can be this body's: its middle lies near the middle of the head."""
    distance = np.hypot(*(face.points[:, :2].mean(axis=0) - body.points[HEAD].mean(axis=0)))
    return bool(distance < MAX_GAP * face.next.side / MARGIN)
