"""Where the networks of a system run, in which precision, and whether they fit there."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeVar

import psutil
import torch
from torch import nn

from animato.core.errors import InputError
from animato.models.attention import PIECE
from animato.models.unet import UNet
from animato.sampling.settings import Settings

Module = TypeVar("Module", bound=nn.Module)

# What a pass through the U-Net holds at its peak, in values as wide as its first level, counted on the tensors alive in a full-size pass.
TOGETHER, ALONE = 27, 18  # a token of a window: both halves of guidance, or one; the skeletons' features included
FEED_FORWARD = 12  # a token of the piece that is in the feed-forward
REFERENCE = 27  # a token of the reference: its keys and values, and the features they come from
OVERHEAD = {"cpu": 0.2 * 2**30, "cuda": 0.6 * 2**30}  # bytes that the libraries take for themselves
SPARE = 1.1


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


@dataclass(frozen=True)
class Estimate:
    """What sampling needs at its peak and what is free, in bytes on the place's device. `sentence` says it to the user."""

    place: Place
    needed: int
    free: int

    @property
    def fits(self) -> bool:
        return self.needed <= self.free

    def accept(self) -> Place:
        """The place, if the memory suffices. Raises InputError."""
        if not self.fits:
            raise InputError(f"{self.sentence} Choose a smaller size, a shorter window or memory low, or free some memory.")
        return self.place

    @property
    def sentence(self) -> str:
        precision = str(self.place.dtype).removeprefix("torch.")
        return (
            f"About {self.needed / 2**30:.1f} GiB of memory are needed on {self.place.device} in {precision}, "
            f"{self.free / 2**30:.1f} GiB are free there."
        )


def estimate(unet: UNet, settings: Settings, frames: int, size: tuple[int, int]) -> Estimate:
    """The first way the settings allow that fits, or their most sparing one. `size` is that of the latents, (width, height).

    Only sampling is counted: it needs more than all that comes before and after. Raises InputError for a device that is not there.
    """
    device, dtype = choose(settings, unet)
    allowed = {"auto": (True, False), "high": (True,), "low": (False,)}[settings.memory]
    free, estimates = free_bytes(device), []
    for together in allowed:
        place = Place(device, dtype, together)
        estimates.append(Estimate(place, _needed(unet, settings, place, frames, size), free))
    return next((one for one in estimates if one.fits), estimates[-1])


def choose(settings: Settings, module: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and precision of the settings; auto is told there. Raises InputError for a device that is not there."""
    device = _device(settings.device, next(module.parameters()).device)
    fallback = "float32" if device.type == "cpu" else "float16"
    return device, getattr(torch, fallback if settings.dtype == "auto" else settings.dtype)


def free_bytes(device: torch.device) -> int:
    """Memory of the device that nobody uses."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return psutil.virtual_memory().available


def _needed(unet: UNet, settings: Settings, place: Place, frames: int, size: tuple[int, int]) -> int:
    places = size[0] * size[1]
    tokens = min(settings.window.size, frames) * settings.batch * places
    halves = TOGETHER if place.together and settings.guidance > 1 else ALONE
    wide = halves * tokens + FEED_FORWARD * min(tokens, PIECE) + REFERENCE * places
    if place.device.type == "cpu":
        wide += frames * places  # the skeletons' features of the whole clip
    values = unet.config.block_out_channels[0] * wide
    there = all(value.device == place.device and value.dtype == place.dtype for value in unet.parameters())
    values += 0 if there else sum(value.numel() for value in unet.parameters())
    return int(SPARE * values * place.dtype.itemsize + OVERHEAD.get(place.device.type, 0))


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
