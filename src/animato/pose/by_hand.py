"""The pose of a picture given by hand: whether it is of this picture, where it lies in it, and what moves along with what was moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.pose.io import load_poses
from animato.pose.keypoints import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, Point, PoseSequence

SEEN = 0.3  # score from which on a joint counts
LOOSE = 0.25  # T that a hand, a foot or a face may be away from its joint; farther off, the joint was moved and they were not
TRUNK = (Point.L_SHOULDER, Point.R_SHOULDER)
MEND = "`animato pose PICTURE -o pose.json --overlay joints.png`, edit pose.json, then --picture-pose pose.json"  # in all messages
ADVICE = "`animato pose PICTURE -o FILE` writes the pose of a picture"


def pose_by_hand(given: str | Path | PoseSequence, size: Size) -> PoseSequence:
    """One frame of one person in pixels of a picture of `size`, checked; of several people the largest.

    given  a file of poses (pose/io.py), or poses
    A file for a larger or smaller copy of the picture is scaled. Raises InputError for poses of a picture of another shape, for more than
    one frame, nobody, and joints that lie where no picture of this size can show them.
    """
    name = "The pose" if isinstance(given, PoseSequence) else f"The pose {given}"
    poses = given if isinstance(given, PoseSequence) else load_poses(given, size)
    if len(poses) != 1:
        raise InputError(f"{name} has {len(poses)} frames, where that of one picture is due: {ADVICE}.")
    if not (poses.score >= SEEN).any():
        raise InputError(f"{name} holds nobody: {ADVICE}.")
    if not same_shape(poses.size, size):
        theirs, ours = (f"{width}x{height}" for width, height in (poses.size, size))
        raise InputError(f"{name} is of a picture of {theirs} pixels and this one has {ours}: {ADVICE}, take that of this one.")
    one = _largest(poses.scaled(size))
    _check_inside(one, name)
    return joined(one)


def same_shape(one: Size, other: Size) -> bool:
    """Whether two sizes are those of a picture and of a larger or smaller copy of it, up to whole pixels."""
    (width, height), (wide, high) = one, other
    return abs(width * high / height - wide) <= 1 or abs(height * wide / width - high) <= 1


def joined(pose: PoseSequence) -> PoseSequence:
    """The pose with hands, feet and a face that were left behind by their joints taken along or, where they turned, out."""
    points = pose.points.copy()
    score = pose.score.copy()
    reach = LOOSE * _torso(points[0, 0])
    for part, own, joint in (
        (LEFT_HAND, LEFT_HAND.start, Point.L_WRIST),
        (RIGHT_HAND, RIGHT_HAND.start, Point.R_WRIST),
        (slice(Point.L_BIG_TOE, Point.L_HEEL + 1), Point.L_HEEL, Point.L_ANKLE),
        (slice(Point.R_BIG_TOE, Point.R_HEEL + 1), Point.R_HEEL, Point.R_ANKLE),
    ):
        if _both(score, own, joint) and np.hypot(*(points[0, 0, own] - points[0, 0, joint])[:2]) > reach:
            score[0, 0, part] = 0
    tip = FACE.start + 30  # iBUG's tip of the nose
    away = points[0, 0, Point.NOSE] - points[0, 0, tip]
    if _both(score, tip, Point.NOSE) and np.hypot(*away[:2]) > reach:
        points[0, 0, FACE] += away
    return replace(pose, points=points, score=score)


def _both(score: np.ndarray, one: int, other: int) -> bool:
    return bool(score[0, 0, one] > 0 and score[0, 0, other] > 0)


def _torso(points: np.ndarray) -> float:
    """T of 134 points, without depth, which files need not have."""
    spine = points[Point.NECK] - (points[Point.L_HIP] + points[Point.R_HIP]) / 2
    shoulders = points[Point.L_SHOULDER] - points[Point.R_SHOULDER]
    return float(max(np.hypot(*spine[:2]), 1.2 * np.hypot(*shoulders[:2]), 1.0))


def _largest(poses: PoseSequence) -> PoseSequence:
    def extent(person: int) -> float:
        seen = poses.points[0, person, BODY, :2][poses.score[0, person, BODY] >= SEEN]
        return float(np.hypot(*np.ptp(seen, axis=0))) if len(seen) else -1.0

    return poses.person(max(range(poses.people), key=extent))


def _check_inside(pose: PoseSequence, name: str) -> None:
    """Raises InputError where joints lie outside: a shoulder, more than half of them, or one farther off than the picture is large.

    Others may: the picture's edge cuts off legs and arms.
    """
    joints = [point for point in Point if pose.score[0, 0, point] >= SEEN and point < FEET.stop]
    xy = pose.points[0, 0, joints, :2]
    beyond = np.maximum(np.maximum(-xy, xy - np.array(pose.size)), 0).max(axis=1)  # pixels outside
    outside = [point for point, far in zip(joints, beyond, strict=True) if far > 0]
    if any(point in outside for point in TRUNK) or 2 * len(outside) > len(joints) or beyond.max() > max(pose.size):
        names = ", ".join(spoken(point) for point in outside[:4])
        more = f" and {len(outside) - 4} more" if len(outside) > 4 else ""
        size = f"{pose.size[0]}x{pose.size[1]}"
        raise InputError(f"{name} has joints outside the picture of {size} pixels ({names}{more}): move them, or give them the score 0.")


def spoken(point: Point) -> str:
    """L_WRIST -> 'left wrist'."""
    side = {"L_": "left ", "R_": "right "}.get(point.name[:2], "")
    return side + (point.name[2:] if side else point.name).lower().replace("_", " ")
