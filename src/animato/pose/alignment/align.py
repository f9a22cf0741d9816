"""Alignment: the reference picture's pose and a driving motion -> the motion on the reference's body. One function for every system.

How limbs come to their lengths is a Method. Ours stand here; each published one in a file of its own, and systems/known.py lists them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from animato.core.errors import InputError
from animato.pose.alignment.adjust import Adjust, Nudge, point_offsets
from animato.pose.alignment.anchor import Figure, anchored
from animato.pose.alignment.border import fit_into
from animato.pose.alignment.feet import planted
from animato.pose.alignment.robust import measure, retarget
from animato.pose.alignment.zoom import of_one_size
from animato.pose.choices import FEET, HOLD
from animato.pose.keypoints import BODY, KEYPOINTS, PoseSequence
from animato.pose.limbs import SEEN, body

__all__ = ["NONE", "ROBUST", "Adjust", "Aligned", "Method", "Nudge", "align", "published", "robust"]


@dataclass(frozen=True, eq=False)
class Aligned:
    """A motion in the pixels and at the size of the reference picture.

    pose    one person, as many frames as the motion
    ratios  bone -> aligned length / length in the motion; "shrink" and "travel" (border.Fitted) for keeping it in the picture
    notes   sentences for the user on what was doubtful
    """

    pose: PoseSequence
    ratios: dict[str, float]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Method:
    """A way of alignment.

    name   what users type
    bring  (reference, motion, adjust) -> the motion on the reference's body. Both show one person, the reference in one frame. Lengths
           of limbs that `adjust` changes are this function's work, offsets are not. Raises InputError where too little is seen.
    """

    name: str
    bring: Callable[[PoseSequence, PoseSequence, Adjust], Aligned]


def published(name: str, bring: Callable[[PoseSequence, PoseSequence], tuple[PoseSequence, dict[str, float]]]) -> Method:
    """A published method, (reference, motion) -> (pose, ratios): it measures all lengths by itself, so none is changed by hand."""
    return Method(name, lambda reference, motion, _: Aligned(*bring(reference, motion)))


def _robust(reference: PoseSequence, motion: PoseSequence, adjust: Adjust, feet: str) -> Aligned:
    """Measured over the whole clip, of one size, on the ground, inside the picture (robust.py, zoom.py, border.py, feet.py)."""
    notes: list[str] = []
    ours = body(reference)
    theirs = body(of_one_size(motion, notes))
    ratios = measure(ours, theirs, notes)
    target = retarget(ours, theirs, ratios, adjust, reference.size)
    fitted = fit_into(target, theirs.seen, ours, reference.size, notes)
    figure = Figure(fitted.xyz, motion.score[:, 0].copy())
    if feet == HOLD:
        figure = anchored(figure, theirs, ours, reference.score[0, 0], fitted.scale, reference.size, notes)
        figure = replace(figure, xyz=planted(figure.xyz, theirs, motion.fps))
    pose = PoseSequence(figure.xyz[:, None, :KEYPOINTS], figure.score[:, None], reference.size, motion.fps)
    return Aligned(pose, ratios | {"shrink": fitted.scale, "travel": fitted.travel}, notes)


def _fitted_only(reference: PoseSequence, motion: PoseSequence, _: Adjust) -> Aligned:
    """The driving picture, as large as fits, in the middle of the reference picture."""
    size = reference.size
    scale = min(size[0] / motion.size[0], size[1] / motion.size[1])
    margin = [(size[axis] - scale * motion.size[axis]) / 2 for axis in (0, 1)]
    points = np.where(motion.score[..., None] > 0, motion.points * scale + (*margin, 0), 0)
    return Aligned(PoseSequence(points, motion.score.copy(), size, motion.fps), {"shrink": 1.0, "travel": 1.0})


def robust(feet: str = HOLD) -> Method:
    """Our own alignment. feet: "hold" those that stand, or leave them "free". Raises InputError for another word."""
    if feet not in FEET:
        raise InputError(f"Feet cannot be '{feet}': choose {' or '.join(FEET)}.")
    return Method("robust", partial(_robust, feet=feet))


ROBUST = robust()
NONE = Method("none", _fitted_only)


def align(reference: PoseSequence, motion: PoseSequence, how: Method = ROBUST, adjust: Adjust | None = None) -> Aligned:
    """Put the first person of `motion` on the body of the first person of `reference` (its first frame).

    Raises InputError when picture or motion show too little of a person.
    """
    _check(reference.frames(slice(0, 1)), "picture")
    _check(motion, "motion")
    adjust = adjust or Adjust()
    aligned = how.bring(reference.frames(slice(0, 1)).person(0), motion.person(0), adjust)
    return replace(aligned, pose=_moved(aligned.pose, adjust))


def _moved(pose: PoseSequence, adjust: Adjust) -> PoseSequence:
    return replace(pose, points=pose.points + point_offsets(adjust, KEYPOINTS))


def _check(pose: PoseSequence, who: str) -> None:
    if not np.isfinite(pose.points[pose.score > 0]).all():
        raise InputError(f"The poses of the {who} hold coordinates that are not numbers. Give such points the score 0.")
    if len(pose) == 0 or pose.people == 0 or not (pose.score[:, 0, BODY] >= SEEN).any():
        raise InputError(f"There is no person in the {who}, so there is nothing to align. Use one that shows a person clearly.")
