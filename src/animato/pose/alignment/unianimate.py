"""Alignment as UniAnimate publishes it: width and height by two ratios, then bone by bone, measured on one frame (its run_align_pose.py).

All lengths are fractions of the picture's width and height, so that they mix both where a picture is no square. The width's ratio keeps its
sign: a person seen from behind is turned into its mirror image. Face points follow width, height and the neck's offset, not the head.
Where the published code divides by zero or measures points that were not seen, ours leaves the bone at what width and height made of it.
"""

from __future__ import annotations

import numpy as np

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.pose.alignment.ratios import Step, length, over, rebuilt
from animato.pose.keypoints import FEET, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point, PoseSequence
from animato.pose.limbs import SEEN, body

NAME = "unianimate"  # what users type
P = Point
_BONES: dict[str, tuple[int, int]] = {  # ratio -> parent and child
    "neck": (P.NECK, P.NOSE),
    **{f"{side.lower()}_shoulder": (P.NECK, Point[f"{side}_SHOULDER"]) for side in "RL"},
    **{f"{side.lower()}_upper_arm": (Point[f"{side}_SHOULDER"], Point[f"{side}_ELBOW"]) for side in "RL"},
    **{f"{side.lower()}_forearm": (Point[f"{side}_ELBOW"], Point[f"{side}_WRIST"]) for side in "RL"},
    **{f"{side.lower()}_eye": (P.NOSE, Point[f"{side}_EYE"]) for side in "RL"},
    **{f"{side.lower()}_ear": (Point[f"{side}_EYE"], Point[f"{side}_EAR"]) for side in "RL"},
    **{f"{side.lower()}_thigh": (Point[f"{side}_HIP"], Point[f"{side}_KNEE"]) for side in "RL"},
    **{f"{side.lower()}_shin": (Point[f"{side}_KNEE"], Point[f"{side}_ANKLE"]) for side in "RL"},
}
_KEPT = "kept"  # the ratio of what has none of its own and hangs on a moving parent
_CARRIED = (
    (P.R_WRIST, range(RIGHT_HAND.start, RIGHT_HAND.stop)),
    (P.L_WRIST, range(LEFT_HAND.start, LEFT_HAND.stop)),
    (P.R_ANKLE, range(FEET.start + 3, FEET.stop)),
    (P.L_ANKLE, range(FEET.start, FEET.start + 3)),
)
_STEPS: tuple[Step, ...] = (
    *((child, parent, name) for name, (parent, child) in _BONES.items()),
    *((point, parent, _KEPT) for parent, points in _CARRIED for point in points),
)


def align(reference: PoseSequence, motion: PoseSequence, frame: int = 0) -> tuple[PoseSequence, dict[str, float]]:
    """The first person of `motion` in the pixels of the reference picture, and the ratios, measured on `frame` or the next with a neck.

    Raises InputError if no frame from there on, or the picture, shows a neck.
    """
    ours, theirs = _unit(body(reference).xyz[:1, :KEYPOINTS], reference.size)[0], _unit(body(motion).xyz[:, :KEYPOINTS], motion.size)
    necks = frame + np.flatnonzero(motion.score[frame:, 0, P.NECK] >= SEEN)
    if len(necks) == 0 or not reference.score[0, 0, P.NECK] >= SEEN:
        raise InputError("UniAnimate's alignment needs both shoulders in the picture and in the video. Use --align robust.")
    first = int(necks[0])
    seen = np.minimum(reference.score[0, 0], motion.score[first, 0]) >= SEEN
    aspect = motion.size[0] / motion.size[1] * reference.size[1] / reference.size[0]
    x, y = extents(ours, theirs[first], seen, aspect)
    scaled = theirs * (x, y, abs(x))
    ratios = bone_ratios(ours, scaled[first], seen)
    points = rebuilt(scaled, _STEPS, ratios | {_KEPT: 1.0})
    points += (*(ours[P.NECK] - scaled[first, P.NECK])[:2], 0)
    points *= (*reference.size, reference.size[0])
    points = np.where(motion.score[:, 0, :, None] > 0, points, 0)
    return PoseSequence(points[:, None], motion.score.copy(), reference.size, motion.fps), {"width": x, "height": y} | ratios


def extents(ours: np.ndarray, theirs: np.ndarray, seen: np.ndarray, aspect: float) -> tuple[float, float]:
    """The ratios of width, by the shoulders, and of height, by shoulders and hips, of two poses K 3.

    One that cannot be measured is such that the figure keeps its shape in pixels; `aspect` is the ratio of width over that of height then.
    """
    shoulders, hips = [P.R_SHOULDER, P.L_SHOULDER], [P.R_HIP, P.L_HIP]
    x = over(*((pose[P.L_SHOULDER] - pose[P.R_SHOULDER])[0] for pose in (ours, theirs))) if seen[shoulders].all() else np.nan
    y = over(*((pose[hips] - pose[shoulders]).mean(axis=0)[1] for pose in (ours, theirs))) if seen[shoulders + hips].all() else np.nan
    if not _usable(x) and not _usable(y):
        return aspect, 1.0
    return float(x if _usable(x) else y * aspect), float(y if _usable(y) else abs(x) / aspect)


def bone_ratios(ours: np.ndarray, theirs: np.ndarray, seen: np.ndarray) -> dict[str, float]:
    """Of every bone of two poses K 3; 1 where it cannot be measured."""
    measured = {
        name: over(length(ours, *bone), length(theirs, *bone)) if seen[list(bone)].all() else np.nan for name, bone in _BONES.items()
    }
    return {name: ratio if np.isfinite(ratio) else 1.0 for name, ratio in measured.items()}


def _usable(ratio: float) -> bool:
    return bool(np.isfinite(ratio) and ratio != 0)


def _unit(points: np.ndarray, size: Size) -> np.ndarray:  # F K 3
    """Pixels as fractions of the picture; depth as fractions of its width."""
    return points / (*size, size[0])
