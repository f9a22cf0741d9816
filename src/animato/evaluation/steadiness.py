"""How steady a clip is, without a truth: its background, which should stand still, and its person, whose look should travel with it."""

from __future__ import annotations

import cv2
import numpy as np

from animato.core.fit import fit_frame

BOX = (384, 384)  # px; flicker is measured on frames that are fitted into it
_SLACK = (0.01, 0.5)  # of squared flows, and squared pixels, by which the way there and back may miss


class Background:
    """Shown every frame and where the person is in it, it measures how much the rest changes over time.

    value   the standard deviation over time of a pixel's channels over the frames in which it lies outside the person, averaged over
            channels and over all pixels that do so at least twice; in levels of 0..255, nan if there is no such pixel
    A still background has 0. Flicker and drift count alike, and so do traces that the person leaves behind.
    """

    def __init__(self) -> None:
        self._count: np.ndarray | None = None  # H W
        self._sum = self._squares = np.zeros(0)  # H W 3; whole numbers, exact in float64

    def see(self, frame: np.ndarray, person: np.ndarray) -> None:
        """frame: H W 3 uint8; person: H W bool."""
        if self._count is None:
            self._count = np.zeros(person.shape)
            self._sum = np.zeros(frame.shape)
            self._squares = np.zeros(frame.shape)
        outside = ~person
        seen = frame * outside[..., None].astype(np.float64)
        self._count += outside
        self._sum += seen
        self._squares += seen * seen

    @property
    def value(self) -> float:
        if self._count is None or not (self._count >= 2).any():
            return float("nan")
        often = self._count >= 2
        count = self._count[often][:, None]
        mean = self._sum[often] / count
        variance = self._squares[often] / count - mean * mean
        return float(np.sqrt(np.maximum(variance, 0)).mean())


class Flicker:
    """Shown every frame and where the person is in it, it measures how much the person's appearance changes beside moving.

    value   the warping error of Lai et al. (2018, "Learning blind video temporal consistency") inside the person: every frame is compared
            with the next one brought back by the optical flow (DIS) between the two; mean absolute difference in levels of 0..255 over
            the pixels whose flow there and back agree, which leaves out what is uncovered; the mean over pairs, nan if there is none
    The flow is that of the result itself. A blurred result flickers less than a sharp one: it belongs beside the other measures.
    """

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: np.ndarray | None = None
        self._errors: list[float] = []

    def see(self, frame: np.ndarray, person: np.ndarray) -> None:
        """frame: H W 3 uint8; person: H W bool."""
        small = frame if frame.shape[0] <= BOX[1] and frame.shape[1] <= BOX[0] else fit_frame(frame, BOX)
        inside = cv2.resize(person.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
        if self._before is not None:
            back = self._brought_back(self._before, small, inside)
            if back is not None:
                self._errors.append(back)
        self._before = small

    @property
    def value(self) -> float:
        return float(np.mean(self._errors)) if self._errors else float("nan")

    def _brought_back(self, now: np.ndarray, then: np.ndarray, inside: np.ndarray) -> float | None:
        """Difference of `now` from `then` brought back to it, both h w 3, where flow can be trusted and `then` shows the person."""
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (now, then)]
        rest = np.zeros((*grey[0].shape, 2), np.float32)
        there = self._flow.calc(grey[0], grey[1], rest.copy())
        home = self._flow.calc(grey[1], grey[0], rest)
        y, x = np.mgrid[: now.shape[0], : now.shape[1]].astype(np.float32)
        at = x + there[..., 0], y + there[..., 1]
        home_there = cv2.remap(home, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(np.inf, np.inf))
        miss = np.square(there + home_there).sum(axis=2)
        trusted = miss < _SLACK[0] * (np.square(there) + np.square(home_there)).sum(axis=2) + _SLACK[1]
        shown = cv2.remap(inside.astype(np.uint8), *at, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0) > 0
        counts = trusted & shown
        if not counts.any():
            return None
        warped = cv2.remap(then, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return float(np.abs(now.astype(np.float32) - warped)[counts].mean())
