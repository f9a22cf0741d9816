"""From the networks' own joints to the project's 134 keypoints."""

from __future__ import annotations

import numpy as np

from animato.pose.estimator.blaze import Body
from animato.pose.estimator.whole import Whole
from animato.pose.keypoints import FACE, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point

NOSE, L_EYE, R_EYE, L_EAR, R_EAR = 0, 2, 5, 7, 8
L_SHOULDER, R_SHOULDER, L_ELBOW, R_ELBOW, L_WRIST, R_WRIST = 11, 12, 13, 14, 15, 16
L_PINKY, R_PINKY, L_INDEX, R_INDEX, L_THUMB, R_THUMB = 17, 18, 19, 20, 21, 22
L_HIP, R_HIP, L_KNEE, R_KNEE, L_ANKLE, R_ANKLE = 23, 24, 25, 26, 27, 28
L_HEEL, R_HEEL, L_FOOT, R_FOOT = 29, 30, 31, 32

SAME_JOINT = {
    Point.NOSE: NOSE,
    Point.R_SHOULDER: R_SHOULDER,
    Point.R_ELBOW: R_ELBOW,
    Point.R_WRIST: R_WRIST,
    Point.L_SHOULDER: L_SHOULDER,
    Point.L_ELBOW: L_ELBOW,
    Point.L_WRIST: L_WRIST,
    Point.R_HIP: R_HIP,
    Point.R_KNEE: R_KNEE,
    Point.R_ANKLE: R_ANKLE,
    Point.L_HIP: L_HIP,
    Point.L_KNEE: L_KNEE,
    Point.L_ANKLE: L_ANKLE,
    Point.R_EYE: R_EYE,
    Point.L_EYE: L_EYE,
    Point.R_EAR: R_EAR,
    Point.L_EAR: L_EAR,
    Point.L_BIG_TOE: L_FOOT,
    Point.L_SMALL_TOE: L_FOOT,
    Point.L_HEEL: L_HEEL,
    Point.R_BIG_TOE: R_FOOT,
    Point.R_SMALL_TOE: R_FOOT,
    Point.R_HEEL: R_HEEL,
    LEFT_HAND.start: L_WRIST,
    LEFT_HAND.start + 2: L_THUMB,
    LEFT_HAND.start + 5: L_INDEX,
    LEFT_HAND.start + 17: L_PINKY,
    RIGHT_HAND.start: R_WRIST,
    RIGHT_HAND.start + 2: R_THUMB,
    RIGHT_HAND.start + 5: R_INDEX,
    RIGHT_HAND.start + 17: R_PINKY,
}
TRUNK = ((L_SHOULDER, R_SHOULDER), (R_SHOULDER, R_HIP), (R_HIP, L_HIP), (L_HIP, L_SHOULDER))
FRONT_OF_HEAD = [Point.NOSE, Point.L_EYE, Point.R_EYE]
TURNED_AWAY = 0.06  # metres by which the nose is behind the ears
OURS = np.array(list(SAME_JOINT), dtype=int)
THEIRS = np.array(list(SAME_JOINT.values()), dtype=int)


def keypoints_of(person: Whole) -> tuple[np.ndarray, np.ndarray]:
    """Everything seen of a person -> points 134 3 and score 134; keypoints that nothing gives have score 0.

    z is the world landmark's z in picture pixels: the image landmarks' own z leans with the body and cannot be used.
    Joints outside the picture keep the network's own score. It fades within a quarter of the torso's length; up to there they are right to
    a fifth of it, which is better than to have none.
    """
    body = person.body
    joints = np.column_stack([body.points, body.world[:, 2] * pixels_per_metre(body)])  # 33 3
    points, score = np.zeros((KEYPOINTS, 3)), np.zeros(KEYPOINTS)
    points[OURS], score[OURS] = joints[THEIRS], body.score[THEIRS]
    score[FRONT_OF_HEAD] *= facing(body)
    shoulders = [Point.L_SHOULDER, Point.R_SHOULDER]
    points[Point.NECK] = points[shoulders].mean(axis=0)
    score[Point.NECK] = score[shoulders].min()
    for part, which, start in ((person.left, LEFT_HAND, L_WRIST), (person.right, RIGHT_HAND, R_WRIST), (person.face, FACE, NOSE)):
        if part is not None:
            points[which] = part.points + (0, 0, joints[start, 2])
            score[which] = part.presence
    for hand, which, wrist in ((person.left, LEFT_HAND, Point.L_WRIST), (person.right, RIGHT_HAND, Point.R_WRIST)):
        if hand is not None:
            # Two looks at one joint: on people with known joints their mean is nearer (0.023 of the torso, the body's own 0.030).
            points[wrist] = (points[wrist] + points[which.start]) / 2
    return points, score


def facing(body: Body) -> float:
    """1 for a head seen from the front or side, 0 from behind: there the network goes on giving eyes and nose high scores."""
    behind = body.world[NOSE, 2] - body.world[[L_EAR, R_EAR], 2].mean()
    return float(np.clip(1 - behind / TURNED_AWAY, 0, 1))


def pixels_per_metre(body: Body) -> float:
    """Scale between the picture and the world landmarks, measured round the trunk."""
    a, b = np.transpose(TRUNK)
    pixels = np.linalg.norm(body.points[a] - body.points[b], axis=1).sum()
    metres = np.linalg.norm(body.world[a, :2] - body.world[b, :2], axis=1).sum()
    return float(pixels / max(metres, 1e-6))
