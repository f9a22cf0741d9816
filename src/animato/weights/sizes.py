"""How large a network is, told by the shapes in its weight file. Official files are of one size; trained ones may be of any.

Where a file lacks the key that tells, the published size stands, and the match that follows names what is missing.
"""

from __future__ import annotations

from itertools import count
from typing import TypedDict

from animato.weights.keymap import Shapes


class UNetSizes(TypedDict, total=False):
    in_channels: int
    block_out_channels: tuple[int, ...]
    layers_per_block: int
    attention_levels: tuple[bool, ...]
    cross_attention_dim: int


class PoseGuiderSizes(TypedDict, total=False):
    out_channels: int
    block_out_channels: tuple[int, ...]


def unet_sizes(given: Shapes) -> UNetSizes:
    """What tells one U-Net in the shape of Stable Diffusion's from another, but for its number of heads."""
    levels = range(_many(given, "down_blocks.{}.resnets.0.conv1.weight"))
    texts = [shape for key, shape in given.items() if key.endswith(".attn2.to_k.weight")]
    if not levels or not texts or "conv_in.weight" not in given:
        return {}
    return {
        "in_channels": given["conv_in.weight"][1],
        "block_out_channels": tuple(given[f"down_blocks.{i}.resnets.0.conv1.weight"][0] for i in levels),
        "layers_per_block": _many(given, "down_blocks.0.resnets.{}.conv1.weight"),
        "attention_levels": tuple(f"down_blocks.{i}.attentions.0.norm.weight" in given for i in levels),
        "cross_attention_dim": texts[0][1],
    }


def pose_guider_sizes(given: Shapes) -> PoseGuiderSizes:
    """The channels of a Pose Guider: from conv_in, then from every second of its blocks."""
    blocks = range(1, _many(given, "blocks.{}.weight"), 2)
    if not blocks or "conv_in.weight" not in given or "conv_out.weight" not in given:
        return {}
    channels = [given[name][0] for name in ("conv_in.weight", *(f"blocks.{i}.weight" for i in blocks))]
    return {"out_channels": given["conv_out.weight"][0], "block_out_channels": tuple(channels)}


def _many(given: Shapes, name: str) -> int:
    """How many keys of this name there are, numbered from 0."""
    return next(number for number in count() if name.format(number) not in given)
