"""UniAnimate's trunk: diffusers' 3-D U-Net, with an entrance, cross-attentions and perhaps temporal modules of the project's own.

Every level works on each frame by itself (ResNet, spatial transformer) and on each position over the frames (temporal convolution,
temporal module) in turn. Cross-attentions read keys and values that were projected once, where diffusers' project them for every frame of
every step. The trunk is built in diffusers' form, so that its names are those that official weights are mapped to; what is replaced in it
keeps them. `travel` runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import torch
from diffusers.models.attention import BasicTransformerBlock, FeedForward
from diffusers.models.embeddings import TimestepEmbedding
from diffusers.models.resnet import ResnetBlock2D, TemporalConvLayer
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from animato.models.attention import Attention, attend, in_pieces
from animato.models.condition import Context, KeyValues
from animato.models.temporal import TemporalMamba

Kind = Literal["attention", "mamba"]
Through = Callable[[nn.Module, Mapping[str, Any]], Any]
"""How a block is called with its inputs: at once, or so that it forgets inner values until they are needed for gradients."""


class ReadyCrossAttention(Attention):
    """Cross-attention to keys and values that are ready, found under the name of this layer; all frames of a row read the same."""

    def __init__(self, name: str, channels: int, heads: int, source_channels: int) -> None:
        super().__init__(channels, heads, source_channels)
        self.name = name

    def forward(self, hidden_states: Tensor, encoder_hidden_states: Context, attention_mask: None = None) -> Tensor:  # B*F L C
        ready = cast(KeyValues, encoder_hidden_states[self.name])
        query = self.to_q(hidden_states).view(len(ready.keys), -1, hidden_states.shape[-1])  # B F*L C
        return self.to_out(attend(query, ready, self.heads)).view_as(hidden_states)


class FeedForwardInPieces(FeedForward):
    """diffusers' feed-forward, over some tokens at a time: its inner layer, eight times as wide, would be the peak of memory."""

    def forward(self, hidden_states: Tensor) -> Tensor:  # ... L C
        return in_pieces(super().forward, hidden_states)


class MambaOverFrames(nn.Module):
    """The temporal Mamba where the trunk has a temporal transformer, called as that is."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.module = TemporalMamba(channels)

    def forward(
        self, hidden_states: Tensor, num_frames: int, cross_attention_kwargs: None = None, return_dict: bool = False
    ) -> tuple[Tensor]:  # B*F C H W
        return (self.module(hidden_states.unflatten(0, (-1, num_frames))).flatten(0, 1),)


class Sinusoid(nn.Module):
    """The time in cosines, then sines, by powers of 10000 as in the published code; diffusers' are by exp and log, up to 6e-5 apart."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, t: Tensor) -> Tensor:  # B -> B C
        half = self.channels // 2
        angle = t.float().unsqueeze(1) * torch.pow(10000.0, -torch.arange(half, device=t.device) / half)
        return torch.cat([angle.cos(), angle.sin()], dim=1)


def replace_entrance(trunk: UNet3DConditionModel, channels: int, heads: int, head_dim: int) -> None:
    """The published way in: its transformer has heads of its own, and its width need not be that of the first level, as diffusers' is.

    Everything that meets it goes along: the time, the first layer, and the last one, to which its output is a skip connection.
    """
    trunk.conv_in = nn.Conv2d(trunk.conv_in.in_channels, channels, 3, padding=1)
    trunk.transformer_in = TransformerTemporalModel(heads, head_dim, channels)
    trunk.time_proj = Sinusoid(channels)
    trunk.time_embedding = TimestepEmbedding(channels, 4 * channels)
    level: int = trunk.config.block_out_channels[0]
    for block, layer, width in ((trunk.down_blocks[0], 0, channels), (trunk.up_blocks[-1], -1, level + channels)):
        layers: Any = block.resnets
        layers[layer] = ResnetBlock2D(in_channels=width, out_channels=level, temb_channels=4 * channels, eps=1e-5)
    for module in trunk.modules():
        if isinstance(module, ResnetBlock2D):
            module.time_emb_proj = nn.Linear(4 * channels, module.out_channels)


def replace_cross_attentions(trunk: UNet3DConditionModel) -> None:
    for name, block in transformer_blocks(trunk):
        old = block.attn2
        block.attn2 = ReadyCrossAttention(name, old.to_q.in_features, old.heads, old.to_k.in_features)


def replace_feed_forwards(trunk: UNet3DConditionModel) -> None:
    for block in [module for module in trunk.modules() if isinstance(module, BasicTransformerBlock)]:
        block.ff = FeedForwardInPieces(block.norm3.normalized_shape[0])


def replace_temporal_modules(trunk: UNet3DConditionModel) -> None:
    """Mamba for every temporal transformer, the entrance's as well. It begins as the identity."""
    trunk.transformer_in = MambaOverFrames(trunk.transformer_in.in_channels)
    for block in (*trunk.down_blocks, trunk.mid_block, *trunk.up_blocks):
        modules: Any = getattr(block, "temp_attentions", ())
        for index, module in enumerate(modules):
            modules[index] = MambaOverFrames(module.in_channels)


def drop(trunk: UNet3DConditionModel, rate: float) -> None:
    """Dropout in ResNets, where diffusers has none, and in temporal convolutions. Attention and feed-forward have none, as published."""
    for module in trunk.modules():
        if isinstance(module, ResnetBlock2D):
            module.dropout = nn.Dropout(rate)
        if isinstance(module, TemporalConvLayer):
            for part in module.modules():
                if isinstance(part, nn.Dropout):
                    part.p = rate


def transformer_blocks(trunk: UNet3DConditionModel) -> list[tuple[str, Any]]:
    """Names and blocks of the spatial transformers, each of which has one."""
    return [(name, module) for name, module in trunk.named_modules() if ".attentions." in name and name.endswith("transformer_blocks.0")]


def project_context(trunk: UNet3DConditionModel, tokens: Tensor) -> Context:  # B S D
    """Keys and values of the context for every cross-attention."""
    return {name: block.attn2.project(tokens) for name, block in transformer_blocks(trunk)}


def travel(trunk: UNet3DConditionModel, x: Tensor, t: Tensor, context: Context, through: Through) -> Tensor:  # B F C H W, B
    """Through the trunk, frame by frame and over the frames. H and W may be any: the way up takes its sizes from the way down."""
    rows, frames = x.shape[:2]
    time = trunk.time_embedding(trunk.time_proj(t.expand(rows)).to(x.dtype)).repeat_interleave(frames, dim=0)
    plain: dict[str, Any] = {"temb": time, "num_frames": frames}
    reading = plain | {"encoder_hidden_states": context}
    x = through(trunk.transformer_in, {"hidden_states": trunk.conv_in(x.flatten(0, 1)), "num_frames": frames, "return_dict": False})[0]
    skips = [x]
    for block in trunk.down_blocks:
        x, made = through(block, (reading if attends(block) else plain) | {"hidden_states": x})
        skips += made
    x = through(trunk.mid_block, reading | {"hidden_states": x})
    for block in trunk.up_blocks:
        taken = tuple(skips[-len(block.resnets) :])
        skips = skips[: -len(block.resnets)]
        up = {"hidden_states": x, "res_hidden_states_tuple": taken, "upsample_size": skips[-1].shape[-2:] if skips else None}
        x = through(block, (reading if attends(block) else plain) | up)
    return trunk.conv_out(trunk.conv_act(trunk.conv_norm_out(x))).unflatten(0, (rows, frames))


def attends(block: nn.Module) -> bool:
    return bool(getattr(block, "has_cross_attention", False))


def at_once(block: nn.Module, inputs: Mapping[str, Any]) -> Any:
    return block(**inputs)


def forgetful(block: nn.Module, inputs: Mapping[str, Any]) -> Any:
    """For gradients the block is run a second time, instead of keeping what it computed in between."""
    return checkpoint(block, use_reentrant=False, **inputs)
