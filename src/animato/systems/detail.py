"""Fine detail that a small network never saw, carried from the picture to where the network fetched from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from animato.core.shapes import Size
from animato.pose.crop import Box

SURE = 0.012  # standard deviation of a source, in fractions of the canvas, above which its detail fades
ALIKE = 12.0  # difference of colours, of 255, above which detail is not that of what is shown


@dataclass(frozen=True, eq=False)
class Source:
    """Where the pixels of one small frame were fetched from."""

    position: np.ndarray  # 2 h w, x and y of the mean position, in fractions of the canvas
    variance: np.ndarray  # h w, about that position
    weight: np.ndarray  # H W, how much of a pixel was fetched; the rest is the canvas at the same position


def detailed(
    frames: Iterable[np.ndarray], sources: Iterable[Source], picture: np.ndarray, canvas: np.ndarray, box: Box
) -> Iterator[np.ndarray]:
    """Small frames that show `box` of a picture, brought back onto the picture, with what the picture has and its small canvas lacks.

    Detail fades where many positions answered, and where the frame shows another colour than the position that the detail comes from.
    """
    size = picture.shape[1::-1]
    lost = picture.astype(np.float32) - enlarged(canvas.astype(np.float32), box, size)
    for frame, source in zip(frames, sources, strict=True):
        stays, moves = (enlarged(one, box, size, cv2.INTER_LINEAR)[..., None] for one in weights(frame, canvas, source))
        x, y = (enlarged(one, box, size, cv2.INTER_LINEAR) for one in source.position)
        x, y = (box[i] + one * box[2 + i] - 0.5 for i, one in enumerate((x, y)))
        carried = cv2.remap(lost, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        large = enlarged(frame.astype(np.float32), box, size) + moves * carried + stays * lost
        yield large.round().clip(0, 255).astype(np.uint8)


def weights(frame: np.ndarray, canvas: np.ndarray, source: Source) -> tuple[np.ndarray, np.ndarray]:  # H W each
    """Of the detail at the same position, and of that at the position from where a pixel was fetched."""
    size = canvas.shape[1::-1]
    x, y = (cv2.resize(one, size) * side - 0.5 for one, side in zip(source.position, size, strict=True))
    fetched = cv2.remap(canvas, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    sure = cv2.resize(np.exp(-source.variance / (2 * SURE**2)), size)
    return (1 - source.weight) * _alike(frame, canvas), source.weight * sure * _alike(frame, fetched)


def _alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:  # H W 3 twice -> H W
    difference = np.abs(one.astype(np.float32) - other).mean(axis=-1)
    return np.exp(-((difference / ALIKE) ** 2))


def enlarged(small: np.ndarray, box: Box, size: Size, how: int = cv2.INTER_CUBIC) -> np.ndarray:
    """A small picture or map of `box`, brought back onto a picture of this size."""
    left, top, width, height = box
    x, y = width / small.shape[1], height / small.shape[0]
    matrix = np.array([[x, 0, left + x / 2 - 0.5], [0, y, top + y / 2 - 0.5]])
    return cv2.warpAffine(small, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
