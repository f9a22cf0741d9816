"""The temporal module: how a position in the picture knows its past and future. Which one a U-Net has is a spec, a frozen record."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, assert_never, get_args

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.controlnets.controlnet import zero_module
from torch import Tensor, nn

from animato.core.errors import InputError
from animato.models.attention import Attention, attend, in_pieces
from animato.models.frames import NORMS, FrameNorm
from animato.models.mamba import BidirectionalMamba

SEQUENCES = 1024  # scanned at a time: the inner state of a scan is many times as wide as its input
Norm = Literal["frame", "clip"]


@dataclass(frozen=True)
class TemporalAttentionSpec:
    """AnimateDiff's motion module: attention over the frames at each position of the picture.

    heads      of attention
    positions  frames of the longest window: attention gives every frame its number within its window and has no more
    middle     whether the middle block has a temporal module as well
    norm       what the norms of ResNets and of the output take their statistics over
    """

    kind: ClassVar[str] = "attention"
    heads: int
    positions: int
    middle: bool
    norm: Norm


@dataclass(frozen=True)
class TemporalMambaSpec:
    """A scan over the frames in both directions, for windows of any length. Fields as those of the same name in TemporalAttentionSpec."""

    kind: ClassVar[str] = "mamba"
    middle: bool
    norm: Norm


MotionModule = (
    TemporalAttentionSpec  # softmax over the frames of a window
    | TemporalMambaSpec  # a scan over any number of them
)
"""How frames are coupled: part of the configuration of a U-Net. A closed union: `temporal_module` makes each of its members."""

_SPECS: dict[str, type[MotionModule]] = {spec.kind: spec for spec in get_args(MotionModule)}
_COUNT = (lambda value: type(value) is int and value > 0, "a whole number above 0")
_VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {  # field -> what it may be, and that in words
    "heads": _COUNT,
    "positions": _COUNT,
    "middle": (lambda value: isinstance(value, bool), "true or false"),
    "norm": (lambda value: isinstance(value, str) and value in NORMS, " or ".join(NORMS)),
}


def motion_module_of(table: Mapping[str, Any]) -> MotionModule:
    """The spec of a table as recipes and saved configurations have it: {kind = "attention" or "mamba", ...}, and the spec's fields.

    It may have the fields of attention, too, where they say nothing of its kind. Raises InputError for anything else.
    """
    kind = table.get("kind")
    spec = next((one for name, one in _SPECS.items() if name == kind), None)
    if spec is None:
        raise InputError(f"The kind of temporal module {kind!r} is unknown: choose {' or '.join(_SPECS)}.")
    return spec(**_checked(table, _names(spec)))


def motion_module_table(spec: MotionModule) -> dict[str, Any]:
    """The table that `motion_module_of` reads, for configurations that are saved."""
    return {"kind": spec.kind, **asdict(spec)}


def _names(spec: type[MotionModule]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(spec))


def _checked(table: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The table's entries of these fields. Raises InputError for one that is missing or unknown, or has no sense."""
    faults = [f"has no {name}" for name in names if name not in table]
    faults += [f"has {name}, which is unknown" for name in sorted(set(table) - {"kind", *names, *_names(TemporalAttentionSpec)})]
    if faults:
        raise InputError(f"The temporal module of the kind {table['kind']} {', '.join(faults)}: give kind, {', '.join(names)}.")
    for name in names:
        allowed, words = _VALUES[name]
        if not allowed(table[name]):
            raise InputError(f"The temporal module's {name} is {table[name]!r}: give {words}.")
    return {name: table[name] for name in names}


class TemporalAttention(nn.Module):
    """AnimateDiff's motion module: attention over the frames at each position, added to the input. Named as in diffusers."""

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
    """In the same layers of the U-Net, a scan over frames in both directions: work and memory grow with the frames, not their square.

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
        rows = tokens.flatten(0, 2).split(SEQUENCES)
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


def temporal_module(channels: int, spec: MotionModule) -> nn.Module:
    """The module itself, new."""
    match spec:
        case TemporalAttentionSpec(heads, positions):
            return TemporalAttention(channels, heads, positions)
        case TemporalMambaSpec():
            return TemporalMamba(channels)
        case _:
            assert_never(spec)
