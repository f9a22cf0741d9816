"""Which conditions a sample of UniAnimate's training has. Guidance subtracts an answer given without any, and users leave some out,
so the network has to know most subsets of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import torch
from torch import Tensor

from animato.models.condition import KeyValues, UnifiedCondition
from animato.models.unified import Given, UnifiedUNet
from animato.training.objective import SubsetVelocity


class Kept(NamedTuple):
    """Whether a sample has a condition."""

    image: Tensor  # B bool
    poses: Tensor  # B bool
    first_frame: Tensor  # B bool
    reference: Tensor  # B bool, with its pose


def keep(objective: SubsetVelocity, generators: Sequence[torch.Generator]) -> Kept:
    """The conditions of a batch's samples, each by its own generator."""
    return Kept(*(torch.stack(column) for column in zip(*(_row(objective, generator) for generator in generators), strict=True)))


def _row(objective: SubsetVelocity, generator: torch.Generator) -> Kept:  # of one sample, without B
    """Nothing at all, or everything, or each condition by itself.

    As the published code does for a batch of one. In a larger one it draws how many samples lose a condition, then which; here samples do
    not depend on each other, so that training is the same however they are spread over processes and batches. It leaves the reference to
    the trainer, of whom nothing is known. Chosen: the reference goes with all else, because guidance subtracts an answer without it, and
    by itself, because the published sampling by first frame has none.
    """
    nothing, everything, *each = torch.rand(6, generator=generator)
    rates = (objective.drop_each, objective.drop_each, objective.drop_first, objective.drop)
    kept = [rate <= chance for rate, chance in zip(rates, each, strict=True)]
    return Kept(*((nothing >= objective.drop_all) & ((everything < objective.keep_all) | one) for one in kept))


def condition(net: UnifiedUNet, given: Given, kept: Kept, prompt: Tensor) -> UnifiedCondition:
    """What the network is told of clips with all conditions, as if each row had been given no others than it keeps.

    Zeroed are features, not pictures: those behind a stem and its attention over frames, and tokens of the image; a black picture would
    still say something. prompt: 1 S D. Raises InputError as `UnifiedUNet.encode`.
    """
    poses = cast(Tensor, given.poses)
    frames = range(poses.shape[1])
    size = cast(Tensor, given.reference).shape[-2:]
    stems, null = (net.encode(one, prompt, (size[0], size[1])) for one in (given, Given()))
    pose = net.condition(replace(stems, first_frame=None), frames).channels
    first = net.condition(replace(stems, poses=None), frames).channels

    def context(name: str) -> KeyValues:
        ready, empty = cast(KeyValues, stems.context[name]), cast(KeyValues, null.context[name])
        return KeyValues(*(torch.where(kept.image.view(-1, 1, 1), *pair) for pair in zip(ready, empty, strict=True)))

    by_clip = (-1, 1, 1, 1, 1)
    channels = pose * kept.poses.view(by_clip) + first * kept.first_frame.view(by_clip)
    return UnifiedCondition({name: context(name) for name in stems.context}, channels, stems.prefix * kept.reference.view(by_clip))
