"""Layers of pictures, applied to clips: B F C H W."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn


def per_frame(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:  # B F C H W -> B F C' H' W'
    """A layer of pictures, on every frame by itself."""
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class FrameNorm(nn.GroupNorm):
    """GroupNorm whose statistics are those of one frame."""

    def forward(self, input: Tensor) -> Tensor:
        return per_frame(super().forward, input)


class ClipNorm(nn.GroupNorm):
    """GroupNorm whose statistics run over all frames of the clip."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.transpose(1, 2)).transpose(1, 2)


NORMS: dict[str, type[nn.GroupNorm]] = {"frame": FrameNorm, "clip": ClipNorm}


class Resnet(ResnetBlock2D):
    """diffusers' ResnetBlock2D on clips, with a choice of norm."""

    def __init__(self, channels: int, out_channels: int, temb_channels: int, norm: type[nn.GroupNorm]) -> None:
        super().__init__(in_channels=channels, out_channels=out_channels, temb_channels=temb_channels, eps=1e-5)
        self.norm1 = norm(32, channels, eps=1e-5)
        self.norm2 = norm(32, out_channels, eps=1e-5)

    def forward(self, x: Tensor, temb: Tensor) -> Tensor:  # B F C H W, B D -> B F C' H W
        shift = self.time_emb_proj(F.silu(temb))[:, None, :, None, None]
        hidden = per_frame(self.conv1, F.silu(self.norm1(x))) + shift
        hidden = per_frame(self.conv2, F.silu(self.norm2(hidden)))
        return hidden + (x if self.conv_shortcut is None else per_frame(self.conv_shortcut, x))
