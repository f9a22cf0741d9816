"""A copy head at work on a whole clip: what it fetches for every frame, and from where. Shared by preview models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from animato.encoders.codec import Codec
from animato.models.copy_head import Copied, CopyHead, Hints, clean, velocity
from animato.sampling.plan import Window
from animato.sampling.run import Ask
from animato.systems.detail import Source

TOGETHER = 8  # frames that go through a copy head at once: a whole clip's maps would take gigabytes


@dataclass(frozen=True, eq=False)
class Copier:
    """A copy head, the VAE that cuts pictures into its patches, and the picture it fetches from."""

    head: CopyHead
    vae: AutoencoderKL
    canvas: np.ndarray  # H W 3 uint8
    given: Hints  # maps 1 1 D h w

    @torch.no_grad()
    def copy(self, wanted: Iterable[Hints]) -> Copied:
        """What comes to every frame; `wanted` are the hints of some frames at a time."""
        rows = [self.head(hints, self.given, self._reference()) for hints in wanted]
        return Copied(*(torch.cat(parts, dim=1) for parts in zip(*rows, strict=True)))

    @torch.no_grad()
    def trace(self, wanted: Iterable[Hints], copied: Copied) -> list[Source]:
        """Where it came from, frame by frame."""
        traces = torch.cat([self.head.trace(hints, self.given, self._reference()) for hints in wanted], dim=1)[0]
        shares = torch.nn.functional.pixel_shuffle(copied.share[0], Codec(self.vae).stride)[:, 0]
        return [Source(place[:2].numpy(), place[2].numpy(), share.numpy()) for place, share in zip(traces, shares, strict=True)]

    def _reference(self) -> Tensor:  # 1 1 C h w
        return Codec(self.vae).encode(self.canvas[None])[None]


def repaired(ask: Ask, base: Tensor, alphas_cumprod: Tensor) -> Ask:  # base 1 F C h w
    """A sampler's question whose answer, the U-Net's residual over the fetched patches, is made into a velocity."""

    def answer(rows: Tensor, t: Tensor, windows: Sequence[Window]) -> Tensor:
        squared = alphas_cumprod[int(t)].to(rows)
        a, s = squared.sqrt(), (1 - squared).sqrt()
        under = torch.stack([base[0, list(window.frames)] for window in windows]).to(rows)
        return velocity(clean(ask(rows, t, windows), rows, under, a, s), rows, a, s)

    return answer
