"""A gap at one coarseness: its nodes, what each label would bring there, and what labels cost. A step of the fill by exemplars."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.puppet.copies import Copies

SQUARE = 60.0  # squared grey levels that cost 1
HIGHEST = 200.0  # cost of two colours that have nothing in common
SEAM = 1.0  # cost of a seam even where it cannot be seen
UNKNOWN = 60.0  # cost of a label that cannot be compared with the known pixel beside it
FORBIDDEN = 1e4  # cost of a label that would copy from the gap or from outside the picture
FOUR = ((0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True, eq=False)
class View:
    """Every stride-th pixel of a gap in a picture of h w pixels.

    stride  pixels between nodes
    around  h w 3  float32  the picture, the smooth filling in its hole, averaged over a node's square
    lend    h w    bool     whether a node's square about the pixel may be copied
    gap     h w    bool
    ids     h/stride w/stride  int  the node of each square of the grid, or -1
    ys, xs  N      int      the nodes' pixels
    copies  the labels
    """

    stride: int
    around: np.ndarray
    lend: np.ndarray
    gap: np.ndarray
    ids: np.ndarray
    ys: np.ndarray
    xs: np.ndarray
    copies: Copies

    def colours(self, labels: np.ndarray, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """... 3 float32: what the labels would bring to the pixels; ... bool: whether they may."""
        sy, sx = self.copies.sources(labels, y, x)
        height, width = self.gap.shape
        inside = (sy >= 0) & (sy < height) & (sx >= 0) & (sx < width)
        sy, sx = np.clip(sy, 0, height - 1), np.clip(sx, 0, width - 1)
        return self.around[sy, sx], np.asarray((inside & self.lend[sy, sx]) | (labels == self.copies.stay))

    def own_costs(self, labels: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """N C float32: of each node's labels (N C) by themselves and beside what is known; `prior` (L) is the labels' own cost."""
        _, may = self.colours(labels, self.ys[:, None], self.xs[:, None])
        cost = prior[labels] + np.where(may, 0, FORBIDDEN)
        height, width = self.gap.shape
        for down, right in FOUR:
            y, x = self.ys + self.stride * down, self.xs + self.stride * right
            beside = np.flatnonzero((y >= 0) & (y < height) & (x >= 0) & (x < width))
            beside = beside[~self.gap[y[beside], x[beside]]]
            y, x = y[beside], x[beside]
            brought, may = self.colours(labels[beside], y[:, None], x[:, None])
            cost[beside] += np.where(may, 2 * unlike(brought, self.around[y, x][:, None]), UNKNOWN)
        return cost.astype(np.float32)


def view_of(stride: int, around: np.ndarray, lend: np.ndarray, gap: np.ndarray, copies: Copies) -> View:
    """The view at a stride: around (h w 3 float32), lend and gap (h w bool) at full size."""
    window = (2 * (stride // 2) + 1,) * 2
    inner = np.pad(gap, ((0, -gap.shape[0] % stride), (0, -gap.shape[1] % stride)))
    grid = inner.reshape(inner.shape[0] // stride, stride, inner.shape[1] // stride, stride).any(axis=(1, 3))
    rows, columns = np.nonzero(grid)
    ids = np.full(grid.shape, -1)
    ids[grid] = np.arange(len(rows))
    ys = np.minimum(rows * stride + stride // 2, gap.shape[0] - 1)
    xs = np.minimum(columns * stride + stride // 2, gap.shape[1] - 1)
    may = cv2.erode(lend.astype(np.uint8), np.ones(window, np.uint8), borderValue=0) > 0
    return View(stride, cv2.blur(around, window) if stride > 1 else around, may, gap, ids, ys, xs, copies)


def unlike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cost of seeing two colours (... 3 each) side by side where there should be one."""
    return np.minimum(np.square(a - b).sum(axis=-1) / SQUARE, HIGHEST)
