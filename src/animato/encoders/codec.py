"""Pixels <-> latents. The only place that knows how a VAE wants its pixels and how its latents are scaled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from animato.core.media import Clip
from animato.core.shapes import Size
from animato.models.finite import check_finite


class Codec(Protocol):
    """The two directions between frames and latents, whatever stands behind them. Latents have a standard deviation of about 1."""

    @property
    def frames_per_latent(self) -> int:
        """1 where every frame has latents of its own; a video's VAE squeezes several into one."""

    @property
    def stride(self) -> int:
        """Pixels a side of one latent; pictures have sides of a multiple of it."""

    @property
    def channels(self) -> int:
        """Of the latents."""

    def encode(self, frames: np.ndarray, generators: Sequence[torch.Generator] = ()) -> Tensor:  # F H W 3 uint8 -> F' C h w
        """Frames as latents, F' of them for F frames."""

    def decode(self, latents: Tensor) -> Tensor:  # F' C h w -> F 3 H W in [0, 1], float32
        """Latents as frames."""

    def clip(self, latents: Tensor, size: Size, fps: Fraction, sound: Path | None = None) -> Clip:  # F' C h w
        """The frames as a clip, decoded when they are asked for."""


@dataclass(frozen=True, eq=False)
class FrameCodec:
    """A picture VAE, frame by frame. Latents are scaled (by 0.18215 for Stable Diffusion's)."""

    vae: AutoencoderKL

    @property
    def frames_per_latent(self) -> int:
        return 1

    @property
    def stride(self) -> int:
        """Pixels a side of one latent; pictures have sides of a multiple of it."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def channels(self) -> int:
        return self.vae.config.latent_channels

    def latent_size(self, size: Size) -> Size:
        """Width and height of the latents of a picture of `size`, filled up to multiples of the stride."""
        return -(-size[0] // self.stride), -(-size[1] // self.stride)

    @torch.no_grad()
    def encode(self, frames: np.ndarray, generators: Sequence[torch.Generator] = ()) -> Tensor:  # F H W 3 uint8 -> F C h w
        """The posterior's mean, as at inference, or, with one generator for each frame, a sample of it, as in training. float32.

        Raises NotFiniteError.
        """
        pixels = torch.tensor(frames).to(self.vae.device, torch.float32)
        picture = (2 * (pixels / 255) - 1).permute(0, 3, 1, 2).to(self.vae.dtype)
        posterior = [self.vae.encode(one).latent_dist for one in picture.split(1)]
        if generators:
            latents = [one.sample(generator) for one, generator in zip(posterior, generators, strict=True)]
        else:
            latents = [one.mean for one in posterior]
        encoded = check_finite(torch.cat(latents), "the VAE's latents of a picture", self.vae.dtype)
        return encoded.float() * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:  # F C h w -> F 3 H W in [0, 1], float32
        """Raises NotFiniteError, where clamping would make black of what is no number."""
        scaled = (latents / self.vae.config.scaling_factor).to(self.vae.device, self.vae.dtype)
        pixels = torch.cat([self.vae.decode(one).sample.float() for one in scaled.split(1)])
        check_finite(pixels, "a frame that the VAE decoded", self.vae.dtype)
        return (pixels / 2 + 0.5).clamp(0, 1)

    def clip(self, latents: Tensor, size: Size, fps: Fraction, sound: Path | None = None) -> Clip:  # F C h w
        """The frames, decoded one by one when they are asked for; what sticks out of `size` to the right and below is cut off.

        Values are rounded to bytes, where the published code cuts them off.
        """
        width, height = size

        def frames() -> Iterator[np.ndarray]:
            for latent in latents.split(1):
                pixels = (self.decode(latent)[0, :, :height, :width] * 255).round().to(torch.uint8)
                yield pixels.permute(1, 2, 0).contiguous().cpu().numpy()

        return Clip(frames, size, fps, len(latents), sound)
