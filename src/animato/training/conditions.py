"""Which conditions a sample of UniAnimate's training is told. Guidance subtracts an answer given without any, and users leave some out,
so the network has to know most subsets of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import torch
from torch import Tensor

from animato.core.errors import InputError
from animato.models.condition import KeyValues, UnifiedCondition
from animato.models.unified import Given, UnifiedUNet
from animato.training.stage import Objective


class Told(NamedTuple):
    """Whether a sample is told a condition."""

    image: Tensor  # B bool
    poses: Tensor  # B bool
    first_frame: Tensor  # B bool
    reference: Tensor  # B bool, with its pose


def told(objective: Objective, generators: Sequence[torch.Generator]) -> Told:
    """What the samples of a batch are told, each by its own generator."""
    return Told(*(torch.stack(column) for column in zip(*(_row(objective, generator) for generator in generators), strict=True)))


def _row(objective: Objective, generator: torch.Generator) -> Told:  # of one sample, without B
    """Nothing at all, or everything, or each condition by itself.

    As the published code does for a batch of one. In a larger one it draws how many samples lose a condition, then which; here samples do
    not depend on each other, so that training is the same however they are spread over processes and batches. It leaves the reference to
    the trainer, of whom nothing is known. Chosen: the reference goes with all else, because guidance subtracts an answer without it, and
    by itself, because the published sampling by first frame has none.
    """
    nothing, everything, *each = torch.rand(6, generator=generator)
    shares = (objective.drop_each, objective.drop_each, objective.drop_first, objective.drop)
    kept = [share <= chance for share, chance in zip(shares, each, strict=True)]
    return Told(*((nothing >= objective.drop_all) & ((everything < objective.keep_all) | one) for one in kept))


def check_shares(objective: Objective) -> None:
    """Raises InputError for what is no share of samples."""
    for name in ("drop", "drop_first", "drop_each", "drop_all", "keep_all"):
        if not 0 <= (share := getattr(objective, name)) <= 1:
            raise InputError(f"objective.{name} = {share} is no share of samples: choose a number from 0 to 1.")


def condition(net: UnifiedUNet, given: Given, told: Told, prompt: Tensor) -> UnifiedCondition:
    """What the network is told of clips with all conditions, as if each row had been given no others than it is told.

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
        return KeyValues(*(torch.where(told.image.view(-1, 1, 1), *pair) for pair in zip(ready, empty, strict=True)))

    by_clip = (-1, 1, 1, 1, 1)
    channels = pose * told.poses.view(by_clip) + first * told.first_frame.view(by_clip)
    return UnifiedCondition({name: context(name) for name in stems.context}, channels, stems.prefix * told.reference.view(by_clip))
