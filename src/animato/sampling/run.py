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
from animato.sampling.shard import WHOLE, Shard
from animato.sampling.spread import add_up

Predict = Callable[[Tensor, Tensor], Tensor]
"""x, t -> the prediction for all frames; both F C H W."""

PredictWindows = Callable[[Tensor, Tensor, Sequence[Window]], Tensor]
"""R windows of x, t, the R windows -> the prediction; both R f C H W."""

Callback = Callable[[int, int, Tensor], None]
"""Called after a step as callback(step, t, latents F C H W); raising an error in it ends the work."""

Tick = Callable[[], None]
"""Called when one more piece of the work is done."""


def nothing(*_: object) -> None:
    """For callers who want to hear nothing."""


def sample(
    x: Tensor, predict: Predict, scheduler: Any, generators: Sequence[torch.Generator], callback: Callback = nothing
) -> Tensor:  # F C H W
    """Latents of the noise x, by a scheduler with its timesteps set. Nothing outside is changed, so it may be left at any time."""
    x = x * scheduler.init_noise_sigma
    for step, t in enumerate(scheduler.timesteps):
        output = predict(scheduler.scale_model_input(x, t), t)
        x = advance(scheduler, output, t, x, generators)
        callback(step, int(t), x)
    return x


def blend(plan: Plan, predict: PredictWindows, batch: int = 1, done: Tick = nothing, shard: Shard = WHOLE) -> Predict:
    """The mean of the predictions of all windows that hold a frame, each counting the same; `batch` windows go through the network at once.

    The published code divides by the number of windows only with guidance; here it always does. `done` is called after every batch.
    shard: this process predicts its own windows alone, and all processes add up what they have (sampling/spread.py).
    """
    own = shard.of(plan)
    batches = [own[i : i + batch] for i in range(0, len(own), batch)]
    elsewhere = -(-len(plan) // batch) - len(batches)

    def predict_clip(x: Tensor, t: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        covered = x.new_zeros(len(x), 1, 1, 1)
        for windows in batches:
            output = predict(torch.stack([x[list(window.frames)] for window in windows]), t, windows)
            for window, row in zip(windows, output, strict=True):
                frames = list(window.kept)
                positions = list(window.kept.values())
                total[frames] += row[positions].to(total.dtype)
                covered[frames] += 1
            done()
        add_up(shard, total, covered)
        for _ in range(elsewhere):
            done()
        return total / covered

    return predict_clip


def ticks(progress: Progress, stage: str, total: int) -> Tick:
    """A stage of `total` parts: says to the progress that it begins and, each time it is called, how many of them are done."""
    parts = count()
    progress(stage, next(parts), total)
    return lambda: progress(stage, next(parts), total)
