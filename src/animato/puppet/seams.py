"""Light evened out across the seams of a picture that is copied together: a smooth correction, except across true edges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from animato.puppet.copies import Copies

SIDE = 256  # pixels of the longer side at which the correction is worked out
ALIKE = 18.0  # grey levels of difference from which on a seam is an edge of the scene rather than a change of light
LIMIT = 32.0  # grey levels of correction, at most: light, not paint
STEPS = 150  # of conjugate gradients
ENOUGH = 1e-5  # share of the squared residual at which they stop


@dataclass(frozen=True, eq=False)
class Springs:
    """What the correction c should do between neighbours, downwards and to the right: c(next) - c(here) = wish, as strong as weight.

    weight  ... 1    float32
    wish    ... 3    float32
    """

    weight: np.ndarray
    wish: np.ndarray


def levelled(copied: np.ndarray, filled: np.ndarray, gap: np.ndarray, labels: np.ndarray, copies: Copies) -> np.ndarray:
    """H W 3 float32: what was copied into the gap, corrected so that light runs on across seams and into the surroundings.

    copied  H W 3  float32  the gap copied from `filled`, which is taken for known around it
    labels  H W    int      how each pixel was copied
    """
    height, width = gap.shape
    scale = min(1.0, SIDE / max(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(filled, size, interpolation=cv2.INTER_AREA)
    inner = cv2.resize(gap.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    if not inner.any():
        return copied
    own = np.where(inner, cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), copies.stay)
    less = copies.scaled(size[1] / height, size[0] / width)
    springs = _springs(small, own, less, np.s_[:-1], np.s_[1:]), _springs(small, own, less, np.s_[:, :-1], np.s_[:, 1:])
    light = LIMIT * np.tanh(solved(springs, inner) / LIMIT)
    result = copied.copy()
    result[gap] += _enlarged(light, np.where(inner, own, -1), labels, gap)
    return result


def _springs(small: np.ndarray, own: np.ndarray, copies: Copies, here: tuple | slice, there: tuple | slice) -> Springs:
    """Between neighbours of different labels: by how much one's copies differ from the other's where both can be seen."""
    height, width = own.shape
    rows, columns = np.mgrid[:height, :width]

    def brought(labels: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        sy, sx = copies.sources(labels, y, x)
        return small[np.clip(sy, 0, height - 1), np.clip(sx, 0, width - 1)]

    a, b = own[here], own[there]
    at_here = brought(a, rows[here], columns[here]) - brought(b, rows[here], columns[here])
    at_there = brought(a, rows[there], columns[there]) - brought(b, rows[there], columns[there])
    known = [(one == copies.stay)[..., None] for one in (a, b)]  # only on its own side is what is known a witness
    wish = np.where(known[0] & ~known[1], at_here, np.where(known[1] & ~known[0], at_there, (at_here + at_there) / 2))
    wish = np.where((a == b)[..., None], 0, wish)
    size = np.sqrt(np.square(wish).mean(axis=-1, keepdims=True))
    return Springs((1 / (1 + (size / ALIKE) ** 4)).astype(np.float32), wish.astype(np.float32))


def solved(springs: tuple[Springs, Springs], free: np.ndarray) -> np.ndarray:
    """h w 3 float32: the correction that strains the springs least, zero where it is not free (h w bool). By conjugate gradients."""
    mask = free[..., None].astype(np.float32)
    down, right = springs

    def gathered(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        result = np.zeros((*free.shape, 3), np.float32)
        result[1:] += first
        result[:-1] -= first
        result[:, 1:] += second
        result[:, :-1] -= second
        return result * mask

    def strain(c: np.ndarray) -> np.ndarray:
        return gathered(down.weight * (c[1:] - c[:-1]), right.weight * (c[:, 1:] - c[:, :-1])) + 1e-4 * c

    rest = gathered(down.weight * down.wish, right.weight * right.wish)
    result, way = np.zeros_like(rest), rest.copy()
    square = start = _product(rest, rest)
    for _ in range(STEPS):
        if (square <= ENOUGH * start).all():
            break
        pull = strain(way)
        step = square / np.maximum(_product(way, pull), 1e-9)
        result += step * way
        rest = rest - step * pull
        before = square
        square = _product(rest, rest)
        way = rest + square / np.maximum(before, 1e-9) * way
    return result


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """3 float32: the scalar product of two corrections (h w 3) in each colour."""
    return np.asarray(np.einsum("yxc,yxc->c", a, b))


def _enlarged(light: np.ndarray, own: np.ndarray, labels: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """N 3 float32: the correction (h w 3) at the gap's pixels, each taken from the four nearest places of the same label alone."""
    ys, xs = np.nonzero(gap)
    mine = labels[ys, xs]
    y, x = (((at + 0.5) * m / n - 0.5).astype(np.float32) for at, n, m in zip((ys, xs), labels.shape, own.shape, strict=True))
    total, weight = np.zeros((len(ys), 3), np.float32), np.full(len(ys), 1e-9, np.float32)
    for down in (0, 1):
        for right in (0, 1):
            row, column = np.floor(y) + down, np.floor(x) + right
            near = (1 - np.abs(y - row)) * (1 - np.abs(x - column))
            at = np.clip(row, 0, own.shape[0] - 1).astype(int), np.clip(column, 0, own.shape[1] - 1).astype(int)
            share = (np.where(own[at] == mine, 1, 1e-4) * (near + 1e-3)).astype(np.float32)
            total += share[:, None] * light[at]
            weight += share
    return total / weight[:, None]
