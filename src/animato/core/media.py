"""Clip: the only opener and writer of pixel files, streaming both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from animato.core.shapes import Size


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames that can be run through in order any number of times, decoded or computed only when asked for.

    open    -> a new iterator over H W 3 uint8 frames from the first one on
    size    (width, height)
    fps     frames per second, constant
    length  number of frames; None while unknown
    sound   the file whose sound belongs to the clip, or None
    """

    open: Callable[[], Iterator[np.ndarray]]
    size: Size
    fps: Fraction
    length: int | None = None
    sound: Path | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.open()
