"""Everything that is seen of one person in one frame: body, hands and face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animato.pose.estimator.blaze import Body
from animato.pose.estimator.face import Face, Faces
from animato.pose.estimator.hands import Hand, Hands


@dataclass(frozen=True, eq=False)
class Whole:
    """A person in one frame; what was not found, or not looked for, is None."""

    body: Body
    left: Hand | None = None
    right: Hand | None = None
    face: Face | None = None


class Details:
    """Adds hands and face to a body; each is looked for only when asked."""

    def __init__(self, folder: Path | None = None, *, hands: bool = True, face: bool = True) -> None:
        self._hands = Hands(folder) if hands else None
        self._face = Faces(folder) if face else None

    def __call__(self, picture: np.ndarray, body: Body, before: Whole | None = None) -> Whole:
        """H W 3 uint8 and a body in it; `before` is the same person in the frame before."""
        left, right = self._hands(picture, body, (before.left, before.right) if before else (None, None)) if self._hands else (None, None)
        face = self._face(picture, body, before.face if before else None) if self._face else None
        return Whole(body, left, right, face)
