"""Classifier-free guidance: the prediction with the condition, led away from the prediction with the null."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from animato.sampling.model import Model
from animato.sampling.plan import Window
from animato.sampling.run import PredictWindows


def guided(model: Model, scale: float) -> PredictWindows:
    """null + scale (condition - null), or the condition's prediction alone for a scale of 1 or less, as published.

    Ho and Salimans, "Classifier-Free Diffusion Guidance" (arXiv 2207.12598), equation 6, with scale = 1 + w.
    """

    def predict(rows: Tensor, t: Tensor, windows: Sequence[Window]) -> Tensor:
        return combined(model(rows, t, windows, scale > 1), scale, rows.dtype)

    return predict


def combined(outputs: Iterable[Tensor], scale: float, dtype: torch.dtype) -> Tensor:
    """Guidance of the null's output and the condition's, or the condition's alone where there is no other; in the samples' precision."""
    first, *rest = [output.to(dtype) for output in outputs]
    return first + scale * (rest[0] - first) if rest else first
