"""A drawn person with exact keypoints, hands and mask: the smallest picture that the puppet can be tried on."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.keypoints import KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point, PoseSequence

WIDTH, HEIGHT = 192, 288
SKIN, SHIRT, TROUSERS, HAIR = (224, 172, 140), (190, 40, 50), (40, 60, 150), (60, 40, 20)

# Seen from the front: the person's left is at the picture's right.
STANDING = {
    Point.NOSE: (96, 50),
    Point.NECK: (96, 80),
    Point.R_SHOULDER: (74, 82),
    Point.R_ELBOW: (56, 120),
    Point.R_WRIST: (46, 156),
    Point.L_SHOULDER: (118, 82),
    Point.L_ELBOW: (136, 120),
    Point.L_WRIST: (146, 156),
    Point.R_HIP: (83, 156),
    Point.R_KNEE: (80, 208),
    Point.R_ANKLE: (78, 258),
    Point.L_HIP: (109, 156),
    Point.L_KNEE: (112, 208),
    Point.L_ANKLE: (114, 258),
    Point.R_EYE: (92, 46),
    Point.L_EYE: (100, 46),
    Point.R_EAR: (84, 49),
    Point.L_EAR: (108, 49),
    Point.L_BIG_TOE: (121, 268),
    Point.L_SMALL_TOE: (126, 267),
    Point.L_HEEL: (113, 264),
    Point.R_BIG_TOE: (71, 268),
    Point.R_SMALL_TOE: (66, 267),
    Point.R_HEEL: (79, 264),
}


def pose_of(places: dict[Point, tuple[float, float]] = STANDING, mask: np.ndarray | None = None, hands: bool = True) -> PoseSequence:
    """One frame with these keypoints, all certain."""
    points, score = np.zeros((1, 1, KEYPOINTS, 3)), np.zeros((1, 1, KEYPOINTS))
    for point, place in places.items():
        points[0, 0, point, :2], score[0, 0, point] = place, 1.0
    if hands:
        for part, elbow, wrist in (
            (LEFT_HAND, Point.L_ELBOW, Point.L_WRIST),
            (RIGHT_HAND, Point.R_ELBOW, Point.R_WRIST),
        ):
            points[0, 0, part, :2] = hand_points(np.array(places[elbow], float), np.array(places[wrist], float))
            score[0, 0, part] = 1.0
    return PoseSequence(points, score, (WIDTH, HEIGHT), mask=None if mask is None else mask[None])


def hand_points(elbow: np.ndarray, wrist: np.ndarray) -> np.ndarray:
    """21 2: an open hand that prolongs the forearm, 18 pixels long."""
    along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    across = np.array([-along[1], along[0]])
    points = [wrist]
    for finger in range(5):
        for joint in range(4):
            reach = (5, 9, 12, 14)[joint] if finger == 0 else (9, 12, 15, 18)[joint]
            points.append(wrist + reach * along + (finger - 2) * (2.0 + 0.5 * joint) * across)
    return np.array(points)


def draw(
    background: tuple[int, int, int] | np.ndarray, places: dict[Point, tuple[float, float]] = STANDING
) -> tuple[np.ndarray, np.ndarray]:
    """H W 3 picture of the person and its H W uint8 mask (0 or 255)."""
    canvas = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    canvas[:] = background
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _, colour, paint in _strokes(places):
        layer = np.zeros_like(mask)
        paint(layer)
        canvas[layer > 0], mask[layer > 0] = colour, 255
    return canvas, mask


def drawn_owners(places: dict[Point, tuple[float, float]] = STANDING) -> np.ndarray:
    """H W int: the layer (place in body.LAYERS) that each pixel of `draw` was painted for, -1 for the background."""
    owners = np.full((HEIGHT, WIDTH), -1)
    for owner, _, paint in _strokes(places):
        layer = np.zeros((HEIGHT, WIDTH), np.uint8)
        paint(layer)
        owners[layer > 0] = owner
    return owners


def soft(mask: np.ndarray) -> np.ndarray:
    """A mask as an estimator gives it: at a quarter of the size, blurred."""
    small = cv2.resize(mask, (mask.shape[1] // 4, mask.shape[0] // 4), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), 1.0)


def _strokes(places):
    """Owner, colour and brush of everything that is painted, from back to front."""
    p = {point: np.array(place) for point, place in places.items()}

    def line(*points, width):
        return lambda layer: cv2.polylines(layer, [np.round([p[x] for x in points]).astype(np.int32)], False, 255, width)

    for side, owner in (("R", 4), ("L", 3)):
        hip, knee, ankle, toe = (getattr(Point, f"{side}_{name}") for name in ("HIP", "KNEE", "ANKLE", "BIG_TOE"))
        yield owner, TROUSERS, line(hip, knee, width=22)
        yield owner, TROUSERS, line(knee, ankle, width=16)
        yield owner, HAIR, line(ankle, toe, width=10)
    trunk = np.round([p[Point.R_SHOULDER], p[Point.L_SHOULDER], p[Point.L_HIP] + (8, 0), p[Point.R_HIP] - (8, 0)]).astype(np.int32)
    yield 0, SKIN, line(Point.NOSE, Point.NECK, width=14)
    yield 0, SHIRT, lambda layer: cv2.fillPoly(layer, [trunk], 255)
    nose = np.round(p[Point.NOSE]).astype(int)
    yield 0, HAIR, lambda layer: cv2.ellipse(layer, (int(nose[0]), int(nose[1]) - 4), (16, 20), 0, 0, 360, 255, -1)
    yield 0, SKIN, lambda layer: cv2.ellipse(layer, (int(nose[0]), int(nose[1])), (11, 15), 0, 0, 360, 255, -1)
    for side, owner in (("R", 2), ("L", 1)):
        shoulder, elbow, wrist = (getattr(Point, f"{side}_{name}") for name in ("SHOULDER", "ELBOW", "WRIST"))
        yield owner, SHIRT, line(shoulder, elbow, width=15)
        yield owner, SKIN, line(elbow, wrist, width=11)
        hand = np.round(hand_points(p[elbow].astype(float), p[wrist].astype(float))).astype(np.int32)
        yield owner, SKIN, lambda layer, hand=hand: cv2.fillConvexPoly(layer, cv2.convexHull(hand), 255)
