"""What hands and forearms hid of body and legs: its outline drawn on straight, its colours taken from the body's other side."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.skeleton import LAYERS, J
from animato.puppet.bones import ARMS, TORSO
from animato.puppet.figure import Figure, around, cropped, trunk, widened
from animato.puppet.fill import nearest_value, spread_colours
from animato.puppet.joints import pixel_mirror
from animato.puppet.layers import NOTCH, closed_up, first_stretch

LONGEST = 0.55  # T: the longest stretch of the body's side that a straight line stands for
UPRIGHT = 0.5  # tangent of the lean up to which a body's sides are looked at row by row
FROM, TO = 0.35, 1.0  # T below the neck and below the hips between which sides are looked at
BESIDE = 0.06  # T beside the body's edge within which an arm covers that edge
SHADE = 0.03  # T around an arm in which the body lies in its shade: colours are lent from farther off
STEADY = 0.05  # T of rows on each side of a stretch whose edges tell where the line begins
AROUND = 0.4  # T around trunk and what is hidden within which colours are looked for
EVEN, SAMPLES = 0.2, 21  # T to each side of a pixel over which colours are evened, and how many of them tell
RIM = 0.08  # T around what is hidden within which both sides are compared in brightness


def underneath(figure: Figure, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Layer -> H W 4 uint8: the pixels of body and legs that an arm hides, and what they look like; nothing for a body that lies.

    labels  H W  uint8  owner of each pixel
    """
    hidden = _hidden(figure, labels)
    if not hidden.any():
        return {}
    window = around(hidden | trunk(figure.xy, figure.shape, 1.0), AROUND * figure.unit)
    seen = cropped(figure, window)
    body = seen.inside & ~np.isin(labels[window], ARMS)
    owner = nearest_value(labels[window], body)
    colours = _colours(seen, body, hidden[window])
    hips = first_stretch(seen, "leg_l") | first_stretch(seen, "leg_r")
    patches = {}
    for number in np.unique(owner[hidden[window]]):
        shown = hidden[window] & ((owner == number) | hips if number == TORSO else owner == number)
        patches[LAYERS[number]] = np.zeros((*figure.shape, 4), np.uint8)
        patches[LAYERS[number]][window] = np.dstack([colours, 255 * shown])
    return patches


def _hidden(figure: Figure, labels: np.ndarray) -> np.ndarray:
    """H W bool: arm pixels inside the straight lines that join the body's visible edges above and below an arm."""
    hidden = np.zeros(figure.shape, bool)
    spine = figure.bones["torso"][0]
    if abs(spine.b[0] - spine.a[0]) > UPRIGHT * max(spine.a[1] - spine.b[1], 0):
        return hidden
    arms = np.isin(labels, ARMS) & figure.inside
    body = figure.inside & ~arms
    top, bottom = figure.joint("neck")[1] + FROM * figure.unit, figure.joint("pelvis")[1] + TO * figure.unit
    rows = slice(max(round(top), 0), max(round(min(bottom, len(body))), 0))
    x = np.arange(body.shape[1])
    left = _left_side(body[rows], arms[rows], figure.unit)
    right = body.shape[1] - 1 - _left_side(body[rows, ::-1], arms[rows, ::-1], figure.unit)
    known = (left < body.shape[1]) & (right >= 0)
    straight = (x >= left[:, None]) & (x <= right[:, None])
    notches = closed_up(body, NOTCH * figure.unit)[rows]
    beside = ~body[rows] & widened(arms, BESIDE * figure.unit)[rows]  # what little wall shows between is filled, too
    hidden[rows] = np.where(known[:, None], beside & straight, arms[rows] & notches)
    return hidden


def _left_side(body: np.ndarray, arms: np.ndarray, unit: float) -> np.ndarray:
    """h: the column at which the left side of a body (h w bool) lies, straight where arms (h w bool) cover it; w where nothing tells."""
    width = body.shape[1]
    edge = np.where(body.any(axis=1), body.argmax(axis=1), width)
    reach = max(round(BESIDE * unit), 1)
    x = np.arange(width)
    beside = (x >= edge[:, None] - reach) & (x < edge[:, None])
    steady = max(round(STEADY * unit), 1)
    covered = _closed((edge == width) | (arms & beside).any(axis=1), steady)
    side = np.where(covered, width, edge).astype(float)
    for first, last in _runs(covered):
        start = max(first - steady, 0)
        above = edge[start:first][~covered[start:first]]
        below = edge[last : last + steady][~covered[last : last + steady]]
        if last - first <= LONGEST * unit and len(above) and len(below):
            side[first:last] = np.linspace(np.median(above), np.median(below), last - first + 2)[1:-1]
    return side


def _closed(flags: np.ndarray, gap: int) -> np.ndarray:
    """Flags with gaps between true ones of at most `gap` filled."""
    closed = flags.copy()
    for first, last in _runs(~flags):
        if first > 0 and last < len(flags) and last - first <= gap:
            closed[first:last] = True
    return closed


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last + 1 of each run of true values."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))


def _colours(figure: Figure, body: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """H W 3 uint8: the body's mirror image, as bright as the body around, and, where that is hidden too, the nearest colours."""
    matrix = pixel_mirror(figure.xy)
    size = figure.shape[::-1]
    arms = figure.inside & ~body
    solid = cv2.erode((body & ~widened(arms, SHADE * figure.unit)).astype(np.uint8), np.ones((3, 3), np.uint8))
    image = cv2.warpAffine(figure.colours, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
    shown = cv2.warpAffine(solid, matrix, size, flags=cv2.INTER_NEAREST) > 0
    near = cv2.distanceTransform((~hidden).astype(np.uint8), cv2.DIST_L2, 5) < RIM * figure.unit
    both = shown & (solid > 0) & near
    filled = spread_colours(_even(figure, solid > 0), solid > 0, figure.joint("pelvis") - figure.xy[J["neck"]])
    if not both.any():
        return filled
    weight = cv2.GaussianBlur(both.astype(np.float32), (0, 0), RIM * figure.unit / 2)[..., None]
    difference = (figure.colours - image) * both[..., None]
    change = cv2.GaussianBlur(difference, (0, 0), RIM * figure.unit / 2) / np.maximum(weight, 1e-3)
    mirrored = image + np.where(weight > 1e-3, change, 0)
    return np.clip(np.where(shown[..., None], mirrored, filled), 0, 255).astype(np.uint8)


def _even(figure: Figure, solid: np.ndarray) -> np.ndarray:
    """H W 3 uint8: the body's colours, those at its rim (H W bool) without what is short in a row: a belt goes on, a button does not."""
    rim = solid & widened(~solid, 1)
    y, x = np.nonzero(rim)
    columns = x[:, None] + np.linspace(-EVEN * figure.unit, EVEN * figure.unit, SAMPLES).round().astype(int)  # N SAMPLES
    columns = np.clip(columns, 0, figure.shape[1] - 1)
    shown = solid[y[:, None], columns]
    values = np.where(shown[..., None], figure.colours[y[:, None], columns].astype(np.float32), np.float32(np.inf))
    middle = (shown.sum(axis=1) - 1) // 2
    even = figure.colours.copy()
    even[y, x] = np.sort(values, axis=1)[np.arange(len(y)), middle]
    return even
