"""Choosing one person of a picture's people and finding them again in the next frame."""

from __future__ import annotations

import numpy as np

from animato.core.errors import InputError
from animato.pose.keypoints import BODY
from animato.pose.limbs import SEEN

Person = str | int | tuple[float, float]
BEST = "best"
NEAR = 0.5  # a person moves less than this part of their own size between two frames


def pick(points: np.ndarray, score: np.ndarray, person: Person) -> int:
    """Which of P people (points P K 3, score P K, the best first) is meant: "best", "largest", a number from the left, or who is at (x, y).

    Raises InputError when there is no such person.
    """
    low, high = _boxes(points, score)
    middle = (low + high) / 2
    if person == BEST:
        return 0
    if person == "largest":
        return int(np.argmax(np.prod(high - low, axis=1)))
    if isinstance(person, int):
        if 0 <= person < len(points):
            return int(np.argsort(middle[:, 0], kind="stable")[person])
        raise InputError(f"There is no person {person}: {len(points)} found, numbered from 0 at the left.")
    if isinstance(person, tuple):
        distance = np.linalg.norm(np.maximum(np.maximum(low - person, person - high), 0), axis=1)
        if distance.min() <= 0:
            return int(np.argmin(np.linalg.norm(middle - person, axis=1) + 1e9 * (distance > 0)))
        nearest = middle[np.argmin(distance)]
        raise InputError(f"Nobody is at {person[0]:g}, {person[1]:g}: the nearest person is at {nearest[0]:.0f}, {nearest[1]:.0f}.")
    raise InputError(f"{person!r} names nobody: give 'best', 'largest', a number from the left (0, 1, ...) or a point (x, y).")


def again(points: np.ndarray, score: np.ndarray, before: np.ndarray, seen_before: np.ndarray) -> int | None:
    """Which of P people is the one whose points K 3 were visible (K bool) in the frame before; None if nobody is near enough."""
    low = before[BODY][seen_before[BODY], :2].min(axis=0)
    high = before[BODY][seen_before[BODY], :2].max(axis=0)
    shared = seen_before[BODY] & (score[:, BODY] >= SEEN)  # P 18
    distance = np.linalg.norm((points[:, BODY] - before[BODY])[..., :2], axis=2)
    mean = np.where(shared.any(axis=1), (distance * shared).sum(axis=1) / np.maximum(shared.sum(axis=1), 1), np.inf)
    nearest = int(np.argmin(mean))
    return nearest if mean[nearest] <= NEAR * float(np.max(high - low)) else None


def _boxes(points: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P 2, P 2: the corners of each person's visible body (of all its points where none is visible)."""
    seen = score[:, BODY] >= SEEN
    seen = (seen | ~seen.any(axis=1, keepdims=True))[..., None]
    body = points[:, BODY, :2]
    return np.where(seen, body, np.inf).min(axis=1), np.where(seen, body, -np.inf).max(axis=1)
