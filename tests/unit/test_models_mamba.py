"""Fast paths of state-space mixers against their plain references."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import tiny
from animato.models.mamba import BidirectionalMamba, Mamba, kernel, plain_scan, plain_ssd, scan, ssd


def scan_inputs(steps: int, groups: int = 2) -> list[Tensor]:
    """u, delta, A, B, C and the first state, in float64."""
    sizes = [(steps, 2, groups, 3), (steps, 2, groups, 3), (groups, 3, 4), (steps, 2, groups, 4), (steps, 2, groups, 4), (2, groups, 3, 4)]
    u, delta, a, *rest = (tiny.normal(*size, seed=i).double() for i, size in enumerate(sizes))
    return [x.requires_grad_() for x in (u, delta.abs(), -a.abs(), *rest)]


@settings(max_examples=12, deadline=None)
@given(steps=st.integers(1, 50), groups=st.integers(1, 3))
def test_scan(steps: int, groups: int) -> None:
    """Values and all gradients, over several segments and parts of one."""
    inputs = scan_inputs(steps, groups)
    results = [run(*inputs) for run in (scan, plain_scan)]
    torch.testing.assert_close(results[0], results[1])
    gradients = [torch.autograd.grad(y.square().sum() + last.sin().sum(), inputs) for y, last in results]
    torch.testing.assert_close(gradients[0], gradients[1])


def test_gradients_of_the_scan() -> None:
    assert torch.autograd.gradcheck(scan, scan_inputs(18, 1), fast_mode=True)


@settings(max_examples=12, deadline=None)
@given(steps=st.integers(1, 40), chunk=st.integers(1, 17), begun=st.booleans())
def test_ssd(steps: int, chunk: int, begun: bool) -> None:
    """Lengths that are no multiple of the chunk as well."""
    sizes = [(2, steps, 3, 5), (2, steps, 3), (2, steps, 3, 4), (2, steps, 3, 4), (2, 3, 5, 4)]
    x, a, b, c, before = (tiny.normal(*size, seed=i).double() for i, size in enumerate(sizes))
    state = before if begun else None
    torch.testing.assert_close(ssd(x, -a.abs(), b, c, chunk, state), plain_ssd(x, -a.abs(), b, c, state))


@torch.no_grad()
def test_one_direction_sees_no_future() -> None:
    block, x = tiny.randomised(Mamba(16)), tiny.normal(2, 9, 16)
    torch.testing.assert_close(block(x)[:, :5], block(x[:, :5]))


@torch.no_grad()
def test_both_directions_are_alike() -> None:
    """With the same weights for both, a reversed sequence gives the reversed result."""
    block, x = tiny.randomised(BidirectionalMamba(16)), tiny.normal(2, 9, 16)
    weights = block.state_dict()
    for name in ("conv1d.weight", "conv1d.bias", "x_proj.weight", "dt_proj.weight", "dt_proj.bias", "D"):
        weights[name.replace(".", "_b.") if "." in name else f"{name}_b"].copy_(weights[name])
    weights["A_b_log"].copy_(weights["A_log"])
    torch.testing.assert_close(block(x.flip(1)).flip(1), block(x))
    assert (block(x)[:, :5] - block(x[:, :5])).abs().max() > 1e-3


def test_half_precision_is_scanned_in_single() -> None:
    block, x = Mamba(16).bfloat16(), tiny.normal(2, 9, 16).bfloat16()
    assert block(x).dtype == torch.bfloat16


def test_no_kernels_on_a_cpu() -> None:
    assert kernel(torch.device("cpu")) is None


def test_both_directions_have_no_step() -> None:
    with pytest.raises(TypeError, match="no single step"):
        BidirectionalMamba(16).step(torch.zeros(1, 16), torch.zeros(1, 32, 4), torch.zeros(1, 32, 16))
