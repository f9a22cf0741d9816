"""GrabCut with hints, at reduced size and only where something is undecided: how the puppet separates one coloured region from another."""

from __future__ import annotations

import cv2
import numpy as np

MARGIN = 24  # pixels of decided surroundings that are shown to GrabCut beside the undecided region


def grabcut(picture: np.ndarray, hints: np.ndarray, iterations: int, scale: float = 0.5) -> np.ndarray:
    """Which pixels belong to the foreground.

    picture  H W 3  uint8
    hints    H W    uint8  cv2.GC_BGD, GC_FGD, GC_PR_BGD or GC_PR_FGD
    returns  H W    bool   decided hints are kept; without both kinds of decided pixel the hints are the answer
    """
    probable = (hints == cv2.GC_FGD) | (hints == cv2.GC_PR_FGD)
    box = _box(hints != cv2.GC_BGD, round(MARGIN / scale))
    inside = hints[box]
    size = (max(round(inside.shape[1] * scale), 1), max(round(inside.shape[0] * scale), 1))
    small = cv2.resize(np.ascontiguousarray(picture[box]), size, interpolation=cv2.INTER_AREA)
    marks = cv2.resize(np.ascontiguousarray(inside), size, interpolation=cv2.INTER_NEAREST)
    background = (marks == cv2.GC_BGD) | (marks == cv2.GC_PR_BGD)
    if background.sum() < 10 or (~background).sum() < 10:  # its colour models have five components, each of which needs pixels
        return probable
    cv2.setRNGSeed(0)  # its colour models start from a random clustering
    cv2.grabCut(small, marks, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), iterations, cv2.GC_INIT_WITH_MASK)
    found = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8) * 255
    result = np.zeros(hints.shape, bool)
    result[box] = cv2.resize(found, inside.shape[::-1], interpolation=cv2.INTER_LINEAR) > 127
    return (result | (hints == cv2.GC_FGD)) & (hints != cv2.GC_BGD)


def _box(wanted: np.ndarray, margin: int) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
    if not len(rows):
        return slice(0, wanted.shape[0]), slice(0, wanted.shape[1])
    return (
        slice(max(rows[0] - margin, 0), min(rows[-1] + 1 + margin, wanted.shape[0])),
        slice(max(columns[0] - margin, 0), min(columns[-1] + 1 + margin, wanted.shape[1])),
    )
