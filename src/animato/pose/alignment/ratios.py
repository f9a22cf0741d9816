"""What the published alignments are made of: ratios of bones of two poses, and a pose built again with its bones by such ratios longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

Step = tuple[int, int, str]
"""Point, its parent, and the name of the ratio of the bone between them."""


def length(pose: np.ndarray, a: int, b: int) -> float:  # K 3
    """Of the bone between two points, seen from the front."""
    return float(np.linalg.norm((pose[a] - pose[b])[:2]))


def over(a: float, b: float) -> float:
    """a / b without an error: x / 0 is infinite, 0 / 0 not a number."""
    return a / b if b != 0 else np.inf if a != 0 else np.nan


def rebuilt(points: np.ndarray, steps: Iterable[Step], ratios: Mapping[str, float]) -> np.ndarray:  # F K 3
    """Every bone as long as its ratio says, in its own direction; a parent carries along all that hangs on it. Parents come first."""
    new = points.copy()
    for point, parent, ratio in steps:
        new[:, point] = new[:, parent] + ratios[ratio] * (points[:, point] - points[:, parent])
    return new
