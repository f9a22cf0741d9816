"""The levels of the U-Net: containers, named as in diffusers, whose layers the U-Net runs in order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, cast

from diffusers.models.downsampling import Downsample2D
from diffusers.models.upsampling import Upsample2D
from torch import nn

from animato.models.attention import Entrance, SpatialTransformer
from animato.models.frames import NORMS, Resnet
from animato.models.temporal import MotionModule, temporal_module

Pairs = list[tuple[int, int]]  # channels (in, out) of ResNets


class Layer(NamedTuple):
    """ResNet, then spatial transformer, then temporal module; the last two where the level has them."""

    name: str  # the transformer's
    resnet: Resnet
    attention: Entrance | None  # whole but in the last layer of a network that ends there
    motion: nn.Module | None


@dataclass(frozen=True)
class Widths:
    """What the layers of all levels have in common."""

    heads: int
    context: int  # channels of the context's tokens
    time: int  # channels of the time embedding
    motion_module: MotionModule | None

    @property
    def norm(self) -> type[nn.GroupNorm]:
        return NORMS["frame" if self.motion_module is None else self.motion_module.norm]


class Level(nn.Module):
    """Layers of one resolution: one ResNet for each of `pairs`, the first of them with transformers and with temporal modules."""

    def __init__(self, pairs: Pairs, transformers: int, temporals: int, widths: Widths) -> None:
        super().__init__()
        outs = [out for _, out in pairs]
        self.resnets = nn.ModuleList(Resnet(*pair, widths.time, widths.norm) for pair in pairs)
        self.attentions = nn.ModuleList(SpatialTransformer(out, widths.heads, widths.context) for out in outs[:transformers])
        self.motion_modules = nn.ModuleList(temporal_module(out, widths.motion_module) for out in outs[:temporals] if widths.motion_module)

    def layers(self, name: str) -> list[Layer]:
        parts = zip_longest(self.resnets, self.attentions, self.motion_modules)
        return [Layer(f"{name}.attentions.{i}", *cast(Any, modules)) for i, modules in enumerate(parts)]


class DownLevel(Level):
    """Layers, then half the resolution, but for the last level."""

    def __init__(self, pairs: Pairs, attention: bool, widths: Widths, last: bool) -> None:
        super().__init__(pairs, len(pairs) * attention, len(pairs), widths)
        self.downsamplers = nn.ModuleList([] if last else [Downsample2D(pairs[-1][1], use_conv=True, padding=1, name="op")])


class MiddleLevel(Level):
    """ResNet, transformer, temporal module if wanted here, ResNet."""

    def __init__(self, channels: int, widths: Widths) -> None:
        middle = widths.motion_module is not None and widths.motion_module.middle
        super().__init__([(channels, channels)] * 2, 1, int(middle), widths)


class UpLevel(Level):
    """Layers, then twice the resolution, but for the last level."""

    def __init__(self, pairs: Pairs, attention: bool, widths: Widths, last: bool) -> None:
        super().__init__(pairs, len(pairs) * attention, len(pairs), widths)
        self.upsamplers = nn.ModuleList([] if last else [Upsample2D(pairs[-1][1], use_conv=True)])

    def end_at_bank(self) -> None:
        """Leaves of its last transformer, if it has any, what comes before the bank."""
        if self.attentions:
            self.attentions[-1] = Entrance(cast(SpatialTransformer, self.attentions[-1]).proj_in.out_channels)


def down_channels(channels: tuple[int, ...], layers: int) -> list[Pairs]:
    """Those of the down path, level by level."""
    before = (channels[0], *channels)
    return [[(before[i] if j == 0 else own, own) for j in range(layers)] for i, own in enumerate(channels)]


def up_channels(channels: tuple[int, ...], layers: int) -> list[Pairs]:
    """Those of the up path, level by level: what enters is the value from below beside a skip connection."""
    skips = [channels[0]]
    for i, own in enumerate(channels):
        skips += [own] * layers + [own] * (i + 1 < len(channels))
    below, levels = channels[-1], list[Pairs]()
    for own in reversed(channels):
        pairs = []
        for _ in range(layers + 1):
            pairs.append((below + skips.pop(), own))
            below = own
        levels.append(pairs)
    return levels
