"""The condition of a denoiser for one clip: one field per injection site, everything projected beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import torch
from torch import Tensor


class KeyValues(NamedTuple):
    """Keys and values of attention, already projected by the layer that reads them."""

    keys: Tensor  # B L C
    values: Tensor  # B L C

    def map(self, change: Callable[[Tensor], Tensor]) -> KeyValues:
        return KeyValues(change(self.keys), change(self.values))


class Residuals(NamedTuple):
    """What a ControlNet adds: to every skip connection of the down path, in their order, and to the middle block's output."""

    skips: tuple[Tensor, ...]  # each B F C H W
    middle: Tensor  # B F C H W


Features = Mapping[str, Tensor]
"""Spatial transformer -> what enters its self-attention, B L C: what a reference network writes."""

Bank = Mapping[str, KeyValues]
"""Spatial transformer -> the reference's keys and values there."""

Context = Mapping[str, Tensor | KeyValues]
"""Spatial transformer -> keys and values of its cross-attention; of a single token the constant that it adds to every token, B 1 C."""


MIDDLE_AND_UP = ("mid_block.", "up_blocks.")
"""How the names of the transformers behind the down path begin, for denoisers that read the reference there alone."""


@dataclass(frozen=True, eq=False)
class UNetCondition:
    """The condition of a clip, or of its null (what guidance subtracts). B may be 1 where it is the same for all rows.

    `context` comes from `UNet.project_context`, `bank` from `UNet.project_bank`. A transformer that is not in the bank reads no reference.
    """

    context: Context
    bank: Bank = field(default_factory=dict)
    conv_in: Tensor | None = None  # B F C H W, added after the first convolution
    residuals: Residuals | None = None


@dataclass(frozen=True, eq=False)
class UnifiedCondition:
    """The condition of frames that UniAnimate's network sees at once, or of its null. B may be 1 where it is the same for all rows.

    It holds for these frames together, as `UnifiedUNet.condition` made it: the condition of one frame depends on the others.
    """

    context: Context  # keys and values of every cross-attention, B S C
    channels: Tensor  # B F 8 H W, beside the noise
    prefix: Tensor  # B 1 C+8 H W, the frame in front

    @staticmethod
    def joined(conditions: Sequence[UnifiedCondition], device: torch.device) -> UnifiedCondition:
        """Conditions of as many frames each, on a device, as rows of one; what is the same in all stays a single row."""

        def rows(*parts: Tensor) -> Tensor:
            alike = all(part is parts[0] for part in parts)
            return (parts[0] if alike else torch.cat(parts)).to(device)

        def ready(name: str) -> KeyValues:
            return KeyValues(*map(rows, *(cast(KeyValues, one.context[name]) for one in conditions)))

        channels, prefix = rows(*(one.channels for one in conditions)), rows(*(one.prefix for one in conditions))
        return UnifiedCondition({name: ready(name) for name in conditions[0].context}, channels, prefix)
