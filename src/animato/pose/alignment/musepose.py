"""Alignment as MusePose publishes it: ratios of one frame, the neck's way unscaled, without regard to ground or border (its pose_align.py).

Where the published code divides by a length of zero or measures hidden hand points, it draws limbs towards a corner; here the other limbs'
mean takes the place of such a ratio, hidden points are left out of it, and hands are those of the person who is aligned.
"""

from __future__ import annotations

import numpy as np

from animato.core.errors import InputError
from animato.pose.alignment.ratios import Step, length, over, rebuilt
from animato.pose.keypoints import FEET, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point, PoseSequence
from animato.pose.limbs import body

NAME = "musepose"  # what users type
P = Point
_PAIRS: dict[str, list[tuple[int, int]]] = {  # ratio -> the bones whose ratios are averaged
    "neck": [(P.NOSE, P.NECK)],
    "face": [(P.R_EAR, P.L_EAR)],
    "shoulder": [(P.R_SHOULDER, P.L_SHOULDER)],
    "arm_upper": [(P.R_SHOULDER, P.R_ELBOW), (P.L_SHOULDER, P.L_ELBOW)],
    "arm_lower": [(P.R_ELBOW, P.R_WRIST), (P.L_ELBOW, P.L_WRIST)],
    "leg_upper": [(P.R_HIP, P.R_KNEE), (P.L_HIP, P.L_KNEE)],
    "leg_lower": [(P.R_KNEE, P.R_ANKLE), (P.L_KNEE, P.L_ANKLE)],
}
_FINGERS = (1, 5, 9, 13, 17)
_HIDDEN_HAND = 0.3
_ANY = np.nextafter(0, 1)  # as published, body points are used however low their score


def _steps() -> list[Step]:
    """(point, parent, ratio) outwards from the neck. As published, the face's 68 points have none: they only get the neck's offset."""
    steps: list[Step] = [(P.NOSE, P.NECK, "neck")]
    steps += [(point, P.NOSE, "face") for point in (P.R_EYE, P.L_EYE, P.R_EAR, P.L_EAR)]
    for side, hand, foot in (("R", RIGHT_HAND, range(FEET.start + 3, FEET.stop)), ("L", LEFT_HAND, range(FEET.start, FEET.start + 3))):
        shoulder, elbow, wrist, hip, knee, ankle = (
            Point[f"{side}_{name}"] for name in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE")
        )
        steps += [(shoulder, P.NECK, "shoulder"), (elbow, shoulder, "arm_upper"), (wrist, elbow, "arm_lower")]
        steps += [(point, wrist, "hand") for point in range(hand.start, hand.stop)]
        steps += [(hip, P.NECK, "body"), (knee, hip, "leg_upper"), (ankle, knee, "leg_lower")]
        steps += [(point, ankle, "leg_lower") for point in foot]
    return steps


def align(reference: PoseSequence, motion: PoseSequence, frame: int = 0) -> tuple[PoseSequence, dict[str, float]]:
    """The first person of `motion` in the pixels of the reference picture, and the ratios, measured on `frame` or the next with a neck.

    Raises InputError if no frame from there on, or the picture, shows a neck.
    """
    ours = body(reference, _ANY).xyz[0, :KEYPOINTS] / reference.size[1]  # K 3 in picture heights
    theirs = body(motion, _ANY).xyz[:, :KEYPOINTS] / motion.size[1]  # F K 3
    necks = frame + np.flatnonzero(motion.score[frame:, 0, P.NECK] > 0)
    if len(necks) == 0 or not reference.score[0, 0, P.NECK] > 0:
        raise InputError("MusePose's alignment needs both shoulders in the picture and in the video. Use --align robust.")
    first = int(necks[0])
    ratios = muse_ratios(ours, theirs[first], np.minimum(reference.score[0, 0], motion.score[first, 0]))
    points = rebuilt(theirs, _steps(), ratios)
    points += (*(ours[P.NECK] - theirs[first, P.NECK])[:2], 0)
    points = np.where(motion.score[:, 0, :, None] > 0, points * reference.size[1], 0)
    return PoseSequence(points[:, None], motion.score.copy(), reference.size, motion.fps), ratios


def muse_ratios(ours: np.ndarray, theirs: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """The nine ratios of two poses K 3; `score` K is the lower of both. 0 / 0 gives 1 as published, x / 0 the mean of the others."""

    def mean(pairs: list[tuple[int, int]]) -> float:
        known = [pair for pair in pairs if score[list(pair)].min() > 0]
        return float(np.mean([over(length(ours, *pair), length(theirs, *pair)) for pair in known])) if known else np.nan

    ratios = {name: mean(pairs) for name, pairs in _PAIRS.items()}
    ratios["body"] = over(*(length(np.vstack([pose, (pose[P.R_HIP] + pose[P.L_HIP]) / 2]), P.NECK, KEYPOINTS) for pose in (ours, theirs)))
    if min(score[P.R_HIP], score[P.L_HIP]) <= 0:
        ratios["body"] = np.nan
    ratios["hand"] = float(np.mean([*_hand_ratio(ours, theirs, score), ratios["arm_upper"], ratios["arm_lower"]]))
    finite = [value for value in ratios.values() if np.isfinite(value)]
    others = float(np.mean(finite)) if finite else 1.0
    return {name: 1.0 if np.isnan(value) else others if np.isinf(value) else value for name, value in ratios.items()}


def _hand_ratio(ours: np.ndarray, theirs: np.ndarray, score: np.ndarray) -> list[float]:
    """The mean ratio of the palm's bones of both hands in a list, which is empty if none can be measured."""
    bones = [(hand.start, hand.start + finger) for hand in (LEFT_HAND, RIGHT_HAND) for finger in _FINGERS]
    known = [bone for bone in bones if score[list(bone)].min() >= _HIDDEN_HAND and length(theirs, *bone) > 0]
    return [float(np.mean([length(ours, *bone) / length(theirs, *bone) for bone in known]))] if known else []
