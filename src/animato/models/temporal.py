"""The temporal module: how a place of the picture knows its past and future."""

from __future__ import annotations

import math
from typing import Literal, TypedDict

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.controlnets.controlnet import zero_module
from torch import Tensor, nn

from animato.core.errors import InputError
from animato.models.attention import Attention, attend, in_pieces
from animato.models.frames import FrameNorm
from animato.models.mamba import BidirectionalMamba

PLACES = 1024  # sequences scanned at a time: the inner state of a scan is many times as wide as its input


class Temporal(TypedDict):
    """How frames are coupled: part of the configuration of a U-Net."""

    kind: Literal["attention", "mamba"]
    heads: int  # of attention
    positions: int  # longest window that is asked for; attention tells every frame its number within its window and knows no more
    middle: bool  # a temporal module in the middle block as well
    norm: Literal["frame", "clip"]  # what the norms of ResNets and of the output take their statistics over


class TemporalAttention(nn.Module):
    """AnimateDiff's motion module: attention over the frames at each place, added to its input. Named as in diffusers' UNetMotionModel."""

    def __init__(self, channels: int, heads: int, positions: int) -> None:
        super().__init__()
        self.norm = FrameNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TemporalBlock(channels, heads)])
        self.proj_out = zero_module(nn.Linear(channels, channels))  # a new module leaves every frame as it is
        self.positions = positions

    def forward(self, x: Tensor) -> Tensor:  # B F C H W
        frames, channels = x.shape[1:3]
        if frames > self.positions:
            raise InputError(
                f"a window of {frames} frames is too long: this model knows {self.positions} positions; choose a shorter window"
            )
        tokens = self.proj_in(self.norm(x).permute(0, 3, 4, 1, 2))  # B H W F C
        tokens = self.transformer_blocks[0](tokens, sinusoid(frames, channels, x.device).to(x.dtype))
        return x + self.proj_out(tokens).permute(0, 3, 4, 1, 2)


class TemporalBlock(nn.Module):
    """Twice self-attention over frames, then feed-forward, each on LayerNorm and added."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn1 = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.attn2 = Attention(channels, heads)
        self.norm3 = nn.LayerNorm(channels)
        self.ff = FeedForward(channels)

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:  # ... F C, F C
        for norm, attention in ((self.norm1, self.attn1), (self.norm2, self.attn2)):
            tokens = tokens + over_frames(attention, norm(tokens) + positions)
        return tokens + in_pieces(self.ff, self.norm3(tokens))


class TemporalMamba(nn.Module):
    """The same place in the U-Net with a scan over frames in both directions: work and memory grow with the frames, not their square.

    The order of frames is known from the scan, so there is no table of positions and no longest window. UniAnimate's paper names such a
    module but its code leaves it out: the arrangement is this project's own.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = FrameNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.mamba_blocks = nn.ModuleList([MambaBlock(channels)])
        self.proj_out = zero_module(nn.Linear(channels, channels))  # a new module leaves every frame as it is

    def forward(self, x: Tensor) -> Tensor:  # B F C H W
        tokens = self.proj_in(self.norm(x).permute(0, 3, 4, 1, 2))  # B H W F C
        rows = tokens.flatten(0, 2).split(PLACES)
        tokens = torch.cat([self.mamba_blocks[0](piece) for piece in rows]).view_as(tokens)
        return x + self.proj_out(tokens).permute(0, 3, 4, 1, 2)


class MambaBlock(nn.Module):
    """Bidirectional Mamba, then feed-forward, each on LayerNorm and added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.mamba = BidirectionalMamba(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.ff = FeedForward(channels)

    def forward(self, tokens: Tensor) -> Tensor:  # L F C
        tokens = tokens + self.mamba(self.norm1(tokens))
        return tokens + in_pieces(self.ff, self.norm2(tokens))


def over_frames(attention: Attention, tokens: Tensor) -> Tensor:  # ... F C
    rows = tokens.flatten(0, -3)
    return attention.to_out(attend(attention.to_q(rows), attention.project(rows), attention.heads)).view_as(tokens)


def sinusoid(frames: int, channels: int, device: torch.device | None = None) -> Tensor:  # F C
    """pe[p, 2i] = sin(p 10000^(-2i/C)), pe[p, 2i+1] = cos of the same. Computed when used: no weight file can leave it unset."""
    frequency = torch.exp(torch.arange(0, channels, 2, device=device) * (-math.log(10000.0) / channels))
    angle = torch.arange(frames, device=device).unsqueeze(1) * frequency
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


def temporal_module(channels: int, config: Temporal) -> nn.Module:
    if config["kind"] == "attention":
        return TemporalAttention(channels, config["heads"], config["positions"])
    if config["kind"] == "mamba":
        return TemporalMamba(channels)
    raise ValueError(f"temporal module {config['kind']!r} is unknown; known: attention, mamba")
