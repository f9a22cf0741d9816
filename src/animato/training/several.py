"""What several processes of one training have to agree upon: what the first one does for all, and whether any was asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor

from animato.core.errors import AnimatoError

T = TypeVar("T")


def by_first(accelerator: Accelerator, action: Callable[[], T]) -> T:
    """What the action gives in the first process, where alone it is done, in all of them. Raises its AnimatoError in all of them."""
    said: list[Any] = [None, None]  # what it gave, what it raised
    if accelerator.is_main_process:
        try:
            said = [action(), None]
        except AnimatoError as error:
            said = [None, error]
    result, failure = broadcast_object_list(said)
    if failure is not None:
        raise failure
    return cast(T, result)


def any_asked(accelerator: Accelerator, asked: bool) -> bool:
    """Whether any process was asked. The same in all of them."""
    if accelerator.num_processes == 1:
        return asked
    return bool(accelerator.reduce(torch.tensor(float(asked), device=accelerator.device), reduction="sum") > 0)


def of_all(accelerator: Accelerator, value: Tensor) -> Tensor:  # N -> P N, on the CPU
    """A process's own tensor of every process, P of them."""
    if accelerator.num_processes == 1:
        return value[None].cpu()
    gathered: Tensor = accelerator.gather(value[None].to(accelerator.device))
    return gathered.cpu()
