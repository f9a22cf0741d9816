"""Attention equals its formula, however its keys are divided."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import tiny
from animato.models.attention import PIECE, Joined, Merged, Part, TransformerBlock, attend, in_pieces, part_kernel
from animato.models.condition import KeyValues
from animato.models.frames import ClipNorm, FrameNorm

HEADS = 4
CHANNELS = 16


def close(mine: Tensor, other: Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(mine, other, atol=tolerance, rtol=0)


def block() -> TransformerBlock:
    return tiny.randomised(TransformerBlock(CHANNELS, HEADS, 12))


def softmax_attention(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Head by head, query by query."""
    out = torch.empty_like(query)
    for head in query.shape[-1] // HEADS * torch.arange(HEADS):
        part = slice(int(head), int(head) + query.shape[-1] // HEADS)
        for row in range(len(query)):
            for i, one in enumerate(query[row, :, part]):
                weights = (keys[row, :, part] @ one / (query.shape[-1] // HEADS) ** 0.5).exp()
                out[row, i, part] = weights @ values[row, :, part] / weights.sum()
    return out


def test_formula() -> None:
    query, keys, values = tiny.normal(2, 5, CHANNELS), tiny.normal(2, 7, CHANNELS, seed=2), tiny.normal(2, 7, CHANNELS, seed=3)
    close(attend(query, KeyValues(keys, values), HEADS), softmax_attention(query, keys, values))


@given(size=st.sampled_from([0.0, 1.0, 30.0, 300.0]), split=st.integers(1, 10), shift=st.floats(-200, 200))
@settings(max_examples=30, deadline=None)
def test_parts_beside_each_other(size: float, split: int, shift: float) -> None:
    """Softmax over all keys, also where one part outweighs the other beyond all measure."""
    query, values = tiny.normal(1, 5, CHANNELS), tiny.normal(1, 11, CHANNELS, seed=3)
    keys = size * tiny.normal(1, 11, CHANNELS, seed=2)
    keys[:, :split, ::4] += shift
    heads = [x.unflatten(-1, (HEADS, -1)).transpose(1, 2) for x in (query, keys, values)]
    with torch.no_grad():
        kernel = part_kernel(query.device)
        parts = [kernel(heads[0], heads[1][:, :, piece], heads[2][:, :, piece]) for piece in (slice(split), slice(split, None))]
    first, second = (Part(out.transpose(1, 2), log_sum.transpose(1, 2)) for out, log_sum in parts)
    close(first.beside(second), attend(query, KeyValues(keys, values), HEADS), 1e-4)


@torch.no_grad()
def test_two_ways_to_read_a_bank() -> None:
    """Merged and joined alike are attention to the own tokens and the bank's, for every frame."""
    net, tokens, written = block(), tiny.normal(2, 3, 5, CHANNELS), tiny.normal(2, 7, CHANNELS, seed=2)
    bank = net.attn1.project(written)
    normed = net.norm1(tokens)
    for frame in range(3):
        own = normed[:, frame]
        both = net.attn1.project(torch.cat([own, written], dim=1))
        reading, alone = softmax_attention(net.attn1.to_q(own), *both), softmax_attention(net.attn1.to_q(own), *net.attn1.project(own))
        for attention in (Joined(net, tokens), Merged(net, tokens, part_kernel(tokens.device))):
            close(attention.reading(bank)[:, frame], reading)
            close(attention.alone()[:, frame], alone)


def test_gradients_are_never_merged() -> None:
    """The kernel with the log-sum-exp has no gradient of it."""
    tokens = tiny.normal(1, 2, 5, CHANNELS)
    assert isinstance(block().self_attention(tokens), Joined)
    with torch.no_grad():
        assert isinstance(block().self_attention(tokens), Merged)


@torch.no_grad()
def test_one_token_is_a_constant() -> None:
    net, token = block(), tiny.normal(2, 1, 12)
    query = net.attn2.to_q(tiny.normal(2, 9, CHANNELS))
    expected = net.attn2.to_out(attend(query, net.attn2.project(token), HEADS))
    close(net.attn2.constant(token).expand_as(expected), expected)


def test_feed_forward_in_pieces() -> None:
    net, tokens = block(), tiny.normal(1, 3, PIECE // 2, CHANNELS)
    close(in_pieces(net.ff, tokens), net.ff(tokens))


def test_norms() -> None:
    """Mean 0 and variance 1 of each group: over a frame, or over the clip."""
    clip = 3 * tiny.normal(2, 3, 8, 5, 4) + torch.arange(3).view(1, 3, 1, 1, 1)
    frame, whole = FrameNorm(2, 8)(clip).unflatten(2, (2, 4)), ClipNorm(2, 8)(clip).unflatten(2, (2, 4))
    close(frame.mean((3, 4, 5)), torch.zeros(2, 3, 2))
    close(whole.mean((1, 3, 4, 5)), torch.zeros(2, 2))
    close(whole.square().mean((1, 3, 4, 5)), torch.ones(2, 2), 1e-4)
    assert whole.mean((3, 4, 5)).abs().max() > 0.1
