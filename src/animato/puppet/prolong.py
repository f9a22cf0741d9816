"""What the edge of the picture cuts off is prolonged beyond it, so that no cut shows when the figure moves away from the edge."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.parts import Layer

_BELOW = 0.7  # T: how far body and legs go on below the picture
_FRAME = 3  # rows at the edge of a picture that are often darkened or blurred: the mirrored ones take their place
_SLOPE_ROWS = 0.25  # T: the rows above the edge from which the outline is prolonged
_STEEPEST = 0.8  # pixels sideways a row that an outline may go on widening
_CAP = 0.35  # height over width of the cap that closes a head cut off at the top
_HAIR = 0.15  # of the width of the cut: so much of each end is hair when the middle is a forehead
_STREAKS = 0.25  # how much of the first row's own colours goes on in the cap
_VISIBLE = 127


def prolonged(layer: Layer, torso: float) -> tuple[Layer, complex]:
    """The layer on a larger canvas, and where its first pixel lies in the picture. Arms, and what no edge cuts, come back as they are.

    Downwards the picture is mirrored between outlines that keep their slope: repeating the last row, as a first try did, draws streaks. A
    head is closed with a cap in the colour of its sides, which are hair. An arm that ends near the edge would become a brick.
    """
    if layer.name.startswith("arm"):
        return layer, 0j
    alpha = layer.texture[..., 3]
    below = round(_BELOW * torso) if (alpha[-1] > _VISIBLE).any() else 0
    cap = _cap(alpha[0]) if layer.name == "torso" else np.zeros((0, alpha.shape[1]), np.uint8)
    if not below and not len(cap):
        return layer, 0j
    texture = _grown(layer.texture, below, cap, torso)
    back = None if layer.back is None else _grown(layer.back, below, cap, torso)
    return Layer(layer.name, texture, layer.radius, back, layer.frozen), -1j * len(cap)


def _cap(row: np.ndarray) -> np.ndarray:
    """h W uint8: half an ellipse on the visible part of the first row; no rows if nothing of it is visible."""
    seen = np.flatnonzero(row > _VISIBLE)
    if not len(seen):
        return np.zeros((0, len(row)), np.uint8)
    half = (seen[-1] - seen[0] + 1) / 2
    height = max(round(2 * half * _CAP), 1)
    cap = np.zeros((height, len(row)), np.uint8)
    centre = (round((seen[0] + seen[-1]) / 2), height)
    cv2.ellipse(cap, centre, (round(half), height), 0, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
    return cap


def _grown(rgba: np.ndarray, below: int, cap: np.ndarray, torso: float) -> np.ndarray:
    parts = [_hair(rgba[0], cap)] if len(cap) else []
    if not below:
        return np.vstack([*parts, rgba])
    kept = rgba[:-_FRAME]
    return np.vstack([*parts, kept, _mirrored(kept, below + _FRAME, round(_SLOPE_ROWS * torso))])


def _hair(row: np.ndarray, cap: np.ndarray) -> np.ndarray:
    """h W 4: a cap whose colours run from those of the left end of the cut (W 4) to those of the right end."""
    seen = np.flatnonzero(row[:, 3] > _VISIBLE)
    end = max(round(_HAIR * len(seen)), 1)
    left, right = (np.median(row[part, :3], axis=0) for part in (seen[:end], seen[-end:]))
    across = np.clip((np.arange(len(row)) - seen[0]) / max(seen[-1] - seen[0], 1), 0, 1)[:, None]
    colours = (1 - _STREAKS) * (left + across * (right - left)) + _STREAKS * row[:, :3]
    alpha = cv2.min(cap, np.repeat(row[None, :, 3], len(cap), axis=0))
    return np.dstack([np.repeat(np.rint(colours)[None].astype(np.uint8), len(cap), axis=0), alpha])


def _mirrored(rgba: np.ndarray, below: int, rows: int) -> np.ndarray:
    """below W 4: the picture mirrored at its lower edge; each row is stretched to lie between the outlines, which go on as they came."""
    height, width = rgba.shape[:2]
    depth = np.arange(1, below + 1)
    source = height - 1 - np.minimum(_bounced(depth, max(min(rows, height - 1), 1)), height - 1)
    ends = np.array([_ends(rgba[y, :, 3]) for y in range(height - 1 - min(rows, height - 1), height)])  # n 2
    target = ends[-1] + depth[:, None] * _slopes(ends)
    inner = ends[source - height + len(ends)]
    scale = (inner[:, 1] - inner[:, 0]) / np.maximum(target[:, 1] - target[:, 0], 1)
    x = inner[:, :1] + (np.arange(width) - target[:, :1]) * scale[:, None]
    y = np.repeat(source[:, None], width, axis=1)
    return cv2.remap(rgba, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _bounced(depth: np.ndarray, most: int) -> np.ndarray:
    """1, 2, ..., most, most - 1, ..., 0, 1, ...: back and forth, so that a long way down needs no more rows than there are."""
    phase = depth % (2 * most)
    return np.where(phase > most, 2 * most - phase, phase)


def _ends(alpha: np.ndarray) -> tuple[float, float]:
    """The first and last visible column of a row (W); the whole row if nothing is visible."""
    seen = np.flatnonzero(alpha > _VISIBLE)
    return (float(seen[0]), float(seen[-1])) if len(seen) else (0.0, float(len(alpha) - 1))


def _slopes(ends: np.ndarray) -> np.ndarray:
    """2: how far the left and the right outline (n 2, from top to bottom) move a row; outlines are never let converge."""
    if len(ends) < 3:
        return np.zeros(2)
    left, right = np.polyfit(np.arange(len(ends)), ends, 1)[0]
    return np.array([np.clip(left, -_STEEPEST, 0), np.clip(right, 0, _STEEPEST)])
