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
    def copy(self, wanted: Iterable[Hints]) -> tuple[Copied, list[Source]]:
        """What comes to every frame, and from where; `wanted` are the hints of some frames at a time."""
        reference = Codec(self.vae).encode(self.canvas[None])[None]  # 1 1 C h w
        rows, sources = list[Copied](), list[Source]()
        for hints in wanted:
            rows.append(self.head(hints, self.given, reference))
            sources += self._sources(rows[-1], self.head.trace(hints, self.given, reference))
        return Copied(*(torch.cat(parts, dim=1) for parts in zip(*rows, strict=True))), sources

    def _sources(self, copied: Copied, traces: Tensor) -> list[Source]:  # 1 F 3 h w
        shares = torch.nn.functional.pixel_shuffle(copied.share[0], Codec(self.vae).stride)[:, 0]
        return [Source(place[:2].numpy(), place[2].numpy(), share.numpy()) for place, share in zip(traces[0], shares, strict=True)]


def repaired(ask: Ask, base: Tensor, alphas_cumprod: Tensor) -> Ask:  # base 1 F C h w
    """A sampler's question whose answer, the U-Net's residual over the fetched patches, is made into a velocity."""

    def answer(rows: Tensor, t: Tensor, windows: Sequence[Window]) -> Tensor:
        squared = alphas_cumprod[int(t)].to(rows)
        a, s = squared.sqrt(), (1 - squared).sqrt()
        under = torch.stack([base[0, list(window.frames)] for window in windows]).to(rows)
        return velocity(clean(ask(rows, t, windows), rows, under, a, s), rows, a, s)

    return answer
