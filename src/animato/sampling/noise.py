"""Noise as a function of (seed, frame) alone: the same whatever the window, the batch or the length of the clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

GOLDEN = 0x9E3779B1  # odd: every frame of a clip has its own of the 2 ** 32 states that a generator can start in


def frame_generators(seed: int, frames: int, period: int = 0) -> list[torch.Generator]:
    """One random generator for each frame, on the CPU, so that every device draws the same.

    period  after how many frames they begin again, as MagicAnimate's published pipeline repeats the noise of 16 frames; 0: never
    """
    first = int(np.random.SeedSequence(seed).generate_state(1)[0])
    return [torch.Generator().manual_seed((first + GOLDEN * (frame % (period or frames))) % 2**32) for frame in range(frames)]


def draw(generators: Sequence[torch.Generator], shape: tuple[int, ...]) -> Tensor:
    """Standard normal noise, F and the given shape, float32. Each generator moves on, as a scheduler that adds noise needs it.

    The published pipelines draw one tensor for the whole clip, so that a longer clip has other noise; give it to them as latents.
    """
    return randn_tensor((len(generators), *shape), generator=list(generators), dtype=torch.float32)
