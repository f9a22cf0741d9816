"""How large a network is, by the shapes in its weight file. Official files are of one size; trained ones may be of any.

Where a file lacks the key that tells, the published size stands, and the match that follows names what is missing.
"""

from __future__ import annotations

from typing import TypedDict

from animato.weights.keymap import Shapes

MANY = 100  # more levels, layers or blocks than any network has


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
    widths = [_side(shape, 1) for key, shape in given.items() if key.endswith((".attn2.to_k.weight", ".attn2.to_v.weight"))]
    levels = [_outs(given, f"down_blocks.{i}.resnets.") for i in range(_many(given, "down_blocks."))]
    if not widths or not levels or not all(levels):
        return {}
    return {
        "in_channels": _side(given.get("conv_in.weight", (0, 4)), 1),
        "block_out_channels": tuple(channels[0] for channels in levels),
        "layers_per_block": _many(given, "down_blocks.0.resnets."),
        "attention_levels": tuple(_many(given, f"down_blocks.{i}.attentions.") > 0 for i in range(len(levels))),
        "cross_attention_dim": widths[0],
    }


def pose_guider_sizes(given: Shapes) -> PoseGuiderSizes:
    """The channels of a Pose Guider: from conv_in, then from every second of its blocks."""
    names = ["conv_in.bias", *(f"blocks.{i}.bias" for i in range(1, _many(given, "blocks."), 2)), "conv_out.bias"]
    if not all(name in given for name in names):
        return {}
    *channels, out = (_side(given[name], 0) for name in names)
    return {"out_channels": out, "block_out_channels": tuple(channels)}


def _side(shape: tuple[int, ...], axis: int) -> int:
    """A length; 0, which no network has, where a tensor has too few."""
    return shape[axis] if axis < len(shape) else 0


def _many(given: Shapes, prefix: str) -> int:
    """How many numbers follow a prefix. A file may name any number: what is counted is how many there are."""
    numbers = {key.removeprefix(prefix).split(".")[0] for key in given if key.startswith(prefix)}
    return min(sum(number.isdecimal() for number in numbers), MANY)


def _outs(given: Shapes, prefix: str) -> list[int]:
    """Output channels of all convolutions of ResNets; those of one level have the same."""
    return [_side(shape, 0) for key, shape in given.items() if key.startswith(prefix) and key.endswith((".conv1.weight", ".conv2.weight"))]
