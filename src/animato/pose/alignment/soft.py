"""Values over time made softer: by a normal curve, without a delay."""

from __future__ import annotations

import numpy as np


def softened(values: np.ndarray, sigma: float) -> np.ndarray:
    """F n: smoothed over time, `sigma` in frames; before the first frame and after the last one the values are taken to stay."""
    reach = int(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-9)) ** 2)
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, weights / weights.sum(), "valid") for column in padded.T], axis=1)
