"""How a network is called for windows of a clip: with their conditions and, where guidance wants it, with the null as well."""

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

Model = Callable[[Tensor, Tensor, Sequence[Window], bool], Sequence[Tensor]]
"""R windows of x (R f C H W), t, the R windows, whether the null counts -> the outputs: [the null's,] the condition's."""


def unet_model(unet: UNet, null: UNetCondition, condition: UNetCondition, together: bool = True) -> Model:
    """A U-Net whose condition holds for the whole clip.

    together: both halves of guidance in one pass, in which what they share is run once; otherwise one by one, in the memory of one.
    """

    def outputs(rows: Tensor, t: Tensor, windows: Sequence[Window], with_null: bool) -> Sequence[Tensor]:
        cut = cache(lambda value: torch.cat([value[:, list(window.frames)] for window in windows]).to(rows.device))
        conditions = [of_windows(one, cut) for one in ([null, condition] if with_null else [condition])]
        x = rows.to(unet.dtype)
        return unet.branches(x, t, conditions) if together else [unet(x, t, one) for one in conditions]

    return outputs


def unified_model(net: UnifiedUNet, null: UnifiedCondition, conditions: Mapping[Window, UnifiedCondition], together: bool = True) -> Model:
    """The same for a network that has a condition for every window. The null is that of any window of their length."""

    def outputs(rows: Tensor, t: Tensor, windows: Sequence[Window], with_null: bool) -> Sequence[Tensor]:
        halves = [[null] * len(windows)] * with_null + [[conditions[window] for window in windows]]
        passes = [[one for half in halves for one in half]] if together else halves
        x = rows.to(net.dtype)
        made = [net(x.repeat(len(one) // len(x), 1, 1, 1, 1), t, UnifiedCondition.joined(one, x.device)) for one in passes]
        return torch.cat(made).chunk(len(halves))

    return outputs


def of_windows(condition: UNetCondition, cut: Callable[[Tensor], Tensor]) -> UNetCondition:
    """The condition of R windows as R rows, where `cut` cuts them out of a clip's values. Reference and context hold for all rows.

    What both halves of guidance have in one tensor is cut once.
    """
    conv_in, residuals = condition.conv_in, condition.residuals
    return replace(
        condition,
        conv_in=None if conv_in is None else cut(conv_in),
        residuals=residuals and Residuals(tuple(cut(skip) for skip in residuals.skips), cut(residuals.middle)),
    )
