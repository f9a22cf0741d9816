"""Clean limbs: an arm that hung beside the body is one tube of its own colours, without the hair, cloth or wall that lay beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from animato.pose.skeleton import LAYERS, PRIOR
from animato.puppet.bones import ARMS, TORSO, Bone
from animato.puppet.figure import Figure, Window, around, cropped, widened
from animato.puppet.fill import nearest_value

ROWS = 24  # heights along a bone at which its outline and its colours are told
ENDS = ((0.2, 1.08), (-0.08, 0.97))  # of upper arm and forearm, between which they are tubes
FARTHEST = 2.6  # prior half thicknesses from the bone within which its edges are sought
THICKNESS = (0.5, 1.15)  # least and most half thickness of a tube, of the prior
DOWN = 0.3  # of its length that a bone must lead down the trunk
OPEN, TOUCHING = 0.6, 0.25  # share of the rows whose outer edge must end at the background, and of those whose inner one must not
OUTER = (0.2, 1.05)  # half thicknesses from the outer edge between which the limb's own colours are read, in COLUMNS
COLUMNS = 3
LIGHTNESS = 0.4  # weight of lightness in a colour's distance: the inner half lies in the shade
AROUND, SAMPLES = 0.3, 300  # T around the arms, and colours, by which background and body are told from each other
FAR = 1000.0  # Lab
FAINT, ASIDE = 0.03, 0.03  # opacity of certain background, and T from the person at which it begins
DEPTHS = (0.0, 0.03, 0.06)  # T inside the body at which its colours are compared
CLEARLY = 0.4  # of its distance from limb and body: what is so much nearer to the background goes, too
ALIKE = 10.0  # Lab: what is so near to the background may go: the background shows in its place
EVEN = 0.015  # T around a pixel over which its distances are evened
SEEN = 0.5  # share of the heights at which something of the limb must show
CROSSING = 9  # rows to either side whose median takes away what crosses the limb: a strap, a curl, the seam of another garment
STRANGE = (26.0, 14.0)  # Lab: how far a colour of the outer and of the inner half must lie from the limb's own at its height
TWO_COLOURED = 0.25  # share of the inner half that is strange where it stands free: such a limb is of two colours
PATTERN = 0.2  # share of the heights at which a patterned sleeve differs from what is usual around them


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A figure whose arms hold nothing but arm.

    figure  without the wall between arm and body that its mask had taken for the person
    labels  H W uint8  owner of each pixel
    tubes   arm -> H W 4 uint8  what it looks like where something else lies over it in the picture
    """

    figure: Figure
    labels: np.ndarray
    tubes: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Side:
    """The way across a bone at ROWS heights: pixels to the first one outside the person, and whether no other part comes before it."""

    edge: np.ndarray
    open: np.ndarray


def clean(figure: Figure, labels: np.ndarray, arms: Sequence[int] = ARMS) -> Cleaned:
    """The arms' long bones as tubes, where they touch the body; as they are where they stand free or their sleeves are patterned."""
    tubes = {LAYERS[arm]: np.zeros((*figure.shape, 4), np.uint8) for arm in arms}
    away = np.zeros(figure.shape, np.float32)
    for arm in arms:
        for number, window in enumerate(_windows(figure, arm)):
            found = _tube(cropped(figure, window), labels[window], arm, number)
            if found is not None:
                tube = tubes[LAYERS[arm]][window]
                tube[:] = np.where(found[0][..., 3:] > 0, found[0], tube)
                away[window] = np.maximum(away[window], found[1])
    if not away.any():
        return Cleaned(figure, labels, tubes)
    wall, body = _belongs(figure, labels, away)
    for tube in tubes.values():
        tube[(away > 0) & ~wall & ~body] = 0  # a bracelet is the arm's own
    alpha = np.where(wall, np.float32(0), figure.alpha)
    return Cleaned(replace(figure, alpha=alpha), np.where(body, np.uint8(TORSO), labels), tubes)


def _windows(figure: Figure, arm: int) -> list[Window]:
    """The rows and columns around each of the arm's two long bones."""
    reach = FARTHEST * PRIOR[LAYERS[arm]][0] * figure.unit
    return [around(each.distance < 1, reach) for each in figure.bones[LAYERS[arm]][: len(ENDS)]]


def _tube(figure: Figure, labels: np.ndarray, arm: int, number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A bone's tube, H W 4 uint8, and how strange to the limb what the arm held there is, H W float32, 0 where it is not.

    None where all is to stay as it is.
    """
    name = LAYERS[arm]
    bone = figure.bones[name][number]
    prior = PRIOR[name][number] * figure.unit
    if bone.length < prior or not _hangs(figure, bone):
        return None
    sides = {sign: _side(figure, labels == arm, bone, sign, FARTHEST * prior, ENDS[number]) for sign in (1, -1)}
    sign = max(sides, key=lambda one: float(sides[one].open.mean()))
    outer, inner = sides[sign], sides[-sign]
    if outer.open.mean() < OPEN or (~inner.open).mean() < TOUCHING:
        return None
    edge = _smooth(outer)
    half = figure.radii[name][number] if inner.open.sum() < 4 else float(np.median((edge + inner.edge)[inner.open])) / 2
    half = float(np.clip(half, THICKNESS[0] * prior, THICKNESS[1] * prior))
    row, depth = _coordinates(bone, sign, edge, ENDS[number], figure.shape)
    zone = (row >= 0) & (row < ROWS) & _nearest(figure, name, number)
    mine = zone & (labels == arm) & figure.inside
    depth /= half
    colours = _own_colours(figure.picture, mine, row, depth)
    if colours is None:
        return None
    strange = _strange(figure.picture, mine, row, depth, colours)
    free = mine & (depth >= 1) & (depth < 2) & inner.open[np.clip(np.rint(row), 0, ROWS - 1).astype(int)]
    if free.any() and (strange[free] > 0).mean() > TWO_COLOURED:
        return None
    inside = zone & (depth > 0) & (depth < 2) & ((labels != arm) | (strange > 0))
    return np.dstack([_painted(row, depth, colours), 255 * inside]).astype(np.uint8), strange


def _hangs(figure: Figure, bone: Bone) -> bool:
    """Whether a bone leads down beside the trunk: what a raised arm touches is hair or a veil of its own."""
    spine = figure.bones["torso"][0]
    down = (spine.a - spine.b) / max(spine.length, 1e-6)
    return bool((bone.b - bone.a) @ down > DOWN * bone.length)


def _side(figure: Figure, mine: np.ndarray, bone: Bone, sign: int, farthest: float, ends: tuple[float, float]) -> Side:
    """What lies across a bone on one side (sign 1 or -1)."""
    along = (bone.b - bone.a) / bone.length
    normal = sign * np.array([-along[1], along[0]])
    starts = bone.a + np.linspace(*ends, ROWS)[:, None] * (bone.b - bone.a)
    points = starts[:, None] + np.arange(0, farthest)[:, None] * normal  # ROWS N 2
    x = points[..., 0].astype(int)
    y = points[..., 1].astype(int)
    height, width = figure.shape
    within = (points >= 0).all(axis=2) & (x < width) & (y < height)
    x = np.clip(x, 0, width - 1)
    y = np.clip(y, 0, height - 1)
    inside = figure.inside[y, x] & within
    edge = _first(~inside)
    return Side(edge, (edge < inside.shape[1]) & (edge <= _first(inside & ~mine[y, x]) + 2))


def _first(found: np.ndarray) -> np.ndarray:
    """For each row the place of the first true value; the row's length where there is none."""
    return np.where(found.any(axis=1), found.argmax(axis=1), found.shape[1])


def _smooth(side: Side) -> np.ndarray:
    """ROWS: the open edge, carried on where it is not open, without steps."""
    rows = np.arange(ROWS)
    edge = np.pad(np.interp(rows, rows[side.open], side.edge[side.open]), 3, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(edge, 7), axis=1)


def _coordinates(
    bone: Bone, sign: int, edge: np.ndarray, ends: tuple[float, float], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """H W float32 twice: a pixel's row along the bone (-1 beyond its ends), and how many pixels it lies inside the open edge."""
    along = (bone.b - bone.a) / bone.length
    x = np.arange(shape[1], dtype=np.float32) + np.float32(0.5 - bone.a[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - bone.a[1])
    row = (bone.t - ends[0]) / (ends[1] - ends[0]) * (ROWS - 1)
    across = sign * (y * np.float32(along[0]) - x * np.float32(along[1]))
    beyond = (row < 0) | (row > ROWS - 1)
    return np.where(beyond, np.float32(-1), row), np.interp(row, np.arange(ROWS), edge).astype(np.float32) - across


def _nearest(figure: Figure, name: str, number: int) -> np.ndarray:
    """H W bool: nearer to this bone than to the limb's others, in their half thicknesses."""
    away = [each.distance / radius for each, radius in zip(figure.bones[name], figure.radii[name], strict=True)]
    return np.argmin(away, axis=0) == number


def _own_colours(picture: np.ndarray, mine: np.ndarray, row: np.ndarray, depth: np.ndarray) -> np.ndarray | None:
    """ROWS COLUMNS 3 float32: what the outer half looks like at each height, without what crosses it; None for a patterned sleeve.

    depth  H W float32  half thicknesses from the open edge
    """
    own = mine & (depth > OUTER[0]) & (depth < OUTER[1])
    height = np.clip(np.rint(row), 0, ROWS - 1).astype(int)
    column = np.clip((depth - OUTER[0]) / (OUTER[1] - OUTER[0]) * COLUMNS, 0, COLUMNS - 1).astype(int)
    cells = np.full((ROWS, COLUMNS, 3), np.nan, np.float32)
    place = height * COLUMNS + column
    for one in np.unique(place[own]):
        cells[one // COLUMNS, one % COLUMNS] = np.median(picture[own & (place == one)], axis=0)
    seen = np.isfinite(cells).any(axis=(1, 2))
    if seen.mean() < SEEN:
        return None
    usual = np.nanmedian(cells[seen], axis=1)
    usual = usual[np.rint(np.interp(np.arange(ROWS), np.flatnonzero(seen), np.arange(seen.sum()))).astype(int)]
    cells = np.where(np.isfinite(cells), cells, usual[:, None])
    padded = np.pad(cells, ((CROSSING, CROSSING), (0, 0), (0, 0)), mode="edge")
    even = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * CROSSING + 1, axis=0), axis=-1).astype(np.float32)
    lab = _lab(even)
    rim = np.pad(lab[:, 0], ((2, 2), (0, 0)), mode="edge")
    shown = _lab(cells)[:, 0]
    off = np.min([np.linalg.norm(shown - rim[shift : shift + ROWS], axis=1) for shift in range(5)], axis=0)
    if (off > STRANGE[1]).mean() > PATTERN:
        return None
    covered = np.linalg.norm(lab - lab[:, :1], axis=2) > STRANGE[1]  # the rim of the limb is the last to be covered
    return np.where(covered[..., None], even[:, :1], even)


def _lab(colours: np.ndarray) -> np.ndarray:
    """... H W 3 RGB of 0..255 -> Lab as 8-bit pictures have it, its lightness weighed less."""
    lab = cv2.cvtColor(np.clip(np.rint(colours), 0, 255).astype(np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    return lab * np.array([LIGHTNESS, 1, 1], np.float32)


def _strange(picture: np.ndarray, mine: np.ndarray, row: np.ndarray, depth: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """H W float32: how far the colours of pixels are from the limb's own at their height; 0 where that is not far."""
    known = np.pad(_lab(colours), ((2, 2), (0, 0), (0, 0)), mode="edge")
    around = np.stack([known[shift : shift + ROWS] for shift in range(5)], axis=1).reshape(ROWS, -1, 3)
    height = np.clip(np.rint(row[mine]), 0, ROWS - 1).astype(int)
    away = np.zeros(mine.shape, np.float32)
    away[mine] = np.linalg.norm(_lab(picture)[mine][:, None] - around[height], axis=2).min(axis=1)
    far = (away > np.where(depth < 1, STRANGE[0], STRANGE[1])).astype(np.float32)
    return np.where(mine & (cv2.boxFilter(far, -1, (5, 5)) > 0.5), away, np.float32(0))


def _painted(row: np.ndarray, depth: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """H W 3 float32: a tube whose inner half mirrors its outer one."""
    column = (1 - np.abs(depth - 1) - OUTER[0]) / (OUTER[1] - OUTER[0]) * COLUMNS - 0.5
    return cv2.remap(colours, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _belongs(figure: Figure, labels: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H W bool twice: which of the pixels that lie `away` from the limb's colours are background, and which are body; the others stay."""
    window = around(away > 0, AROUND * figure.unit)
    picture = np.ascontiguousarray(figure.picture[window])
    here = away[window] > 0
    to_arm = evened(away[window][here], here, figure.unit)
    to_body = evened(_to_body(_lab(picture), figure.inside[window] & (labels[window] == TORSO), figure.unit)[here], here, figure.unit)
    shades = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)  # a grey garment is no grey wall
    to_wall = evened(to_nearest(shades[here], shades[wall_of(figure.alpha[window], figure.unit)]), here, figure.unit)
    empty = (to_wall < to_arm) & ((to_wall < ALIKE) | (to_wall < CLEARLY * np.minimum(to_body, to_arm)))
    found = np.zeros((2, *figure.shape), bool)
    found[0][window][here] = empty
    found[1][window][here] = ~empty & (to_body < to_arm)
    return found[0], found[1]


def wall_of(alpha: np.ndarray, unit: float) -> np.ndarray:
    """h w bool: what is certainly background. A mask is a little too small here and there, so what lies close beside it does not count."""
    return ~widened(alpha > FAINT, ASIDE * unit)


def _to_body(lab: np.ndarray, body: np.ndarray, unit: float) -> np.ndarray:
    """h w float32: how far each colour lies from that of the body nearest to it, at its edge or a little farther inside."""
    near = [widened(~body, depth * unit) if depth else ~body for depth in DEPTHS]
    return np.min([np.linalg.norm(lab - nearest_value(lab, ~outside), axis=2) for outside in near], axis=0)


def evened(values: np.ndarray, here: np.ndarray, unit: float) -> np.ndarray:
    """N: values at the pixels of a region (h w bool), each the mean over its neighbours there: single pixels would decide by chance."""
    side = 2 * max(round(EVEN * unit), 1) + 1
    sheet = np.zeros(here.shape, np.float32)
    sheet[here] = values
    count = cv2.boxFilter(here.astype(np.float32), -1, (side, side))
    return (cv2.boxFilter(sheet, -1, (side, side)) / np.maximum(count, 1e-6))[here]


def to_nearest(colours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """N: how far each colour (N 3) lies from the nearest of SAMPLES of the others; far from none.

    Exact for whole numbers up to 255, with which float32 products and sums make no error.
    """
    if not len(others):
        return np.full(len(colours), FAR)
    others = others[:: max(len(others) // SAMPLES, 1)]
    lengths = (others * others).sum(axis=1)
    pieces = np.array_split(colours, len(colours) // 1000 + 1)
    nearest = [(lengths - 2 * some @ others.T).min(axis=1) + (some * some).sum(axis=1) for some in pieces]
    return np.sqrt(np.maximum(np.concatenate(nearest), 0))
