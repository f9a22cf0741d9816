"""Classifier-free guidance: what the network says with the condition, pushed away from what it says with the null."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from animato.models.condition import Residuals, UNetCondition, UnifiedCondition
from animato.models.unet import UNet
from animato.models.unified import UnifiedUNet
from animato.sampling.plan import Window
from animato.sampling.run import Ask


def guided(unet: UNet, null: UNetCondition, condition: UNetCondition, scale: float, together: bool = True) -> Ask:
    """null + scale (condition - null), or the condition's prediction alone for a scale of 1 or less, as published.

    together: both halves in one pass, in which what they share is run once; otherwise one after the other, in the memory of one.
    """
    asked = [null, condition] if scale > 1 else [condition]

    def ask(rows: Tensor, t: Tensor, windows: Sequence[Window]) -> Tensor:
        cut = cache(lambda value: torch.cat([value[:, list(window.frames)] for window in windows]).to(rows.device))
        told = [of_windows(one, cut) for one in asked]
        x = rows.to(unet.dtype)
        outputs = unet.branches(x, t, told) if together else [unet(x, t, one) for one in told]
        first, *rest = [output.to(rows.dtype) for output in outputs]
        return first + scale * (rest[0] - first) if rest else first

    return ask


def guided_unified(net: UnifiedUNet, told: Mapping[Window, tuple[UnifiedCondition, UnifiedCondition]], scale: float) -> Ask:
    """The same for UniAnimate's network, which is told of every window by itself: the null and the condition of each."""

    def ask(rows: Tensor, t: Tensor, windows: Sequence[Window]) -> Tensor:
        predictions = list[Tensor]()
        for row, window in zip(rows.to(net.dtype).split(1), windows, strict=True):
            null, condition = told[window]
            output = net(row, t, condition).to(rows.dtype)
            if scale > 1:
                nothing = net(row, t, null).to(rows.dtype)
                output = nothing + scale * (output - nothing)
            predictions.append(output)
        return torch.cat(predictions)

    return ask


def of_windows(condition: UNetCondition, cut: Callable[[Tensor], Tensor]) -> UNetCondition:
    """The condition of R windows as R rows, where `cut` cuts them out of a clip's values. Reference and context hold for all rows.

    What both halves of guidance are told in one tensor is cut once.
    """
    conv_in, residuals = condition.conv_in, condition.residuals
    return replace(
        condition,
        conv_in=None if conv_in is None else cut(conv_in),
        residuals=residuals and Residuals(tuple(cut(skip) for skip in residuals.skips), cut(residuals.middle)),
    )
