"""A face painted onto the head's texture from the same outlines that give its 68 points."""

from __future__ import annotations

import cv2
import numpy as np

from animato.people.head import HeadShape, face_outline
from animato.people.looks import Colour, Look, mixed


class _Canvas:
    """Draws in face coordinates (x to the person's left, y up from the chin, parts of the head's height) on the unrolled head."""

    def __init__(self, view: np.ndarray, look: Look) -> None:
        self.view, self.look = view, look
        self.shape = HeadShape(1.0, look.face.jaw)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        height, width = self.view.shape[:2]
        return np.stack([self.shape.turn(points[:, 0], points[:, 1]) / 2 * width, points[:, 1] * height], axis=1)

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        cv2.fillPoly(self.view, [np.round(self.pixels(points) * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)

    def line(self, points: np.ndarray, colour: Colour, thickness: float) -> None:
        """A stroke of a thickness in parts of the head's height."""
        wide = max(round(thickness * self.view.shape[0]), 1)
        cv2.polylines(self.view, [np.round(self.pixels(points) * 16).astype(np.int32)], False, colour, wide, cv2.LINE_AA, 4)

    def disc(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        self.fill(np.stack([x + wide * np.cos(angle), y + high * np.sin(angle)], axis=1), colour)

    def tint(self, x: float, y: float, size: float, colour: Colour, amount: float) -> None:
        """Blends a soft spot of a colour in."""
        height, width = self.view.shape[:2]
        middle = self.pixels(np.array([[x, y]]))[0]
        spread = np.array([0.55 * size * width, size * height])
        left, top = np.maximum(np.floor(middle - 3 * spread), 0).astype(int)
        right, bottom = np.ceil(middle + 3 * spread).astype(int)
        part = self.view[top:bottom, left:right]
        across = ((np.arange(part.shape[1]) + left - middle[0]) / spread[0]) ** 2
        down = ((np.arange(part.shape[0]) + top - middle[1]) / spread[1]) ** 2
        blend = amount * np.exp(-across - down[:, None])[..., None]
        part[:] = np.rint(part * (1 - blend) + np.array(colour) * blend).astype(np.uint8)


def paint_face(view: np.ndarray, look: Look) -> None:
    """H W 3: the head unrolled, the middle of the face at a quarter of the width, the chin at the top."""
    canvas, face = _Canvas(view, look), look.face
    parts = face_outline(face)
    red = mixed(look.skin, (214, 70, 60), 0.5)
    for sign in (-1, 1):
        canvas.tint(sign * 0.19, face.mouth_height + 0.12, 0.07, red, 0.5 * face.blush)
        canvas.tint(sign * face.eye_apart, face.eye_height + 0.01, 0.085, mixed(look.skin, (60, 30, 30), 0.4), 0.5)
    canvas.tint(0.0, 0.235, 0.045, mixed(look.skin, (90, 40, 30), 0.5), 0.45)
    if face.beard:
        _beard(canvas, parts)
    _mouth(canvas, parts["mouth"])
    for name in ("right", "left"):
        _eye(canvas, parts[f"{name}_eye"], parts[f"{name}_brow"])
    for sign in (-1, 1):
        canvas.disc(sign * 0.03 * face.nose_size, 0.256, 0.014, 0.007, mixed(look.skin, (60, 20, 20), 0.5))
    if face.glasses:
        _glasses(canvas)


def _eye(canvas: _Canvas, outline: np.ndarray, brow: np.ndarray) -> None:
    """White, iris, pupil, a spark of light, lid line with lashes, brow."""
    look, centre = canvas.look, outline.mean(axis=0)
    width = np.ptp(outline[:, 0]) / 2
    rounded = _round(outline, centre)
    canvas.fill(rounded, (250, 248, 245))
    canvas.disc(centre[0], centre[1], 0.5 * width, 0.5 * width, look.eyes)
    canvas.disc(centre[0], centre[1], 0.26 * width, 0.26 * width, (16, 12, 12))
    canvas.disc(centre[0] - 0.15 * width, centre[1] + 0.18 * width, 0.12 * width, 0.12 * width, (255, 255, 255))
    upper = rounded[rounded[:, 1] >= centre[1] - 0.02 * width]
    upper = upper[np.argsort(upper[:, 0])]
    canvas.line(upper, mixed(look.skin, (20, 10, 10), 0.85), 0.014)
    lower = rounded[rounded[:, 1] < centre[1] - 0.3 * width]
    canvas.line(lower[np.argsort(lower[:, 0])], mixed(look.skin, (60, 20, 20), 0.4), 0.005)
    canvas.line(brow, mixed(look.hair if sum(look.hair) < 480 else (140, 108, 60), look.skin, 0.15), 0.024 * look.face.brow_weight)


def _round(outline: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """An ellipse through the corners of an eye outline, a little pointed at the corners as eyes are."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    width, height = np.ptp(outline[:, 0]) / 2, 1.15 * np.ptp(outline[:, 1]) / 2
    return np.stack([centre[0] + width * np.cos(angle), centre[1] + height * np.sin(angle) * np.abs(np.sin(angle)) ** 0.25], axis=1)


def _mouth(canvas: _Canvas, mouth: np.ndarray) -> None:
    look = canvas.look
    lips = mixed(look.skin, (176, 50, 56), 0.30 + 0.22 * min(look.face.lips - 0.6, 1.0))
    canvas.fill(mouth[:12], lips)
    canvas.fill(np.concatenate([mouth[:7], mouth[12:17][::-1]]), mixed(lips, (80, 20, 24), 0.2))
    canvas.fill(mouth[12:], (240, 232, 226) if look.face.smile > 0.75 else mixed(lips, (50, 10, 14), 0.7))
    canvas.line(mouth[12:17], mixed(lips, (50, 10, 14), 0.7), 0.006)


def _beard(canvas: _Canvas, parts: dict[str, np.ndarray]) -> None:
    jaw, mouth = parts["jaw"], parts["mouth"]
    colour = mixed(canvas.look.skin, canvas.look.hair, 0.75 * canvas.look.face.beard)
    arch = np.sin(np.linspace(0, np.pi, 13)) ** 0.6
    lip = mouth[:, 1].max() + 0.025  # the moustache
    top = np.stack([jaw[2:15, 0] * (1 - 0.12 * arch), jaw[2:15, 1] + arch * np.maximum(lip - jaw[2:15, 1], 0.06)], axis=1)
    low = np.stack([jaw[2:15, 0] * 1.1, jaw[2:15, 1] - 0.08 * arch], axis=1)
    canvas.fill(np.concatenate([top, low[::-1]]), colour)


def _glasses(canvas: _Canvas) -> None:
    face = canvas.look.face
    angle = np.linspace(0, 2 * np.pi, 33)
    for sign in (-1, 1):
        ring = np.stack([sign * face.eye_apart + 0.11 * np.cos(angle), face.eye_height - 0.005 + 0.09 * np.sin(angle)], axis=1)
        canvas.line(ring, (40, 36, 40), 0.014)
        side = np.array([[sign * (face.eye_apart + 0.11), face.eye_height + 0.02], [sign * 0.315, face.eye_height + 0.03]])
        canvas.line(side, (40, 36, 40), 0.012)
    canvas.line(
        np.array([[-(face.eye_apart - 0.11), face.eye_height + 0.01], [face.eye_apart - 0.11, face.eye_height + 0.01]]), (40, 36, 40), 0.014
    )
