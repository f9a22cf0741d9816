"""Guidance calls one network with several conditions for the same frames; what is the same for all of them is run once.

A value inside the network is a list: one tensor while all conditions have been the same so far, afterwards one tensor per condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
S = TypeVar("S")


def fork(values: Sequence[S], inputs: Sequence[T]) -> list[tuple[S, T]]:
    """Each value with its condition's input. A single value is forked where the conditions begin to differ, and not before."""
    if len(values) == 1 and all(same(inputs[0], other) for other in inputs[1:]):
        return [(values[0], inputs[0])]
    return list(zip(spread(values, len(inputs)), inputs, strict=True))


def add(values: Sequence[Tensor], terms: Sequence[Tensor | None]) -> list[Tensor]:
    """Each value plus the term of its condition; nothing is added for None."""
    return [value if term is None else value + term for value, term in fork(values, terms)]


def join(values: Sequence[Tensor], skips: Sequence[Tensor]) -> list[Tensor]:
    """Values and skip connections (B F C H W each) side by side on the channels."""
    count = max(len(values), len(skips))
    return [torch.cat(pair, dim=2) for pair in zip(spread(values, count), spread(skips, count), strict=True)]


def spread(values: Sequence[S], count: int) -> list[S]:
    return list(values) * count if len(values) == 1 else list(values)


def same(a: object, b: object) -> bool:
    """Equal in every number. By value, because the two halves of guidance cut their windows out on their own."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a is b or (a.shape == b.shape and not a.is_meta and torch.equal(a, b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(same(*pair) for pair in zip(a, b, strict=True))
    return a is b
