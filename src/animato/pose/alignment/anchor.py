"""What the driving video cuts off below, and the picture shows, stays where the picture has it: feet stand, legs reach down to them.

Without that the legs would hang on the pelvis as they do in the picture, and swim over the floor with every movement of the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.shapes import Size
from animato.pose.edge import inside
from animato.pose.keypoints import Point
from animato.pose.limbs import Body, torso

HIDDEN = 0.1  # of the frames: a joint that is seen in fewer is cut off
LEEWAY = 0.25  # T: as far the body moves over feet that stay; farther on they go along
STRETCH = 1.05  # of a leg's length in the picture: beyond it the foot is lifted

_HIPS = [Point.R_HIP, Point.L_HIP]
_ANKLES = [Point.R_ANKLE, Point.L_ANKLE]
_NOTE = "The driving video does not show the feet: they stay where the picture has them."
_ENDS = ("BIG_TOE", "SMALL_TOE", "HEEL")
_LEGS = {
    Point[f"{side}_HIP"]: (Point[f"{side}_KNEE"], Point[f"{side}_ANKLE"], [Point[f"{side}_{end}"] for end in _ENDS]) for side in ("R", "L")
}


@dataclass(frozen=True, eq=False)
class Figure:
    """A motion on the picture's body: xyz F J 3 in pixels of the picture, score F K."""

    xyz: np.ndarray
    score: np.ndarray


def anchored(figure: Figure, motion: Body, picture: Body, rest: np.ndarray, scale: float, size: Size, notes: list[str]) -> Figure:
    """The figure with its feet, and its hips, where they stay if the motion never shows them.

    rest   K  scores of the picture's points
    scale  by which the figure was shrunk to fit into the picture
    """
    if not _cut_off(motion, picture, _ANKLES, size):
        return figure
    out = Figure(figure.xyz.copy(), figure.score.copy())
    reach = LEEWAY * scale * torso(picture)
    if _cut_off(motion, picture, _HIPS, size):
        _stay(out, picture, rest, Point.NECK, _HIPS, scale, reach)
    seen = motion.seen[:, [Point.R_KNEE, Point.L_KNEE]].mean() > HIDDEN
    for hip, (knee, ankle, ends) in _LEGS.items():
        _stay(out, picture, rest, hip, [ankle, *ends], scale, reach)
        _reach(out, picture, rest, (hip, knee, ankle), ends, scale, seen)
    notes.append(_NOTE)
    return out


def _cut_off(motion: Body, picture: Body, joints: list[Point], size: Size) -> bool:
    """Whether the picture shows both joints of a pair and the motion, but for a few frames, neither."""
    shown = picture.seen[0, joints].all() and inside(picture.xyz[0, joints, :2], size).all()
    return bool(shown and motion.seen[:, joints].mean() < HIDDEN and motion.seen[:, Point.NECK].any())


def _stay(figure: Figure, picture: Body, rest: np.ndarray, parent: Point, joints: list[Point], scale: float, reach: float) -> None:
    """Puts joints where they are to the parent's usual place as in the picture; the parent moves over them within its reach."""
    path = figure.xyz[:, parent, :2]
    home = np.median(path, axis=0)
    along = (path - home) - np.clip(path - home, -reach, reach)
    offset = scale * (picture.xyz[0, joints] - picture.xyz[0, parent])  # n 3
    figure.xyz[:, joints, :2] = (home + along)[:, None] + offset[:, :2]
    figure.xyz[:, joints, 2] = figure.xyz[:, parent, 2, None] + offset[:, 2]
    figure.score[:, joints] = rest[joints]


def _reach(
    figure: Figure, picture: Body, rest: np.ndarray, leg: tuple[Point, Point, Point], ends: list[Point], scale: float, seen: bool
) -> None:
    """The knee of a leg from its hip to an ankle that stays, bent as in the picture; unless the motion shows it."""
    hip, knee, ankle = leg
    at = _complex(figure.xyz[:, hip])
    whole = scale * _complex(picture.xyz[0, ankle] - picture.xyz[0, hip])
    way = _complex(figure.xyz[:, ankle]) - at
    far = np.maximum(np.abs(way) / max(STRETCH * abs(whole), 1e-9), 1)
    lift = way / far - way
    for joint in (ankle, *ends):
        figure.xyz[:, joint, 0] += lift.real
        figure.xyz[:, joint, 1] += lift.imag
    if not seen and abs(whole) > 0:
        bent = at + scale * _complex(picture.xyz[0, knee] - picture.xyz[0, hip]) * (way / far) / whole
        figure.xyz[:, knee, 0] = bent.real
        figure.xyz[:, knee, 1] = bent.imag
        figure.xyz[:, knee, 2] = figure.xyz[:, hip, 2] + scale * (picture.xyz[0, knee, 2] - picture.xyz[0, hip, 2])
        figure.score[:, knee] = rest[knee]


def _complex(points: np.ndarray) -> np.ndarray:
    """... 2 or 3 -> ... x + iy."""
    return points[..., 0] + 1j * points[..., 1]
