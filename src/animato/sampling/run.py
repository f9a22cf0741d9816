"""The sampler: a loop over predict(x, t), and `blend`, which makes of a network that sees windows one that sees the whole clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import torch
from torch import Tensor

from animato.core.progress import Progress
from animato.sampling.plan import Plan, Window
from animato.sampling.schedule import advance
from animato.sampling.share import WHOLE, Share
from animato.sampling.spread import add_up

Predict = Callable[[Tensor, Tensor], Tensor]
"""x, t -> the network's prediction for all frames; both F C H W."""

Ask = Callable[[Tensor, Tensor, Sequence[Window]], Tensor]
"""R windows of x, t, the R windows -> the network's prediction; both R f C H W."""

After = Callable[[int, int, Tensor], None]
"""Called as after(step, t, latents F C H W); raising an error in it ends the work."""

Tick = Callable[[], None]
"""Called when one more piece of the work is done."""


def nothing(*_: object) -> None:
    """For callers who want to hear nothing."""


def sample(x: Tensor, predict: Predict, scheduler: Any, generators: Sequence[torch.Generator], after: After = nothing) -> Tensor:
    """Latents of the noise x, F C H W, by a scheduler with its timesteps set. Nothing outside is changed, so it may be left at any time."""
    x = x * scheduler.init_noise_sigma
    for step, t in enumerate(scheduler.timesteps):
        output = predict(scheduler.scale_model_input(x, t), t)
        x = advance(scheduler, output, t, x, generators)
        after(step, int(t), x)
    return x


def blend(plan: Plan, ask: Ask, batch: int = 1, done: Tick = nothing, share: Share = WHOLE) -> Predict:
    """The mean of what the windows say of a frame, each counting the same; `batch` windows are asked at once.

    The published code divides by the number of windows only with guidance; here it always does. `done` is called after every batch.
    share: this process asks for its share of the windows alone, and all processes add up what they were told (sampling/spread.py).
    """
    own = share.of(plan)
    batches = [own[i : i + batch] for i in range(0, len(own), batch)]
    elsewhere = -(-len(plan) // batch) - len(batches)

    def predict(x: Tensor, t: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        covered = x.new_zeros(len(x), 1, 1, 1)
        for windows in batches:
            output = ask(torch.stack([x[list(window.frames)] for window in windows]), t, windows)
            for window, row in zip(windows, output, strict=True):
                frames = list(window.kept)
                places = list(window.kept.values())
                total[frames] += row[places].to(total.dtype)
                covered[frames] += 1
            done()
        add_up(share, total, covered)
        for _ in range(elsewhere):
            done()
        return total / covered

    return predict


def ticks(progress: Progress, stage: str, total: int) -> Tick:
    """A stage of `total` parts: tells the progress that it begins and, each time it is called, how many of them are done."""
    parts = count()
    progress(stage, next(parts), total)
    return lambda: progress(stage, next(parts), total)
