"""Numbers that stop being finite end a training at once, before they reach the average of weights, the curve or a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from animato.core.errors import InputError

MOST_SKIPPED = 32  # steps in a row; a scale of 2^16, which fp16 begins with, has fallen below 2^-15 by then


def check_values(values: Mapping[str, float], step: int) -> None:
    """Raises InputError that names the first number which is not finite."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise InputError(_sentences(step, f"its {name} is {value}"))


def check_tensors(tensors: Iterable[tuple[str, Tensor]], kind: str, step: int) -> None:
    """Raises InputError that names the first tensor which holds a number that is not finite. Whole numbers always are."""
    named = [(name, value.detach()) for name, value in tensors if value.is_floating_point()]
    if all_finite([value for _, value in named]):
        return
    name = next(name for name, value in named if not all_finite([value]))
    raise InputError(_sentences(step, f"{kind} {name} holds numbers that are not"))


def all_finite(tensors: list[Tensor]) -> bool:
    """A GPU is waited for once, whatever their number."""
    answers = dict[torch.device, list[Tensor]]()
    for value in tensors:
        answers.setdefault(value.device, []).append(value.isfinite().all())
    return all(bool(torch.stack(one).all()) for one in answers.values())


class Skipped:
    """How many steps in a row fp16 has skipped because its gradients ran over. A few are usual: its scale begins high and halves."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def note(self, finite: bool, step: int) -> None:
        """A step whose gradients were finite, or not. Raises InputError after too many that were not."""
        self.count = 0 if finite else self.count + 1
        if self.count > MOST_SKIPPED:
            raise InputError(_sentences(step, f"its gradients were not finite {self.count} times in a row, at ever smaller scales of fp16"))


def _sentences(step: int, what: str) -> str:
    return (
        f"Numbers are no longer finite in step {step} ({what}): the training has stopped, and its last checkpoint is as it was. "
        "Begin in a new folder with a smaller optimizer.lr, a longer optimizer.warmup or another run.precision; "
        "networks.start may name the networks of this run."
    )
