"""Frames between frames, in latent space."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Method = Literal["linear", "slerp"]

PARALLEL = 0.9995  # cosine above which two frames lie so close that the great circle is a line


def interpolate(latents: Tensor, factor: int, method: Method = "linear") -> Tensor:  # F ... -> (F - 1) factor + 1 ...
    """`factor` - 1 frames between any two neighbours."""
    between = slerp if method == "slerp" else torch.lerp
    frames = [latents[:1]]
    for before, after in zip(latents[:-1], latents[1:], strict=True):
        frames.append(torch.stack([between(before, after, step / factor) for step in range(1, factor)] + [after]))
    return torch.cat(frames)


def slerp(a: Tensor, b: Tensor, weight: float) -> Tensor:
    """From a (weight 0) to b (weight 1) along the great circle through both, each taken whole, as one vector."""
    cosine = torch.sum(a * b) / (a.norm() * b.norm())
    if cosine.abs() > PARALLEL:
        return torch.lerp(a, b, weight)
    angle = torch.arccos(cosine)
    return (a * torch.sin((1 - weight) * angle) + b * torch.sin(weight * angle)) / torch.sin(angle)
