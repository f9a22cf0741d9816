"""Filling a rough gap by exemplars: every pixel is copied from elsewhere in the picture, in patches whose seams show least.

A labelling problem (after He and Sun 2012): a label is a way of copying (copies.py); neighbours with different labels pay for the
seam between them. It is solved on a coarse grid by belief propagation (labelling.py) and refined near the seams down to single
pixels; what light differs across seams is evened out (seams.py). No chance is involved: a picture is always filled in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.core.progress import Progress, silent
from animato.puppet.copies import Copies, Likeness, common_shifts, likeness, mirrors, sharpened, sideways
from animato.puppet.fill import nearest_value
from animato.puppet.inpaint import FRAME, edges
from animato.puppet.labelling import Cost, Grid, cheapest, grid_of
from animato.puppet.seams import levelled
from animato.puppet.view import SEAM, View, unlike, view_of

SIDE = 512  # pixels of the longer side at which copies are chosen; larger pictures are filled by the same choice
NODES = 3000  # of the coarse grid, at most: memory grows with it
DRIFT = 8.0  # cost of copying over the picture's whole height: rooms and landscapes change downwards
MIRRORED = 1.0  # cost of a mirror image
STAYING = 200.0  # cost of the smooth filling: where nothing else can be had
SINGLE = 2.0  # cost of copying a thing of which the picture has no second
AGAIN = 12.0  # cost of copying what is copied already
STRANGE = 0.2  # share of the cost of colours that neither side of the gap has in this row
SOFT = 6.0  # sigma in pixels in which colours of rows are compared
ROUNDS = (4, 3, 3)  # of sweeps on the coarse grid, each after counting what is copied often
STAGE = "fill the background"


@dataclass(frozen=True, eq=False)
class Plan:
    """Where each pixel of a gap is copied from, without any colour.

    labels  h w  int16   -1 outside the gap
    copies  what the labels mean, at the size of `labels`
    """

    labels: np.ndarray
    copies: Copies


def planned(picture: np.ndarray, filled: np.ndarray, hole: np.ndarray, gap: np.ndarray, progress: Progress = silent) -> Plan:
    """Where each pixel of a gap is best copied from.

    picture  H W 3  uint8
    filled   H W 3  float32  the same with its hole filled smoothly
    hole     H W    bool     what must not be copied
    gap      H W    bool     the part of it to fill
    """
    scale = min(1.0, SIDE / max(gap.shape))
    size = (max(round(gap.shape[1] * scale), 1), max(round(gap.shape[0] * scale), 1))
    around, away, inner = (
        cv2.resize(one.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        for one in (np.where(hole[..., None], filled, picture), hole, gap)
    )
    lend, small_gap = away < 0.02, (inner > 0.02) & (away > 0.02)
    lend[:FRAME] = lend[-FRAME:] = lend[:, :FRAME] = lend[:, -FRAME:] = False
    progress(STAGE, 0, 4)
    like = _likeness(around, lend, small_gap)
    copies = _copies(like, around, lend, small_gap)
    progress(STAGE, 1, 4)
    stride = 1
    while small_gap.sum() > NODES * stride**2:
        stride *= 2
    view = view_of(stride, around, lend, small_gap, copies)
    labels = _coarse(view, _prior(copies, len(small_gap)), _lonely(like, lend.shape))
    progress(STAGE, 3, 4)
    while view.stride > 1:
        finer = view_of(view.stride // 2, around, lend, small_gap, copies)
        labels = _finer(finer, view, labels, _prior(copies, len(small_gap)))
        view = finer
    result = np.full(small_gap.shape, -1, np.int16)
    result[view.ys, view.xs] = labels
    progress(STAGE, 4, 4)
    return Plan(result, copies)


def carried_out(plan: Plan, filled: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """H W 3 float32: a filled picture (H W 3 float32) whose gap (H W bool) is copied together as planned."""
    height, width = gap.shape
    labels = nearest_value(plan.labels, plan.labels >= 0)
    labels = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    copies = plan.copies.scaled(height / plan.labels.shape[0], width / plan.labels.shape[1])
    ys, xs = np.nonzero(gap)
    sy, sx = copies.sources(labels[ys, xs], ys, xs)
    result = filled.astype(np.float32)
    result[ys, xs] = filled[np.clip(sy, 0, height - 1), np.clip(sx, 0, width - 1)]
    return levelled(result, filled, gap, labels, copies)


def _likeness(around: np.ndarray, lend: np.ndarray, gap: np.ndarray) -> Likeness:
    """At half the size, in pixels of that."""
    half = (max(gap.shape[1] // 2, 1), max(gap.shape[0] // 2, 1))
    lend_half, gap_half = (cv2.resize(one.astype(np.float32), half, interpolation=cv2.INTER_AREA) for one in (lend, gap))
    return likeness(cv2.resize(around, half, interpolation=cv2.INTER_AREA), lend_half > 0.99, gap_half > 0.02)


def _copies(like: Likeness, around: np.ndarray, lend: np.ndarray, gap: np.ndarray) -> Copies:
    """The labels among which each pixel chooses."""
    half = (max(gap.shape[1] // 2, 1), max(gap.shape[0] // 2, 1))
    lend_half, gap_half = (cv2.resize(one.astype(np.float32), half, interpolation=cv2.INTER_AREA) > 0.5 for one in (lend, gap))
    shifts = []
    for shift in common_shifts(like, lend_half, gap_half):
        sides = [(np.abs(sign * like.shifts - shift) <= 1).all(axis=1) for sign in (1, -1)]
        at = np.where(sides[0][:, None], like.places, like.places + like.shifts)
        voters = np.flatnonzero(sides[0] | sides[1])
        voters = voters[np.argsort(-like.weight[voters], kind="stable")[:48]]
        shifts.append(sharpened(2 * shift, 2 * at[voters], around))
    every = np.concatenate([np.array(shifts, int).reshape(-1, 2), sideways(gap)])
    rows = [(0, *shift) for shift in every] + [(1, 0, place) for place in mirrors(gap)]
    return Copies(np.array([*sorted({tuple(int(n) for n in row) for row in rows}), (0, 0, 0)]))


def _prior(copies: Copies, height: int) -> np.ndarray:
    """L float32: what each label costs by itself."""
    cost = DRIFT * np.abs(copies.rows[:, 1]) / height + MIRRORED * copies.rows[:, 0]
    cost[copies.stay] = STAYING
    return cost.astype(np.float32)


def _lonely(like: Likeness, shape: tuple[int, ...]) -> np.ndarray:
    """h w float32: the cost of copying each pixel, higher on things of which there is no second."""
    lonely = np.zeros((shape[0] // 2 + 1, shape[1] // 2 + 1), np.float32)
    lonely[tuple(like.places.T)] = like.lonely
    wide = cv2.dilate(lonely, np.ones((5, 5), np.uint8))
    return SINGLE * cv2.resize(wide, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _coarse(view: View, prior: np.ndarray, lonely: np.ndarray) -> np.ndarray:
    """N int: the best label of each node, any of them."""
    count = view.copies.stay + 1
    every = np.broadcast_to(np.arange(count), (len(view.ys), count))
    own = view.own_costs(every, prior)
    sy, sx = view.copies.sources(every, view.ys[:, None], view.xs[:, None])
    sy, sx = np.clip(sy, 0, lonely.shape[0] - 1), np.clip(sx, 0, lonely.shape[1] - 1)
    own += lonely[sy, sx] + STRANGE * _strange(view, sy, sx)
    grid = grid_of(view.ids)
    cost = _coarse_costs(view, grid, every)
    nodes = np.arange(len(view.ys))
    sy, sx = sy // view.stride, sx // view.stride
    labels = cheapest(own, grid, cost, ROUNDS[0])
    for rounds in ROUNDS[1:]:
        used = np.zeros(view.ids.shape, np.float32)
        np.add.at(used, (sy[nodes, labels], sx[nodes, labels]), 1)
        often = cv2.blur(used, (3, 3))[sy, sx]
        often[nodes, labels] -= 1
        often[:, view.copies.stay] = 0
        labels = cheapest(own + AGAIN * np.maximum(often, 0), grid, cost, rounds)
    return labels


def _strange(view: View, sy: np.ndarray, sx: np.ndarray) -> np.ndarray:
    """N L float32: how unlike the colours around each source are to those beside the gap in the node's row, and to its filling."""
    soft = cv2.GaussianBlur(view.around, (0, 0), SOFT)
    left, right = edges(view.gap)
    row, place = view.ys, (view.ys, view.xs)
    sides = (soft[row, np.maximum(left[place], 0)], soft[row, np.minimum(right[place], view.gap.shape[1] - 1)], soft[place])
    return np.minimum.reduce([unlike(soft[sy, sx], side[:, None]) for side in sides])


def _coarse_costs(view: View, grid: Grid, every: np.ndarray) -> Cost:
    """Costs of pairs of nodes that all have every label: what each node sees of a seam is worked out once."""
    colours, _ = view.colours(every, view.ys[:, None], view.xs[:, None])
    seams = np.stack([unlike(node[:, None], node[None]) for node in colours])
    seams += SEAM * (1 - np.eye(every.shape[1], dtype=np.float32))
    return lambda axis, line: seams[grid[axis].first[line]] + seams[grid[axis].second[line]]


def _finer(view: View, coarser: View, labels: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """N int: labels at half the stride, chosen among those that the coarser grid has around the node."""
    around = np.zeros(coarser.ids.shape, int)
    around[coarser.ids >= 0] = labels
    around = np.pad(nearest_value(around, coarser.ids >= 0), 1, mode="edge")
    y, x = (place // coarser.stride + 1 for place in (view.ys, view.xs))
    choice = np.stack([around[y + down, x + right] for down, right in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))], axis=1)
    double = np.zeros(choice.shape, bool)
    for column in range(1, choice.shape[1]):
        double[:, column] = (choice[:, column : column + 1] == choice[:, :column]).any(axis=1)
    own = view.own_costs(choice, prior) + np.where(double, np.float32(1e5), np.float32(0))
    grid = grid_of(view.ids, np.asarray((~double[:, 1:]).any(axis=1)))
    return choice[np.arange(len(choice)), cheapest(own, grid, _fine_costs(view, grid, choice), 3)]


def _fine_costs(view: View, grid: Grid, choice: np.ndarray) -> Cost:
    """Costs of pairs of nodes of which each has its own few labels (N C)."""
    mine, _ = view.colours(choice, view.ys[:, None], view.xs[:, None])
    costs = []
    for pairs in grid:
        first, second = pairs.first, pairs.second
        at_first, _ = view.colours(choice[second], view.ys[first][:, None], view.xs[first][:, None])
        at_second, _ = view.colours(choice[first], view.ys[second][:, None], view.xs[second][:, None])
        seam = unlike(mine[first][:, :, None], at_first[:, None]) + unlike(at_second[:, :, None], mine[second][:, None])
        same = choice[first][:, :, None] == choice[second][:, None]
        costs.append(np.where(same, 0, seam + 2 * SEAM).astype(np.float32))
    return lambda axis, line: costs[axis][line]
