"""Classifier-free guidance: what the network says with the condition, pushed away from what it says with the null."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
        return pushed(outputs, scale, rows.dtype)

    return ask


def guided_unified(
    net: UnifiedUNet, null: UnifiedCondition, told: Mapping[Window, UnifiedCondition], scale: float, together: bool = True
) -> Ask:
    """The same for UniAnimate's network, which is told of every window by itself. The null is that of any window of their length."""

    def ask(rows: Tensor, t: Tensor, windows: Sequence[Window]) -> Tensor:
        halves = [[null] * len(windows)] * (scale > 1) + [[told[window] for window in windows]]
        passes = [[one for half in halves for one in half]] if together else halves
        x = rows.to(net.dtype)
        outputs = [net(x.repeat(len(one) // len(x), 1, 1, 1, 1), t, UnifiedCondition.joined(one, x.device)) for one in passes]
        return pushed(torch.cat(outputs).chunk(len(halves)), scale, rows.dtype)

    return ask


def pushed(outputs: Iterable[Tensor], scale: float, dtype: torch.dtype) -> Tensor:
    """Guidance of the null's output and the condition's, or the condition's alone where there is no other; in the samples' precision."""
    first, *rest = [output.to(dtype) for output in outputs]
    return first + scale * (rest[0] - first) if rest else first


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
