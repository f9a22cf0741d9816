"""The Pose Guider: from drawn skeletons to features that are added after the U-Net's first convolution."""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.controlnets.controlnet import zero_module
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from animato.models.frames import per_frame


class PoseGuider(ModelMixin, ConfigMixin):
    """A small convolutional network on every frame by itself."""

    @register_to_config
    def __init__(self, out_channels: int = 320, block_out_channels: tuple[int, ...] = (16, 32, 96, 256)) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, block_out_channels[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for channels, wider in pairwise(block_out_channels):
            self.blocks.append(nn.Conv2d(channels, channels, 3, padding=1))
            self.blocks.append(nn.Conv2d(channels, wider, 3, padding=1, stride=2))
        self.conv_out = zero_module(nn.Conv2d(block_out_channels[-1], out_channels, 3, padding=1))  # training begins without a pose

    def forward(self, skeletons: Tensor) -> Tensor:  # B F 3 8H 8W in [0, 1] -> B F C H W
        x = skeletons
        for conv in (self.conv_in, *self.blocks):
            x = F.silu(per_frame(conv, x))
        return per_frame(self.conv_out, x)
