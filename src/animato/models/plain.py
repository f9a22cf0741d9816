"""The U-Net as the published code computes it: slow and plain, the oracle of `unet.py` and the published figure of `benchmarks/flops.py`.

The reference's features are repeated for every frame, put beside the frame's own tokens and projected again by every layer in every step.
Both halves of guidance read them, and the half that must not is computed a second time and put in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from animato.models.attention import Attention, SpatialTransformer, TransformerBlock
from animato.models.blocks import DownLevel, Layer, UpLevel
from animato.models.condition import Features, Residuals
from animato.models.frames import ClipNorm, Resnet
from animato.models.temporal import TemporalAttention, TemporalBlock, sinusoid
from animato.models.unet import UNet


def plain_unet(
    unet: UNet, x: Tensor, t: float, tokens: Tensor, features: Features, conv_in: Tensor | None = None, residuals: Residuals | None = None
) -> Tensor:
    """The prediction for x and conv_in (B F C H W), context tokens (B S D) and a reference's features (B L C each; none: no reference).

    With a reference the first half of the rows is the null of guidance, which does not read it.
    """
    rows, frames = x.shape[:2]
    temb = unet.time_embedding(unet.time_proj(torch.full((rows,), t, device=x.device)).to(x.dtype))
    repeated = Repeated(frames, temb.repeat_interleave(frames, 0), tokens.repeat_interleave(frames, 0), features)
    value = unet.conv_in(x.flatten(0, 1))
    value = value if conv_in is None else value + conv_in.flatten(0, 1)
    skips = [value]
    for i, down in enumerate(cast(Iterable[DownLevel], unet.down_blocks)):
        for layer in down.layers(f"down_blocks.{i}"):
            value = repeated.layer(layer, value)
            skips.append(value)
        for half in down.downsamplers:
            value = half(value)
            skips.append(value)
    added = Residuals((x.new_zeros(()),) * len(skips), x.new_zeros(())) if residuals is None else residuals
    skips = [(skip.unflatten(0, (rows, frames)) + term).flatten(0, 1) for skip, term in zip(skips, added.skips, strict=True)]
    for layer in unet.mid_block.layers("mid_block"):
        value = repeated.layer(layer, value)
    value = (value.unflatten(0, (rows, frames)) + added.middle).flatten(0, 1)
    for i, up in enumerate(cast(Iterable[UpLevel], unet.up_blocks)):
        for layer in up.layers(f"up_blocks.{i}"):
            value = repeated.layer(layer, torch.cat([value, skips.pop()], 1))
        for double in up.upsamplers:
            value = double(value, skips[-1].shape[-2:])
    return unet.conv_out(F.silu(norm(unet.conv_norm_out, value, frames))).unflatten(0, (rows, frames))


@dataclass(frozen=True)
class Repeated:
    """The condition of every layer, repeated for every frame: R = B F, rows first."""

    frames: int
    temb: Tensor  # R D
    context: Tensor  # R S D
    features: Features

    def layer(self, layer: Layer, x: Tensor) -> Tensor:  # R C H W
        x = self.resnet(layer.resnet, x)
        if layer.attention is not None:
            x = self.spatial(cast(SpatialTransformer, layer.attention), x, self.features.get(layer.name))
        return x if layer.motion is None else self.temporal(cast(TemporalAttention, layer.motion), x)

    def resnet(self, block: Resnet, x: Tensor) -> Tensor:
        hidden = block.conv1(F.silu(norm(block.norm1, x, self.frames)))
        hidden = hidden + block.time_emb_proj(F.silu(self.temb))[:, :, None, None]
        hidden = block.conv2(F.silu(norm(block.norm2, hidden, self.frames)))
        return hidden + (block.conv_shortcut(x) if block.conv_shortcut else x)

    def spatial(self, transformer: SpatialTransformer, x: Tensor, written: Tensor | None) -> Tensor:
        block = transformer.block
        tokens = transformer.proj_in(norm(transformer.norm, x, self.frames)).flatten(2).transpose(1, 2)
        tokens = tokens + self.read(block, block.norm1(tokens), written)
        tokens = tokens + attention(block.attn2, block.norm2(tokens), self.context)
        tokens = tokens + block.ff(block.norm3(tokens))
        return x + transformer.proj_out(tokens.transpose(1, 2).reshape(x.shape))

    def read(self, block: TransformerBlock, normed: Tensor, written: Tensor | None) -> Tensor:  # R L C
        if written is None:
            return attention(block.attn1, normed, normed)
        beside = torch.cat([normed, written.repeat_interleave(self.frames, 0)], 1)
        both = attention(block.attn1, normed, beside)
        null = normed[: len(normed) // 2]
        return torch.cat([attention(block.attn1, null, null), both[len(null) :]])

    def temporal(self, module: TemporalAttention, x: Tensor) -> Tensor:
        clip = norm(module.norm, x, self.frames).unflatten(0, (-1, self.frames))
        tokens = clip.permute(0, 3, 4, 1, 2)  # B H W F C
        rows = module.proj_in(tokens.flatten(0, 2))
        block = cast(TemporalBlock, module.transformer_blocks[0])
        table = sinusoid(self.frames, x.shape[1]).to(x)
        for before, attend in ((block.norm1, block.attn1), (block.norm2, block.attn2)):
            numbered = before(rows) + table
            rows = rows + attention(attend, numbered, numbered)
        rows = rows + block.ff(block.norm3(rows))
        return x + module.proj_out(rows).unflatten(0, tokens.shape[:3]).permute(0, 3, 4, 1, 2).flatten(0, 1)


def attention(layer: Attention, queries: Tensor, source: Tensor) -> Tensor:  # R Q C, R K D -> R Q C
    """softmax(q k^T / sqrt(d)) v, written out."""
    q, k, v = (x.unflatten(2, (layer.heads, -1)).transpose(1, 2) for x in (layer.to_q(queries), layer.to_k(source), layer.to_v(source)))
    weights = torch.softmax(q @ k.transpose(2, 3) * q.shape[-1] ** -0.5, dim=-1)
    return layer.to_out((weights @ v).transpose(1, 2).flatten(2))


def norm(layer: nn.GroupNorm, x: Tensor, frames: int) -> Tensor:  # R C H W
    """GroupNorm over one frame, or over the frames of each row of the batch."""
    group = (layer.num_groups, layer.weight, layer.bias, layer.eps)
    if isinstance(layer, ClipNorm):
        return F.group_norm(x.unflatten(0, (-1, frames)).transpose(1, 2), *group).transpose(1, 2).flatten(0, 1)
    return F.group_norm(x, *group)
