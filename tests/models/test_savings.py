"""What the exact savings save, counted: every FLOP that should not be spent is not spent, at no cost in the result."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import tiny
from animato.models.condition import UNetCondition
from animato.models.unet import UNet

BENCHMARK = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "flops.py"))
FRAMES, SIDE = 3, 8
LEVEL = 32, SIDE * SIDE  # channels and tokens of the only level with transformers but for the middle
MIDDLE = 64, SIDE * SIDE // 4


@pytest.fixture
def flops() -> Iterator[Callable[[Callable[[], object]], int]]:
    with torch.no_grad():
        yield BENCHMARK["flops"]


@pytest.fixture
def net() -> UNet:
    return tiny.unet()


@pytest.fixture
def clip() -> Tensor:
    return tiny.normal(1, FRAMES, 4, SIDE, SIDE)


@pytest.fixture
def condition(net: UNet, clip: Tensor) -> UNetCondition:
    return replace(tiny.condition(net, clip), residuals=None)


def copy(condition: UNetCondition) -> UNetCondition:
    """The same in other tensors, as a second window cut from the same condition has it."""
    return replace(tiny.at(condition, range(FRAMES)), context={name: value.clone() for name, value in condition.context.items()})


def test_equal_conditions_run_once(flops: Callable, net: UNet, clip: Tensor, condition: UNetCondition) -> None:
    once = flops(lambda: net(clip, 5, condition))
    assert flops(lambda: net.branches(clip, 5, [condition, copy(condition)])) == once


def test_halves_share_all_before_the_first_bank(flops: Callable, net: UNet, clip: Tensor, condition: UNetCondition) -> None:
    """First convolution and ResNet; of the first transformer what comes before the bank: projections, attention to the own keys."""
    null = replace(copy(condition), bank={})
    apart = flops(lambda: net(clip, 5, null)) + flops(lambda: net(clip, 5, condition))
    shared = apart - flops(lambda: net.branches(clip, 5, [null, condition]))
    channels, tokens = LEVEL
    time = 2 * (32 * 128 + 128 * 128)
    convolutions = FRAMES * tokens * 2 * 9 * (4 * channels + 2 * channels * channels) + 2 * 128 * channels
    transformer = FRAMES * (tokens * 2 * 4 * channels**2 + 4 * tokens**2 * channels)
    assert shared == time + convolutions + transformer


def test_later_banks_share_more(flops: Callable, net: UNet, clip: Tensor, condition: UNetCondition) -> None:
    """With a bank in the middle and on the way up only, the whole way down is run once, and the middle as far as its bank."""
    later = replace(condition, bank={name: value for name, value in condition.bank.items() if not name.startswith("down_blocks")})
    null = replace(copy(condition), bank={})
    all_banks = flops(lambda: net.branches(clip, 5, [null, condition])) - flops(lambda: net(clip, 5, condition))
    later_banks = flops(lambda: net.branches(clip, 5, [null, later])) - flops(lambda: net(clip, 5, later))
    (channels, tokens), (wide, fewer) = LEVEL, MIDDLE
    first_transformer = tokens * 2 * (1 + 12 + 1) * channels**2
    way_down = fewer * 2 * (9 * channels**2 + 9 * channels * wide + 9 * wide**2 + channels * wide)
    middle = fewer * 2 * (2 * 9 + 4) * wide**2 + 4 * fewer**2 * wide
    times = 2 * 2 * 128 * wide
    assert all_banks - later_banks == FRAMES * (first_transformer + way_down + middle) + times


def test_a_bank_costs_its_attention_only(flops: Callable, net: UNet, clip: Tensor, condition: UNetCondition) -> None:
    """No projection: keys and values are made once per video. Two transformers at the top level on the way up, one on the way down."""
    more = flops(lambda: net(clip, 5, condition)) - flops(lambda: net(clip, 5, replace(condition, bank={})))
    assert more == FRAMES * 4 * (3 * LEVEL[0] * LEVEL[1] ** 2 + MIDDLE[0] * MIDDLE[1] ** 2)


def test_one_token_of_context_costs_nothing(flops: Callable, net: UNet, clip: Tensor, condition: UNetCondition) -> None:
    """Two tokens cost queries, output and attention, but no projection of the context."""
    two = replace(condition, context=net.project_context(tiny.normal(1, 2, 24)))
    more = flops(lambda: net(clip, 5, two)) - flops(lambda: net(clip, 5, condition))
    positions = [LEVEL] * 3 + [MIDDLE]
    assert more == sum(FRAMES * tokens * (4 * channels**2 + 4 * 2 * channels) for channels, tokens in positions)


def test_reference_stops_at_its_last_bank(flops: Callable, net: UNet, clip: Tensor, condition: UNetCondition) -> None:
    """Without the last transformer's attention (4 projections), feed-forward (12) and way out (1), and the last convolution."""
    less = flops(lambda: net(clip, 5, UNetCondition(condition.context))) - flops(lambda: net.reference(clip, 5, condition.context))
    channels, tokens = LEVEL
    assert less == FRAMES * (tokens * 2 * 17 * channels**2 + 4 * tokens**2 * channels + tokens * 2 * 9 * channels * 4)


def test_full_size_step(capsys: pytest.CaptureFixture) -> None:
    """The published figure is found again, and ours is within its budget."""
    assert BENCHMARK["main"]() == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("animate-anyone"))
    published, apart, ours = (float(word) for word in line.split()[2:5])
    assert published == 107.4 and apart <= 88.7 and ours <= 87.0


def test_counter_knows_the_attention_of_the_cpu(flops: Callable) -> None:
    q, k = torch.empty(2, 4, 10, 8), torch.empty(2, 4, 6, 8)
    with FlopCounterMode(display=False) as counter:
        (q @ k.transpose(2, 3)) @ k
    assert flops(lambda: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, k)) == counter.get_total_flops()
