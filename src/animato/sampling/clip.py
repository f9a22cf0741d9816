"""The denoising loop of every system: noise, windows or a chain of clips, guidance, steps. A system brings a `Denoising`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from animato.core.progress import Progress, silent
from animato.models.finite import check_finite
from animato.sampling.chain import chain
from animato.sampling.guidance import guided
from animato.sampling.model import Model
from animato.sampling.noise import frame_generators
from animato.sampling.plan import Chain, Plan, Window, Windows
from animato.sampling.run import Callback, Predict, blend, nothing, sample, ticks
from animato.sampling.settings import Settings

StepModel = Callable[[Tensor, Tensor], Model]
"""x (f C h w) and t of a step -> the network with what it is conditioned on in this step."""


@dataclass(frozen=True)
class Link:
    """A clip that is denoised by itself: all frames, or one of those that a chain consists of.

    frames  of the whole clip
    plan    its windows, counted from its own first frame on
    """

    frames: tuple[int, ...]
    plan: Plan


@dataclass(frozen=True, eq=False)
class Denoising:
    """What a system brings to the loop, for one scene.

    frames     of the whole clip
    device     where the network is
    scheduler  a fresh one, with its timesteps set
    begin      a link and its frames' generators -> what its sampling begins with, f C h w
    model      a link and how its first frame looks (None: the clip begins here) -> the network of each step
    hand_on    latents of the frame that a link ends with, 1 C h w -> what the next one is conditioned on
    dtype      in which the network computes
    """

    frames: int
    device: torch.device
    scheduler: Callable[[], Any]
    begin: Callable[[Link, Sequence[torch.Generator]], Tensor]
    model: Callable[[Link, Tensor | None], StepModel]
    hand_on: Callable[[Tensor], Tensor] = nothing  # type: ignore[assignment]
    dtype: torch.dtype = torch.float32


@torch.no_grad()
def denoise(
    task: Denoising,
    settings: Settings,
    progress: Progress = silent,
    callback: Callback = nothing,
    latents: Tensor | None = None,
) -> Tensor:  # F C h w
    """The clip's latents. `latents` to begin with take the place of what the system begins with (F C h w).

    Raises NotFiniteError after the first step whose latents are no numbers any more.
    """
    links = links_of(settings.window, task.frames)
    total = len(task.scheduler().timesteps) * passes(links.values(), settings.batch)
    done = ticks(progress, "denoise", total)

    def make(window: Window, first_frame: Tensor | None) -> Tensor:
        link = links[window]
        everyone = frame_generators(settings.seed, task.frames, settings.noise_period)
        generators = [everyone[frame] for frame in link.frames]
        x = task.begin(link, generators) if latents is None else latents[list(link.frames)]
        step = task.model(link, first_frame)

        def predict(x: Tensor, t: Tensor) -> Tensor:
            return blend(link.plan, guided(step(x, t), settings.guidance), settings.batch, done, settings.shard)(x, t)

        scheduler = task.scheduler()
        each = finite(callback, len(scheduler.timesteps), task.dtype)
        return sample(x.to(task.device), wrapped(predict, settings), scheduler, generators, each)

    made = chain(list(links), make, task.hand_on)
    if settings.wrappers:  # which may have left calls out
        progress("denoise", total, total)
    return made


def finite(callback: Callback, steps: int, dtype: torch.dtype) -> Callback:
    """The callback of steps whose latents are finite. Other steps raise NotFiniteError."""

    def each(step: int, t: int, x: Tensor) -> None:
        check_finite(x, f"the latents after step {step + 1} of {steps}", dtype)
        callback(step, t, x)

    return each


def wrapped(predict: Predict, settings: Settings) -> Predict:
    """The model call with all wrappers of the settings around it, the first one innermost."""
    for wrapper in settings.wrappers:
        predict = wrapper(predict)
    return predict


def links_of(how: Windows | Chain, frames: int) -> Mapping[Window, Link]:
    """The clips that are denoised one after the other, by their frames."""
    if isinstance(how, Windows):
        whole = Window(tuple(range(frames)))
        return {whole: Link(whole.frames, how.over(frames))}
    if isinstance(how, Chain):
        return {part: Link(part.frames, [Window(tuple(range(len(part.frames))))]) for part in how.over(frames)}
    raise TypeError(f"a long clip is not made by {type(how).__name__}")


def passes(links: Iterable[Link], batch: int) -> int:
    """How often the network is called in a step, all links together."""
    return sum(-(-len(link.plan) // batch) for link in links)
