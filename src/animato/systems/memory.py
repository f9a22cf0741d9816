"""Where the networks of a system run, in which precision, and whether they fit there."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

import psutil
import torch
from accelerate import cpu_offload
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn

from animato.core.errors import InputError
from animato.encoders.codec import FrameCodec
from animato.models.peak import Pass
from animato.sampling.plan import Chain
from animato.sampling.settings import Settings

Module = TypeVar("Module", bound=nn.Module)

DECODED = 6  # a pixel of the frame that the VAE decodes, in values as wide as the VAE's first level
OVERHEAD = {"cpu": 0.2 * 2**30, "cuda": 0.6 * 2**30}  # bytes that the libraries take for themselves
SPARE = 1.1
CPU = torch.device("cpu")
WAYS: dict[str, tuple[bool, bool]] = {"high": (True, False), "low": (False, False), "least": (False, True)}  # together, streamed


class Weights(Protocol):
    """Anything with weights: what an estimate asks of every network."""

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...
    def modules(self) -> Iterator[nn.Module]: ...


class Denoiser(Weights, Protocol):
    """A network that is called in every step of sampling, and tells how many values a pass through it holds at its peak."""

    def peak_values(self, through: Pass) -> int: ...


@runtime_checkable
class Streamed(Weights, Protocol):
    """A network whose layers may come to the device one at a time. `whole` are those that come with all that is within them."""

    whole: ClassVar[tuple[type[nn.Module], ...]]


@dataclass(frozen=True)
class Placement:
    """A device, a precision and a way to use its memory. Called with a network it returns that network there.

    together  whether both halves of guidance run in one pass
    streamed  whether a network that can be streamed stays on the CPU, and each of its layers is on the device only while it computes
    """

    device: torch.device
    dtype: torch.dtype
    together: bool = True
    streamed: bool = False

    def __call__(self, module: Module) -> Module:
        """The network itself if it is there already, or a copy that lasts as long as it is used. The given one stays as it is."""
        streamed = self.streamed and isinstance(module, Streamed)
        tensors = [*module.parameters(), *module.buffers()]
        moved = {id(tensor): self._moved(tensor, CPU if streamed else self.device) for tensor in tensors}
        if isinstance(module, Streamed) and streamed:  # always a copy, for the offload takes the tensors out of what it is given
            whole = [kind.__name__ for kind in module.whole]
            return cpu_offload(copy.deepcopy(module, dict(moved)), self.device, preload_module_classes=whole)
        if all(moved[id(tensor)] is tensor for tensor in tensors):
            return module
        return copy.deepcopy(module, dict(moved))

    def _moved(self, tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
        moved = tensor.to(device, self.dtype if tensor.is_floating_point() else tensor.dtype)
        if moved is tensor or not isinstance(tensor, nn.Parameter):
            return moved
        return nn.Parameter(moved.detach(), tensor.requires_grad)


@dataclass(frozen=True)
class Estimate:
    """What sampling needs at its peak and what is free, in bytes on the placement's device. `sentence` says it to the user."""

    placement: Placement
    needed: int
    free: int

    @property
    def fits(self) -> bool:
        return self.needed <= self.free

    def accept(self) -> Placement:
        """The placement, if the memory suffices. Raises InputError."""
        if not self.fits:
            raise InputError(f"{self.sentence} Choose a smaller size, a shorter window or memory least, or free some memory.")
        return self.placement

    @property
    def sentence(self) -> str:
        precision = str(self.placement.dtype).removeprefix("torch.")
        return (
            f"About {self.needed / 2**30:.1f} GiB of memory are needed on {self.placement.device} in {precision}"
            f"{' with one layer there at a time' if self.placement.streamed else ''}, "
            f"{self.free / 2**30:.1f} GiB are free there."
        )


def estimate(
    unet: Denoiser,
    settings: Settings,
    frames: int,
    size: tuple[int, int],
    beside: Sequence[nn.Module] = (),
    during: Sequence[nn.Module] = (),
    conditioning: float = 1,
) -> Estimate:
    """The first way the settings allow that fits, or their most sparing one. `size` is that of the latents, (width, height).

    beside  networks that are on the device before or after sampling, each by itself: the VAE and the image encoder
    during  networks that are there while it samples, beside the U-Net; if they work alone meanwhile, name them among `beside`, too
    conditioning  of a frame, in values as wide as the U-Net's first level for each of the frame's places; of skeletons 1
    Raises InputError for a device that is not there.
    """
    device, dtype = choose(settings, unet)
    free, estimates = free_bytes(device), []
    for how in WAYS if settings.memory == "auto" else (settings.memory,):
        together, streamed = WAYS[how]
        placement = Placement(device, dtype, together, streamed and device.type != "cpu")  # on a CPU, layers are where they are used
        held = _held(unet, placement) + sum(_held(module, placement) for module in during)
        sampling = _sampling(unet, settings, placement, frames, size, conditioning) + held
        meanwhile = (held - _held(module, placement) if module in during else 0 for module in beside)
        values = max(sampling, *(_alone(module, placement, size) + other for module, other in zip(beside, meanwhile, strict=True)), 0)
        estimates.append(Estimate(placement, int(SPARE * values * dtype.itemsize + OVERHEAD.get(device.type, 0)), free))
    return next((one for one in estimates if one.fits), estimates[-1])


def choose(settings: Settings, module: Weights) -> tuple[torch.device, torch.dtype]:
    """Device and precision of the settings; auto is resolved. Raises InputError for a device that is not there."""
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


def _sampling(unet: Denoiser, settings: Settings, placement: Placement, frames: int, size: tuple[int, int], conditioning: float) -> int:
    """Values on the device in a pass of the denoiser."""
    through = Pass(
        windows=1 if isinstance(settings.window, Chain) else settings.batch,
        frames=min(settings.window.size, frames),
        positions=size[0] * size[1],
        halves=2 if placement.together and settings.guidance > 1 else 1,
        kept=frames if placement.device.type == "cpu" else 0,  # a clip's condition stays on the CPU
        conditioning=conditioning,
    )
    return unet.peak_values(through)


def _held(module: Weights, placement: Placement) -> int:
    """Values of a network's weights that are brought to the device at once."""
    return _largest(module) if placement.streamed and isinstance(module, Streamed) else _brought(module, placement)


def _alone(module: nn.Module, placement: Placement, size: tuple[int, int]) -> int:
    """Values on the device while a network works that is no U-Net."""
    if not isinstance(module, AutoencoderKL):
        return _brought(module, placement)
    pixels = size[0] * size[1] * FrameCodec(module).stride ** 2
    return _brought(module, placement) + DECODED * module.config.block_out_channels[0] * pixels


def _brought(module: Weights, placement: Placement) -> int:
    there = all(value.device == placement.device and value.dtype == placement.dtype for value in module.parameters())
    return 0 if there else sum(value.numel() for value in module.parameters())


def _largest(module: Streamed) -> int:
    """Values of the layer that has most."""
    return max(sum(value.numel() for value in layer.parameters(recurse=isinstance(layer, module.whole))) for layer in module.modules())


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
