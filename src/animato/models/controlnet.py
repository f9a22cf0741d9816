"""ControlNet: diffusers' own, cut where its work for a clip divides into what is done once and what is done in every step."""

from __future__ import annotations

from typing import Any, cast

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor

from animato.models.condition import Residuals
from animato.models.unet import UNet


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

    def residuals(self, x: Tensor, t: Tensor | float, tokens: Tensor, stem: Tensor) -> Residuals:  # B F C h w, 1 S D, B F C h w
        """Of noisy frames, at one time or one for each row. The pictures come as `stem` makes them."""
        frames = x.shape[:2]
        times = torch.as_tensor(t, device=x.device).reshape(-1).expand(len(x)).repeat_interleave(frames[1])
        temb = self.time_embedding(self.time_proj(times).to(x.dtype))
        context: dict[str, Any] = {"encoder_hidden_states": tokens.expand(len(times), -1, -1)}
        value = cast(Tensor, self.conv_in(x.flatten(0, 1))) + stem.flatten(0, 1)
        skips = [value]
        for block in self.down_blocks:
            value, written = block(value, temb, **(context if getattr(block, "has_cross_attention", False) else {}))
            skips += written
        middle = self.controlnet_mid_block(cast(Any, self.mid_block)(value, temb, **context))
        outputs = [convolution(skip) for convolution, skip in zip(self.controlnet_down_blocks, skips, strict=True)]
        return Residuals(tuple(output.unflatten(0, frames) for output in outputs), middle.unflatten(0, frames))


def controlnet_for(unet: UNet, channels: tuple[int, ...] = (16, 32, 96, 256)) -> ControlNet:
    """A new ControlNet in the shape of a U-Net; `channels` are those of its stem. It adds nothing yet."""
    sizes = unet.config
    kinds = tuple("CrossAttnDownBlock2D" if attends else "DownBlock2D" for attends in sizes.attention_levels)
    return ControlNet(
        sizes.in_channels,
        down_block_types=kinds,
        block_out_channels=tuple(sizes.block_out_channels),
        layers_per_block=sizes.layers_per_block,
        cross_attention_dim=sizes.cross_attention_dim,
        attention_head_dim=sizes.heads,
        conditioning_embedding_out_channels=channels,
    )
