"""ControlNet: diffusers' own, cut where its work for a clip divides into what is done once and what is done in every step."""

from __future__ import annotations

from typing import Any, cast

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor

from animato.models.condition import Residuals


class ControlNet(ControlNetModel):
    """Pictures that steer -> what is added inside a U-Net. Every frame by itself.

    Its `forward` is diffusers'. `stem` and `residuals` give the same, for a clip, and the stem, which knows no time, runs once.
    """

    @property
    def stride(self) -> int:
        """Pixels of the steering pictures a side of one latent."""
        return 2 ** (len(self.config.conditioning_embedding_out_channels) - 1)

    def stem(self, pictures: Tensor) -> Tensor:  # F 3 H W in [0, 1] -> F C h w
        """The steering pictures in the size of latents."""
        return self.controlnet_cond_embedding(pictures)

    def residuals(self, x: Tensor, t: Tensor | float, tokens: Tensor, stem: Tensor) -> Residuals:  # F C h w, 1 S D, F C h w
        """Of the noisy frames of one clip, as rows of a clip of one: B is 1. The pictures come as `stem` makes them."""
        temb = self.time_embedding(self.time_proj(torch.as_tensor(t, device=x.device).reshape(1)).to(x.dtype)).expand(len(x), -1)
        told: dict[str, Any] = {"encoder_hidden_states": tokens.expand(len(x), -1, -1)}
        value = cast(Tensor, self.conv_in(x)) + stem
        skips = [value]
        for block in self.down_blocks:
            value, written = block(value, temb, **(told if getattr(block, "has_cross_attention", False) else {}))
            skips += written
        middle = self.controlnet_mid_block(cast(Any, self.mid_block)(value, temb, **told))
        outputs = [convolution(skip) for convolution, skip in zip(self.controlnet_down_blocks, skips, strict=True)]
        return Residuals(tuple(output.unsqueeze(0) for output in outputs), middle.unsqueeze(0))
