"""Patches in the VAE's place and the mean colour in CLIP's, for preview models: both without weights, the first without loss.

They answer as diffusers' AutoencoderKL and transformers' CLIPVisionModelWithProjection do, so that nobody who uses those need know.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD


class PatchVAE(ModelMixin, ConfigMixin):
    """Pictures cut into patches of 2 x 2 pixels, each a column of 12 channels."""

    @register_to_config
    def __init__(
        self, block_out_channels: tuple[int, ...] = (12, 12), latent_channels: int = 12, scaling_factor: float = 1.0, side: int = 2
    ) -> None:
        super().__init__()
        self.register_buffer("placement", torch.zeros(()), persistent=False)  # tells device and number type

    def encode(self, pictures: Tensor) -> AutoencoderKLOutput:  # F 3 H W in [-1, 1]
        patches = F.pixel_unshuffle(pictures, self.config.side)
        parameters = torch.cat([patches, torch.zeros_like(patches)], dim=1)
        return AutoencoderKLOutput(latent_dist=DiagonalGaussianDistribution(parameters, deterministic=True))

    def decode(self, latents: Tensor) -> DecoderOutput:  # F 12 H/2 W/2
        return DecoderOutput(sample=F.pixel_shuffle(latents, self.config.side))


class Embedded(NamedTuple):
    """What CLIP's answer is asked for."""

    image_embeds: Tensor  # B 12


class MeanColour(ModelMixin, ConfigMixin):
    """The mean patch of 2 x 2 pixels of a picture: a token that tells little more than its mean colour."""

    @register_to_config
    def __init__(self, image_size: int = 64, side: int = 2) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(OPENAI_CLIP_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(OPENAI_CLIP_STD).view(3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Embedded:  # B 3 S S in CLIP's colours
        pictures = 2 * (pixels * self.std + self.mean) - 1
        return Embedded(F.pixel_unshuffle(pictures, self.config.side).mean(dim=(2, 3)))
