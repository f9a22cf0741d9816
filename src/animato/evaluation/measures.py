"""The measures of a comparison, in one table: what each is called, and what of a result it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from animato.evaluation.accuracy import Accuracy
from animato.evaluation.frames import psnr, ssim
from animato.evaluation.steadiness import Background, Flicker
from animato.pose.keypoints import PoseSequence


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame of a result, and what is known of it.

    index   its number
    frame   H W 3 uint8
    person  H W bool: where the person may be (evaluation/area.py)
    true    H W 3 uint8, what should have come out; None where nobody knows
    """

    index: int
    frame: np.ndarray
    person: np.ndarray
    true: np.ndarray | None


class Meter(Protocol):
    """Is shown every frame of a result in order by its `see`, which takes what its measure says."""

    @property
    def value(self) -> float:
        """Of all frames so far; nan if there is nothing to say."""


class Likeness:
    """The mean over frames of how like the truth they are, by a function of two pictures."""

    def __init__(self, function: Callable[[np.ndarray, np.ndarray], float]) -> None:
        self._function = function
        self._total = 0.0
        self._count = 0

    def see(self, frame: np.ndarray, true: np.ndarray | None) -> None:
        """Both H W 3 uint8. A frame whose truth nobody knows does not count."""
        if true is not None:
            self._total += self._function(frame, true)
            self._count += 1

    @property
    def value(self) -> float:
        return self._total / self._count if self._count else float("nan")


def by_truth(meter: Any, moment: Moment) -> None:
    meter.see(moment.frame, moment.true)


def by_area(meter: Any, moment: Moment) -> None:
    meter.see(moment.frame, moment.person)


def by_index(meter: Any, moment: Moment) -> None:
    meter.see(moment.index, moment.frame)


@dataclass(frozen=True)
class Measure:
    """One measure.

    name    in JSON
    column  in tables
    meter   the motion asked for -> a new meter
    show    shows a moment to the meter: by_truth, by_area or by_index, as its `see` wants it
    """

    name: str
    column: str
    meter: Callable[[PoseSequence], Meter]
    show: Callable[[Any, Moment], None]


MEASURES = (
    Measure("psnr", "PSNR dB", lambda motion: Likeness(psnr), by_truth),
    Measure("ssim", "SSIM", lambda motion: Likeness(ssim), by_truth),
    Measure("background", "background", lambda motion: Background(), by_area),
    Measure("flicker", "flicker", lambda motion: Flicker(), by_area),
    Measure("pck", "PCK@.1T", Accuracy, by_index),
)
"""In the order in which they are shown. docs/adding.md adds one."""
