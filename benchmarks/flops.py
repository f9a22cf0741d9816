"""Work of one denoising step with guidance, counted at full size without weights: `python benchmarks/flops.py`.

TFLOP as the published code computes the step (`models/plain.py`) and as this project does, one line per system. Counted are matrix
products, convolutions and both products of every attention, two FLOPs per multiply-add; not counted are norms, activations, additions,
and what runs once per video. "apart" is the step when the halves of guidance run one after the other and share nothing. More than the
budget is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from animato.models.condition import UNetCondition
from animato.models.plain import plain_unet
from animato.models.temporal import Temporal
from animato.models.unet import UNet

TERA = 1e12
ROW = "{:<15} {:>15} {:>10} {:>8} {:>8} {:>7}"


@dataclass(frozen=True)
class System:
    name: str
    size: tuple[int, int]  # width, height in pixels
    frames: int
    temporal: Temporal
    budget: float  # TFLOP


SYSTEMS = [
    System("animate-anyone", (512, 768), 24, {"kind": "attention", "heads": 8, "positions": 32, "middle": True, "norm": "frame"}, 87.0),
]


def main() -> int:
    print(ROW.format("system", "size", "published", "apart", "ours", "ratio"))
    missed = 0
    with torch.device("meta"), torch.no_grad():
        for system in SYSTEMS:
            published, apart, ours = (work / TERA for work in step(system))
            size = "{}x{}x{}".format(*system.size, system.frames)
            print(ROW.format(system.name, size, f"{published:.1f}", f"{apart:.1f}", f"{ours:.1f}", f"{ours / published:.3f}"))
            missed += ours > system.budget
    return missed


def step(system: System) -> tuple[int, int, int]:
    """FLOPs of a step as published, with the halves of guidance apart, and with what they share run once."""
    unet, reference = UNet(temporal=system.temporal), UNet(out_channels=None)
    width, height = (side // 8 for side in system.size)
    x, conv_in = torch.empty(1, system.frames, 4, height, width), torch.empty(1, system.frames, 320, height, width)
    token = torch.empty(1, 1, 768)
    features = reference.reference(x[:, :1], 0, reference.project_context(token))
    null = UNetCondition(unet.project_context(token), conv_in=conv_in)
    condition = UNetCondition(unet.project_context(token), unet.project_bank(features), conv_in)
    both = {name: twice(value) for name, value in features.items()}
    return (
        flops(lambda: plain_unet(unet, twice(x), 1, twice(token), both, twice(conv_in))),
        flops(lambda: [unet(x, 1, half) for half in (null, condition)]),
        flops(lambda: unet.branches(x, 1, [null, condition])),
    )


def twice(rows: Tensor) -> Tensor:
    return torch.cat([rows, rows])


def flops(work: Callable[[], object]) -> int:
    """What PyTorch's counter finds; it does not know the CPU's attention of itself."""
    known = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        work()
    return counter.get_total_flops()


def attention(query: torch.Size, key: torch.Size, value: torch.Size, *_: Any, **__: Any) -> int:
    """Of B N Q d queries and B N K d keys: 2 B N Q K d for the scores, as much for the sum of values."""
    return 4 * prod(query) * key[2]


if __name__ == "__main__":
    sys.exit(main())
