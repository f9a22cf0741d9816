"""Work of one denoising step with guidance, counted at full size without weights: `python benchmarks/flops.py`.

TFLOP as the published code computes the step (`models/plain.py`) and as this project does, one line per system and, of MagicAnimate, one
for each network that runs beside the denoiser in every step. Counted are matrix products, convolutions and both products of every
attention, two FLOPs per multiply-add; not counted are norms, activations, additions, and what runs once per video. "apart" is the step when
the halves of guidance run one after the other and share nothing. More than the budget is an error.

UniAnimate's published step has the stems and the attention behind them in it, and projects keys and values of the context for every frame;
here all these are ready. Its halves share nothing. "a clip" is the whole sampling, what runs once per video included: the published script
samples every clip twice, with the reference and with a first frame, here it is sampled in the one way that is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from animato.models.condition import MIDDLE_AND_UP, UNetCondition
from animato.models.controlnet import ControlNet
from animato.models.plain import plain_unet
from animato.models.temporal import TemporalAttentionSpec
from animato.models.trunk import project_context
from animato.models.unet import UNet
from animato.models.unified import Given, UnifiedUNet
from animato.sampling.ddim import DDIM

TERA = 1e12
ROW = "{:<19} {:>15} {:>10} {:>8} {:>8} {:>7}"
Work = tuple[int, int, int]  # FLOPs as published, apart, ours
Shape = tuple[tuple[int, int], int]  # width and height in pixels, frames


@dataclass(frozen=True)
class System:
    """read: where the reference is read, by the beginnings of names. words: tokens of a prompt that both halves have; 0: CLIP's one."""

    name: str
    size: tuple[int, int]  # width, height in pixels
    frames: int
    temporal: TemporalAttentionSpec
    budget: float  # TFLOP
    read: tuple[str, ...] = ("",)
    words: int = 0


SKELETONS = TemporalAttentionSpec(8, 32, middle=True, norm="frame")
PARTS = TemporalAttentionSpec(8, 24, middle=False, norm="clip")
MAGIC_ANIMATE = System("magic-animate", (512, 768), 16, PARTS, 49.1, MIDDLE_AND_UP, 77)
SYSTEMS = [System("animate-anyone", (512, 768), 24, SKELETONS, 87.0), MAGIC_ANIMATE]
UNIFIED: Shape = ((512, 768), 32)
CALLS = len(DDIM(30).timesteps)  # 31


def main() -> int:
    print(ROW.format("system", "size", "published", "apart", "ours", "ratio"))
    missed = 0
    with torch.device("meta"), torch.no_grad():
        for system in SYSTEMS:
            missed += exceeded(system.name, (system.size, system.frames), step(system), system.budget)
        missed += exceeded("  its ControlNet", (MAGIC_ANIMATE.size, MAGIC_ANIMATE.frames), controlnet(MAGIC_ANIMATE), 7.15)
        missed += exceeded("  its encoder", (MAGIC_ANIMATE.size, MAGIC_ANIMATE.frames), encoder(MAGIC_ANIMATE), 1.25)
        once, clip = unified(*UNIFIED)
        missed += exceeded("uni-animate", UNIFIED, once, 134.8)
        missed += exceeded(f"  a clip, {CALLS} calls", UNIFIED, clip, 4178.0)
    return missed


def exceeded(name: str, shape: Shape, work: Work, budget: float) -> bool:
    """Prints a line; whether the budget is exceeded."""
    published, apart, ours = (one / TERA for one in work)
    (width, height), frames = shape
    size = f"{width}x{height}x{frames}"
    print(ROW.format(name, size, f"{published:.1f}", f"{apart:.1f}", f"{ours:.1f}", f"{ours / published:.3f}"))
    return ours > budget


def step(system: System) -> Work:
    """A step of the denoiser as published, with the halves of guidance apart, and with what they share run once."""
    unet, reference = UNet(temporal=system.temporal), UNet(out_channels=None)
    width, height = (side // 8 for side in system.size)
    x, conv_in = torch.empty(1, system.frames, 4, height, width), torch.empty(1, system.frames, 320, height, width)
    tokens = torch.empty(1, system.words or 1, 768)
    written = reference.reference(x[:, :1], 0, reference.project_context(tokens))
    features = {name: value for name, value in written.items() if name.startswith(system.read)}
    null = UNetCondition(unet.project_context(tokens), conv_in=conv_in)
    context = null.context if system.words else unet.project_context(tokens)
    condition = UNetCondition(context, unet.project_bank(features), conv_in)
    both = {name: twice(value) for name, value in features.items()}
    return (
        flops(lambda: plain_unet(unet, twice(x), 1, twice(tokens), both, twice(conv_in))),
        flops(lambda: [unet(x, 1, half) for half in (null, condition)]),
        flops(lambda: unet.branches(x, 1, [null, condition])),
    )


def controlnet(system: System) -> Work:
    """All frames of a step through the ControlNet, which both halves share; the stem runs once per video here."""
    net = ControlNet(cross_attention_dim=768)
    width, height = system.size
    x, pictures = torch.empty(system.frames, 4, height // 8, width // 8), torch.empty(system.frames, 3, height, width)
    tokens, stem = torch.empty(1, system.words, 768), torch.empty(system.frames, 320, height // 8, width // 8)
    ours = flops(lambda: net.residuals(x[None], 1, tokens, stem[None]))
    return flops(lambda: net(x, 1, tokens.expand(system.frames, -1, -1), pictures)), ours, ours


def encoder(system: System) -> Work:
    """The reference in a step: as published a row for each half of guidance, on to the last ResNet and a little further."""
    whole, ending, (width, height) = UNet(out_channels=None), UNet(out_channels=0), system.size
    x, tokens = torch.empty(1, 1, 4, height // 8, width // 8), torch.empty(1, system.words, 768)
    ours = flops(lambda: ending.reference(x, 1, ending.project_context(tokens)))
    return flops(lambda: whole(twice(x), 1, UNetCondition(whole.project_context(twice(tokens))))), ours, ours


def unified(size: tuple[int, int], frames: int) -> tuple[Work, Work]:
    """A step of UniAnimate with guidance, and the sampling of a clip; the network sees the reference's frame before the others."""
    net, prompt = UnifiedUNet(), torch.empty(1, 77, 1024)
    trunk = UNet3DConditionModel(in_channels=12, out_channels=4, cross_attention_dim=1024, attention_head_dim=64)
    width, height = (side // 8 for side in size)
    x, pictures = torch.empty(1, frames, 4, height, width), torch.empty(1, frames, 3, *reversed(size))
    image, picture = torch.empty(1, 1, 1024), pictures[:, :1]
    by_reference = Given(image, x[:, :1], picture, pictures)
    modes = [by_reference, Given(image, poses=pictures, first_frame=pictures)]
    null, condition = (net.condition(net.encode(one, prompt, (height, width)), range(frames)) for one in (Given(), by_reference))
    tokens = torch.empty(1, 81, 1024)

    def conditioning(given: Given) -> int:
        return flops(lambda: net.condition(net.encode(given, prompt, (height, width)), range(frames)))

    plain = flops(lambda: trunk(torch.empty(1, 12, 1 + frames, height, width), torch.ones(1), tokens))
    ready = flops(lambda: project_context(net.trunk, tokens))  # the published code does this in the trunk, for every frame
    published = [2 * plain + conditioning(given) - ready for given in modes]
    ours = flops(lambda: [net(x, 1, one) for one in (null, condition)])
    clip = CALLS * ours + conditioning(Given()) + conditioning(by_reference)
    return (published[0], ours, ours), (CALLS * sum(published), clip, clip)


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
