"""Spatial transformer with a named slot for the keys and values of a reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from diffusers.models.attention import FeedForward
from torch import Tensor, nn

from animato.models.condition import KeyValues
from animato.models.frames import FrameNorm, per_frame

Kernel = Callable[..., tuple[Tensor, ...]]

PIECE = 2**14  # tokens; the hidden layer of a feed-forward is eight times as wide as its input and would be the peak of memory


class Attention(nn.Module):
    """Projections of multi-head attention, named as in diffusers. Width C / heads per head, scale (C / heads) ** -0.5."""

    def __init__(self, channels: int, heads: int, source_channels: int | None = None) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{heads} heads do not divide {channels} channels")
        self.heads = heads
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(source_channels or channels, channels, bias=False)
        self.to_v = nn.Linear(source_channels or channels, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def project(self, source: Tensor) -> KeyValues:  # B ... D -> keys and values B ... C
        return KeyValues(self.to_k(source), self.to_v(source))

    def constant(self, token: Tensor) -> Tensor:  # B 1 D -> B 1 C
        """What attention to a single token gives every query: softmax over one key is 1."""
        return self.to_out(self.to_v(token))


def attend(query: Tensor, source: KeyValues, heads: int) -> Tensor:  # B Q C, B K C -> B Q C
    """softmax(q k^T / sqrt(d)) v per head."""
    q, k, v = (_heads_first(x.expand(len(query), -1, -1), heads) for x in (query, *source))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Part(NamedTuple):
    """Attention to a part of the keys, and what its softmax was divided by."""

    out: Tensor  # B Q N d
    log_sum: Tensor  # B Q N, log of the sum of exponentials

    def beside(self, other: Part) -> Tensor:  # -> B Q C
        """Softmax over both parts' keys: the weight of each part is its fraction of the sum of exponentials."""
        weight = torch.sigmoid(self.log_sum - other.log_sum).unsqueeze(-1)
        return torch.lerp(other.out, self.out, weight.to(self.out.dtype)).flatten(2)


def part_kernel(device: torch.device) -> Kernel | None:
    """torch's attention that also gives its log-sum-exp, or None where there is none with a gradient or on this device.

    It is no public function of torch, so it is used only where the tests run it: on a CPU (and on "meta", to count).
    """
    known = device.type in ("cpu", "meta") and not torch.is_grad_enabled()
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu if known else None


class Joined:
    """Self-attention that can also read a bank: one softmax over the own keys and the bank's, written out side by side."""

    def __init__(self, block: TransformerBlock, tokens: Tensor) -> None:  # B F L C
        self.block, self.tokens = block, tokens

    def alone(self) -> Tensor:  # B F L C
        return self._attend(None)

    def reading(self, bank: KeyValues) -> Tensor:  # bank B K C -> B F L C
        return self._attend(bank)

    def _attend(self, bank: KeyValues | None) -> Tensor:
        query, own = self.block.query(self.tokens)
        if bank is not None:
            read = bank.map(lambda x: x.unsqueeze(1).expand(*query.shape[:2], -1, -1))
            own = KeyValues(torch.cat([own.keys, read.keys], dim=2), torch.cat([own.values, read.values], dim=2))
        flat = own.map(lambda x: x.flatten(0, 1))
        return attend(query.flatten(0, 1), flat, self.block.attn1.heads).view_as(query)


class Merged:
    """The same, but attention to the own keys is computed once, for the condition with the bank and the one without.

    The bank is read by all frames of a clip at once, as it stands.
    """

    def __init__(self, block: TransformerBlock, tokens: Tensor, kernel: Kernel) -> None:  # B F L C
        self.heads, self.kernel, self.tokens = block.attn1.heads, kernel, tokens
        self.query, own = block.query(tokens)
        self.own = self._part(self.query.flatten(0, 1), own.map(lambda x: x.flatten(0, 1)))

    def alone(self) -> Tensor:  # B F L C
        return self.own.out.reshape(self.query.shape)

    def reading(self, bank: KeyValues) -> Tensor:  # bank B K C -> B F L C
        query = self.query.flatten(1, 2)
        part = self._part(query, bank.map(lambda x: x.expand(len(query), -1, -1)))
        frames = Part(*(x.unflatten(1, self.query.shape[1:3]).flatten(0, 1) for x in part))
        return self.own.beside(frames).view_as(self.query)

    def _part(self, query: Tensor, source: KeyValues) -> Part:  # B Q C, B K C
        out, log_sum, *_ = self.kernel(*(_heads_first(x, self.heads) for x in (query, *source)))
        return Part(out.transpose(1, 2), log_sum.transpose(1, 2))


SelfAttention = Joined | Merged


class TransformerBlock(nn.Module):
    """Self-attention with the bank's slot, cross-attention, feed-forward, each on LayerNorm and added."""

    def __init__(self, channels: int, heads: int, context_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn1 = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels)
        self.attn2 = Attention(channels, heads, context_channels)
        self.norm3 = nn.LayerNorm(channels)
        self.ff = FeedForward(channels)

    def query(self, tokens: Tensor) -> tuple[Tensor, KeyValues]:  # B F L C
        """The queries of self-attention, and its own keys and values."""
        normed = self.norm1(tokens)
        return self.attn1.to_q(normed), self.attn1.project(normed)

    def self_attention(self, tokens: Tensor) -> SelfAttention:  # B F L C
        """The self-attention up to the bank, which is the same whatever the bank."""
        kernel = part_kernel(tokens.device)
        return Joined(self, tokens) if kernel is None else Merged(self, tokens, kernel)

    def forward(self, own: SelfAttention, context: Tensor | KeyValues, bank: KeyValues | None) -> Tensor:  # B F L C
        tokens = own.tokens + self.attn1.to_out(own.alone() if bank is None else own.reading(bank))
        tokens = tokens + self._cross(tokens, context)
        return tokens + in_pieces(self.ff, self.norm3(tokens))

    def _cross(self, tokens: Tensor, context: Tensor | KeyValues) -> Tensor:
        if isinstance(context, Tensor):
            return context.unsqueeze(1)
        query = self.attn2.to_q(self.norm2(tokens))
        return self.attn2.to_out(attend(query.flatten(1, 2), context, self.attn2.heads).view_as(query))


class Entrance(nn.Module):
    """A spatial transformer as far as a bank is written of it, which is all that a network whose banks alone are used needs of its last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = FrameNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([nn.ModuleDict({"norm1": nn.LayerNorm(channels)})])

    def enter(self, x: Tensor) -> Tensor:  # B F C H W -> B F L C
        return per_frame(self.proj_in, self.norm(x)).flatten(3).transpose(2, 3)

    def write(self, tokens: Tensor) -> Tensor:  # B F L C -> B F*L C
        """What enters self-attention, of all frames together."""
        return cast(Any, self.transformer_blocks[0]).norm1(tokens).flatten(1, 2)


class SpatialTransformer(Entrance):
    """Transformer over the positions of each frame, in three steps: `enter`, `block.self_attention`, `forward`.

    A bank is written after the first.
    """

    def __init__(self, channels: int, heads: int, context_channels: int) -> None:
        super().__init__(channels)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, heads, context_channels)])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    @property
    def block(self) -> TransformerBlock:
        return cast(TransformerBlock, self.transformer_blocks[0])

    def forward(self, x: Tensor, own: SelfAttention, context: Tensor | KeyValues, bank: KeyValues | None) -> Tensor:  # B F C H W
        tokens = self.block(own, context, bank)
        return x + per_frame(self.proj_out, tokens.transpose(2, 3).reshape(x.shape))


def in_pieces(feed_forward: Callable[[Tensor], Tensor], tokens: Tensor) -> Tensor:  # ... C -> ... C
    """A feed-forward over a moderate number of tokens at a time, which needs less memory and no more time."""
    pieces = tokens.flatten(0, -2).split(PIECE)
    return torch.cat([feed_forward(piece) for piece in pieces]).view_as(tokens)


def fed_forward(tokens: int) -> int:
    """How many of so many tokens are in a feed-forward at once."""
    return min(tokens, PIECE)


def _heads_first(x: Tensor, heads: int) -> Tensor:  # B L C -> B N L d
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)
