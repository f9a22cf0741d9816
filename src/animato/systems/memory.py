"""Where the networks of a system run, in which precision, and whether they fit."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from animato.core.errors import InputError

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Place:
    """A device, a precision, and whether both halves of guidance run together. Called with a network it returns that network there."""

    device: torch.device
    dtype: torch.dtype
    together: bool = True

    def __call__(self, module: Module) -> Module:
        """The network itself if it is there already, or a copy that lasts as long as it is used. The given one stays as it is."""
        tensors = [*module.parameters(), *module.buffers()]
        moved = {id(tensor): self._moved(tensor) for tensor in tensors}
        if all(moved[id(tensor)] is tensor for tensor in tensors):
            return module
        return copy.deepcopy(module, dict(moved))

    def _moved(self, tensor: torch.Tensor) -> torch.Tensor:
        moved = tensor.to(self.device, self.dtype if tensor.is_floating_point() else tensor.dtype)
        if moved is tensor or not isinstance(tensor, nn.Parameter):
            return moved
        return nn.Parameter(moved.detach(), tensor.requires_grad)


def choose_place(device: str, dtype: str, module: nn.Module) -> Place:
    """The device asked for, or with auto the one that the network is on, if it is no CPU, or else the best there is.

    Raises InputError for a device that this machine has not.
    """
    chosen = _device(device, next(module.parameters()).device)
    if dtype == "auto":
        dtype = "float32" if chosen.type == "cpu" else "float16"
    return Place(chosen, getattr(torch, dtype))


def _device(name: str, now: torch.device) -> torch.device:
    if name == "auto":
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best) if now.type == "cpu" else now
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"The device '{name}' cannot be used here: choose auto, cpu, cuda or mps.") from error
    return device
