"""The real networks at tiny size, with random weights everywhere, also where training begins with zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from animato.models.condition import Bank, Residuals, UNetCondition
from animato.models.unet import UNet

SHAPE: dict[str, Any] = {
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "attention_levels": (True, False),
    "heads": 4,
    "cross_attention_dim": 24,
}
PATCHES: dict[str, Any] = {  # as a recipe has it, for a U-Net on patches of pixels
    "in_channels": 12,
    "out_channels": 12,
    "block_out_channels": [32, 32],
    "layers_per_block": 1,
    "attention_levels": [False, True],
    "heads": 2,
    "cross_attention_dim": 12,
}
TEMPORAL: dict[str, Any] = {"kind": "attention", "heads": 4, "positions": 8, "middle": True, "norm": "frame"}

M = TypeVar("M", bound=nn.Module)


def randomised(module: M, seed: int = 0) -> M:
    """Every weight random, of a size that keeps values near one."""
    generator = torch.Generator().manual_seed(seed)
    for value in module.parameters():
        noise = torch.randn(value.shape, generator=generator)
        value.data = 1 + 0.2 * noise if value.ndim == 1 else noise * value[0].numel() ** -0.5
    return module.eval()


def unet(temporal: dict[str, Any] | None = None, seed: int = 0, **shape: Any) -> UNet:
    return randomised(UNet(temporal=temporal, **(SHAPE | shape)), seed)


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def bank(net: UNet, size: tuple[int, int], rows: int = 1) -> Bank:
    """What the network reads of a reference that another network of its shape has written."""
    return net.project_bank(features(net, size, rows))


def features(net: UNet, size: tuple[int, int], rows: int = 1) -> dict[str, Tensor]:
    writer = unet(seed=7)
    return writer.reference(normal(rows, 1, 4, *size, seed=8), 0, writer.project_context(normal(rows, 1, 24, seed=9)))


def condition(net: UNet, clip: Tensor) -> UNetCondition:
    """A condition with something at every injection site of the tiny shape."""
    rows, frames, _, height, width = clip.shape
    half = (-(-height // 2), -(-width // 2))
    skips = [normal(rows, frames, 32, *size, seed=i) for i, size in enumerate([(height, width), (height, width), half])]
    residuals = Residuals((*skips, normal(rows, frames, 64, *half, seed=3)), normal(rows, frames, 64, *half, seed=4))
    context = net.project_context(normal(rows, 1, 24, seed=5))
    return UNetCondition(context, bank(net, (height, width), rows), normal(rows, frames, 32, height, width, seed=6), residuals)


def at(condition: UNetCondition, frames: Sequence[int]) -> UNetCondition:
    """The condition of these frames of a clip only, in this order. Reference and context hold for all frames."""
    index = list(frames)
    conv_in = None if condition.conv_in is None else condition.conv_in[:, index]
    added = condition.residuals
    residuals = added and Residuals(tuple(skip[:, index] for skip in added.skips), added.middle[:, index])
    return replace(condition, conv_in=conv_in, residuals=residuals)
