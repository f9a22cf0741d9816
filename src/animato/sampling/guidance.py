"""Classifier-free guidance: what the network says with the condition, pushed away from what it says with the null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from animato.models.condition import Residuals, UNetCondition
from animato.models.unet import UNet
from animato.sampling.plan import Window
from animato.sampling.run import Ask


def guided(unet: UNet, null: UNetCondition, condition: UNetCondition, scale: float, together: bool = True) -> Ask:
    """null + scale (condition - null), or the condition's prediction alone for a scale of 1 or less, as published.

    together: both halves in one pass, in which what they share is run once; otherwise one after the other, in the memory of one.
    """
    asked = [null, condition] if scale > 1 else [condition]

    def ask(rows: Tensor, t: Tensor, windows: Sequence[Window]) -> Tensor:
        told = [of_windows(one, windows, rows.device) for one in asked]
        x = rows.to(unet.dtype)
        outputs = unet.branches(x, t, told) if together else [unet(x, t, one) for one in told]
        first, *rest = [output.to(rows.dtype) for output in outputs]
        return first + scale * (rest[0] - first) if rest else first

    return ask


def of_windows(condition: UNetCondition, windows: Sequence[Window], device: torch.device) -> UNetCondition:
    """The condition of R windows as R rows, on this device. Reference and context hold for all rows."""
    parts = [condition.at(window.frames) for window in windows]
    conv_in = [part.conv_in for part in parts if part.conv_in is not None]
    residuals = [part.residuals for part in parts if part.residuals is not None]
    skips = [torch.cat(skip).to(device) for skip in zip(*(one.skips for one in residuals), strict=True)]
    return replace(
        condition,
        conv_in=torch.cat(conv_in).to(device) if conv_in else None,
        residuals=Residuals(tuple(skips), torch.cat([one.middle for one in residuals]).to(device)) if residuals else None,
    )
