"""Alignment: the reference picture's pose and a driving motion -> the motion on the reference's body. One function for every system."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.pose.alignment.adjust import Adjust, Nudge, point_offsets
from animato.pose.alignment.border import fit_into
from animato.pose.alignment.musepose import align_musepose
from animato.pose.alignment.robust import measure, retarget
from animato.pose.alignment.unianimate import align_unianimate
from animato.pose.keypoints import BODY, KEYPOINTS, PoseSequence
from animato.pose.limbs import SEEN, body

__all__ = ["ALIGNMENTS", "Adjust", "Aligned", "Nudge", "align", "check_alignment"]

ALIGNMENTS = ("robust", "musepose", "unianimate", "none")


@dataclass(frozen=True, eq=False)
class Aligned:
    """A motion in the pixels and at the size of the reference picture.

    pose    one person, as many frames as the motion
    ratios  bone -> aligned length / length in the motion; "shrink" and "travel" (align_border.Fitted) for keeping it in the picture
    notes   sentences for the user on what was doubtful
    """

    pose: PoseSequence
    ratios: dict[str, float]
    notes: list[str] = field(default_factory=list)


def align(
    reference: PoseSequence,
    motion: PoseSequence,
    how: str = "robust",
    adjust: Adjust | None = None,
) -> Aligned:
    """Put the first person of `motion` on the body of the first person of `reference` (its first frame).

    robust      measured over the whole clip, on the ground, inside the picture (align_robust.py, align_border.py)
    musepose    as MusePose publishes it: measured on the first frame (align_musepose.py)
    unianimate  as UniAnimate publishes it: width and height apart, then bone by bone, measured on the first frame (align_unianimate.py)
    none        the motion as it is, scaled to fit into the picture
    Raises InputError when picture or motion show too little of a person.
    """
    check_alignment(how)
    _check(reference.frames(slice(0, 1)), "picture")
    _check(motion, "motion")
    reference = reference.frames(slice(0, 1)).person(0)
    motion = motion.person(0)
    adjust = adjust or Adjust()
    if how == "robust":
        aligned = _robust(reference, motion, adjust)
    elif how == "musepose":
        aligned = Aligned(*align_musepose(reference, motion))
    elif how == "unianimate":
        aligned = Aligned(*align_unianimate(reference, motion))
    else:
        aligned = _fitted_only(motion, reference.size)
    return replace(aligned, pose=_moved(aligned.pose, adjust))


def check_alignment(how: str) -> None:
    """Raises InputError unless `how` names an alignment."""
    if how not in ALIGNMENTS:
        raise InputError(f"There is no alignment '{how}': choose {', '.join(ALIGNMENTS)}.")


def _robust(reference: PoseSequence, motion: PoseSequence, adjust: Adjust) -> Aligned:
    notes: list[str] = []
    ours, theirs = body(reference), body(motion)
    ratios = measure(ours, theirs, notes)
    target = retarget(ours, theirs, ratios, adjust, reference.size)
    fitted = fit_into(target, theirs.seen, ours, reference.size, notes)
    pose = PoseSequence(fitted.xyz[:, None, :KEYPOINTS], motion.score.copy(), reference.size, motion.fps)
    return Aligned(pose, ratios | {"shrink": fitted.scale, "travel": fitted.travel}, notes)


def _fitted_only(motion: PoseSequence, size: Size) -> Aligned:
    """The driving picture, as large as fits, in the middle of the reference picture."""
    scale = min(size[0] / motion.size[0], size[1] / motion.size[1])
    margin = [(size[axis] - scale * motion.size[axis]) / 2 for axis in (0, 1)]
    points = np.where(motion.score[..., None] > 0, motion.points * scale + (*margin, 0), 0)
    return Aligned(PoseSequence(points, motion.score.copy(), size, motion.fps), {"shrink": 1.0, "travel": 1.0})


def _moved(pose: PoseSequence, adjust: Adjust) -> PoseSequence:
    return replace(pose, points=pose.points + point_offsets(adjust, KEYPOINTS))


def _check(pose: PoseSequence, who: str) -> None:
    if not np.isfinite(pose.points[pose.score > 0]).all():
        raise InputError(f"The poses of the {who} hold coordinates that are not numbers. Give such points the score 0.")
    if len(pose) == 0 or pose.people == 0 or not (pose.score[:, 0, BODY] >= SEEN).any():
        raise InputError(f"There is no person in the {who}, so there is nothing to align. Use one that shows a person clearly.")
