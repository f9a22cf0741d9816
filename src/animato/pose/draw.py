"""Skeleton pictures: pixel for pixel what a published system was trained on (its Style: pose/styles), and a clear overlay for people."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from animato.core.fit import stretched
from animato.core.media import Clip
from animato.core.shapes import Size
from animato.core.timing import UNKNOWN_RATE, usual_rate
from animato.pose.keypoints import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, Point, PoseSequence

VISIBLE = 0.3
HIDDEN = -1.0

HUES = (
    *((255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85), (0, 255, 170)),
    *((0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85)),
)
BODY_LIMBS = (
    *((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13)),
    *((1, 0), (0, 14), (14, 16), (0, 15), (15, 17)),
)
_HAND_BONES = tuple((0 if joint % 4 == 1 else joint - 1, joint) for joint in range(1, 21))

_FOOT_BONES = ((13, 18), (13, 20), (10, 21), (10, 23))
_FACE_LINES = ((0, 17), (17, 22), (22, 27), (27, 31), (31, 36), (36, 42), (42, 48), (48, 60), (60, 68))  # first, one past the last
_LEFT, _RIGHT, _MIDDLE, _OTHERS = (255, 150, 30), (40, 170, 255), (120, 240, 120), (170, 170, 170)


@dataclass(frozen=True, eq=False)
class Figure:
    """One person in one frame as the published drawings take them, in unit coordinates (x / width, y / height).

    body   20 2   18 OpenPose points, then the left and the right foot (the middle of big and small toe)
    shown  20     bool: which body points are drawn
    hands  2 21 2 left, right; hidden points are HIDDEN
    face   68 2   hidden points are HIDDEN
    """

    body: np.ndarray
    shown: np.ndarray
    hands: np.ndarray
    face: np.ndarray


@dataclass(frozen=True)
class Style:
    """How one published system draws a figure.

    limbs       pairs of body points, in drawing order; limb i has colours[i]
    colours     of limbs and joints, in the channel order of the published code; joint i has colours[i]
    joints      how many body points get a disc
    limb_width  half thickness of a limb and thickness of a hand bone in pixels; None: they grow with the bone
    hand_joint  radius of the discs on the hands
    face        whether the 68 face points are drawn
    reversed    whether the network sees the channels of `colours` in reverse order
    side        px on the short side of the picture that clips are drawn in before they come to their size; None: drawn in their size
    """

    limbs: tuple[tuple[int, int], ...]
    colours: tuple[tuple[int, int, int], ...]
    joints: int
    limb_width: tuple[int, int] | None
    hand_joint: int
    face: bool
    reversed: bool
    side: int | None = None


def figure(pose: PoseSequence, frame: int = 0, person: int = 0, hand_points: int = 12) -> Figure:
    """What is drawn of one person in one frame.

    A hand with fewer than `hand_points` visible points is left out; with 0 none is, as published.
    """
    unit = pose.points[frame, person, :, :2] / pose.size  # K 2
    score = pose.score[frame, person]
    feet = [(Point.L_BIG_TOE, Point.L_SMALL_TOE), (Point.R_BIG_TOE, Point.R_SMALL_TOE)]
    body = np.concatenate([unit[BODY], [unit[list(pair)].mean(axis=0) for pair in feet]])
    shown = np.concatenate([score[BODY] > VISIBLE, [np.all(score[list(pair)] > VISIBLE) for pair in feet]])
    seen = np.where(score[:, None] < VISIBLE, HIDDEN, unit)
    hands = np.stack([seen[LEFT_HAND], seen[RIGHT_HAND]])
    for side, hand in enumerate((LEFT_HAND, RIGHT_HAND)):
        if np.sum(score[hand] >= VISIBLE) < hand_points:
            hands[side] = HIDDEN
    return Figure(body, shown, hands, seen[FACE])


def draw(person: Figure, style: Style, size: Size) -> np.ndarray:
    """H W 3 uint8 RGB: the figure on black as the network of `style` expects it."""
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    body = person.body * size
    _limbs(canvas, body, person.shown, style)
    canvas = (canvas * 0.6).astype(np.uint8)
    for joint in range(style.joints):
        if person.shown[joint]:
            cv2.circle(canvas, _pixel(body[joint]), 4, style.colours[joint], thickness=-1)
    for hand in person.hands:
        _hand(canvas, hand * size, style)
    if style.face:
        for point in person.face * size:
            if _inside(point):
                cv2.circle(canvas, _pixel(point), 3, (255, 255, 255), thickness=-1)
    return np.ascontiguousarray(canvas[..., ::-1]) if style.reversed else canvas


def skeletons(pose: PoseSequence, style: Style, size: Size | None = None) -> Clip:
    """The first person of a sequence drawn frame by frame as its network expects it; nothing is drawn before it is asked for.

    Where the style has a `side`, as MusePose's training had, lines are as thin in every size, and squashed where the figure is. (MusePose's
    published sampling draws in the shape of the driving video, and stretches the lines with it.)
    """
    size = size or pose.size
    scale = style.side / min(pose.size) if style.side else None
    drawn = (round(pose.size[0] * scale), round(pose.size[1] * scale)) if scale else size

    def frames() -> Iterator[np.ndarray]:
        return (draw(figure(pose, frame), style, drawn) for frame in range(len(pose)))

    clip = Clip(frames, drawn, usual_rate(pose.fps or UNKNOWN_RATE), len(pose))
    return clip if drawn == size else clip.map(lambda frame: stretched(frame, size), size)


def draw_overlay(frame: np.ndarray, pose: PoseSequence, index: int = 0) -> np.ndarray:
    """A copy of an H W 3 picture of any size with the people of one pose frame drawn over it.

    Left limbs are orange and right limbs blue; everyone but the first person is grey.
    """
    size = (frame.shape[1], frame.shape[0])
    points = pose.scaled(size).points[index, ..., :2]  # P K 2
    seen = pose.present(VISIBLE)[index]
    canvas = frame.copy()
    for person in reversed(range(pose.people)):
        _overlay(canvas, points[person], seen[person], person > 0)
    return canvas


def smart_width(length: float) -> int:
    """MusePose's thickness of a bone of so many pixels."""
    return 1 + sum(length >= limit for limit in (5, 10, 20, 40, 80, 160, 320))


def _limbs(canvas: np.ndarray, body: np.ndarray, shown: np.ndarray, style: Style) -> None:
    for (start, end), colour in zip(style.limbs, style.colours, strict=False):
        if not (shown[start] and shown[end]):
            continue
        middle, bone = (body[start] + body[end]) / 2, body[start] - body[end]
        length = np.hypot(*bone)
        width = style.limb_width[0] if style.limb_width else smart_width(length)
        angle = np.degrees(np.arctan2(bone[1], bone[0]))
        outline = np.array(cv2.ellipse2Poly(_pixel(middle), (int(length / 2), width), int(angle), 0, 360, 1))
        cv2.fillConvexPoly(canvas, outline, colour)


def _hand(canvas: np.ndarray, points: np.ndarray, style: Style) -> None:
    for edge, (start, end) in enumerate(_HAND_BONES):
        a, b = points[start], points[end]
        if _inside(a) and _inside(b):
            colour = [255 * channel for channel in colorsys.hsv_to_rgb(edge / 20, 1, 1)]
            width = style.limb_width[1] if style.limb_width else smart_width(np.hypot(*(np.trunc(a) - np.trunc(b))))
            cv2.line(canvas, _pixel(a), _pixel(b), colour, thickness=width)
    for point in points:
        if _inside(point):
            cv2.circle(canvas, _pixel(point), style.hand_joint, (0, 0, 255), thickness=-1)


def _overlay(canvas: np.ndarray, points: np.ndarray, seen: np.ndarray, grey: bool) -> None:
    thick = max(2, round(min(canvas.shape[:2]) / 130))
    lines = [(pair, thick) for pair in BODY_LIMBS + _FOOT_BONES]
    for hand in (LEFT_HAND, RIGHT_HAND):
        lines += [((hand.start + a, hand.start + b), max(1, thick // 2)) for a, b in _HAND_BONES]
    lines += [((FACE.start + i, FACE.start + i + 1), max(1, thick // 3)) for first, last in _FACE_LINES for i in range(first, last - 1)]
    lines = [(pair, width) for pair, width in lines if seen[list(pair)].all()]
    for outline in (True, False):  # a dark rim under every line keeps it readable on any picture
        for (start, end), width in lines:
            colour = (0, 0, 0) if outline else _OTHERS if grey else _side(max(start, end))
            cv2.line(canvas, _pixel(points[start]), _pixel(points[end]), colour, width + 2 * outline, cv2.LINE_AA)
    for joint in range(FEET.stop):
        if seen[joint]:
            cv2.circle(canvas, _pixel(points[joint]), thick, (255, 255, 255) if not grey else _OTHERS, -1, cv2.LINE_AA)


def _side(point: int) -> tuple[int, int, int]:
    if point < FEET.stop:
        name = Point(point).name
        return _LEFT if name.startswith("L_") else _RIGHT if name.startswith("R_") else _MIDDLE
    return _MIDDLE if point < FACE.stop else _LEFT if point < LEFT_HAND.stop else _RIGHT


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _inside(point: np.ndarray) -> bool:
    """The published test for hand and face points: it also drops what falls on column or row 0."""
    return int(point[0]) > 0 and int(point[1]) > 0
