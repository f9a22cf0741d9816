"""Fast paths of state-space mixers against their plain references."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import tiny
from animato.core.errors import InputError
from animato.models.mamba import BidirectionalMamba, Mamba, kernel, plain_scan, plain_ssd, scan, selective_scan, ssd, step_sizes


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


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Installs a package of mamba-ssm's name whose module of the scan holds this code."""
    monkeypatch.syspath_prepend(tmp_path)
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "mamba_ssm"}

    def install(code: str) -> None:
        folder = tmp_path / "mamba_ssm" / "ops"
        folder.mkdir(parents=True)
        for package in (folder.parent, folder):
            (package / "__init__.py").touch()
        (folder / "selective_scan_interface.py").write_text(code)
        for name in ours:
            del sys.modules[name]
        invalidate_caches()

    yield install
    for name in [name for name in sys.modules if name.split(".")[0] == "mamba_ssm"]:
        del sys.modules[name]
    sys.modules.update(ours)


def test_kernels_are_looked_for_on_a_gpu_alone(installed: Callable[[str], None]) -> None:
    installed("def selective_scan_fn(): ...")
    assert kernel(torch.device("cpu")) is None
    found = kernel(torch.device("cuda"))
    assert found is not None and found.__name__ == "selective_scan_fn"


@pytest.mark.skipif(find_spec("mamba_ssm") is not None, reason="mamba-ssm is installed")
def test_no_kernels_without_mamba_ssm() -> None:
    assert kernel(torch.device("cuda")) is None


def test_kernels_that_cannot_be_imported(installed: Callable[[str], None]) -> None:
    installed("import selective_scan_cuda_of_another_torch")
    with pytest.raises(InputError, match="mamba-ssm is installed but cannot be imported.*another_torch.*reinstall"):
        kernel(torch.device("cuda"))


def test_kernels_get_what_they_take() -> None:
    """By the signature of mamba-ssm's function: step sizes are ready, so that it must add no bias and take no softplus."""

    def selective_scan_fn(  # noqa: PLR0913
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None = None,
        z: Tensor | None = None,
        delta_bias: Tensor | None = None,
        delta_softplus: bool = False,
    ) -> Tensor:
        assert A.dtype == torch.float32 and D is not None and D.dtype == torch.float32
        assert u.dtype == delta.dtype == B.dtype == C.dtype
        return selective_scan(u, step_sizes(delta, delta_bias, delta_softplus), A, B, C, D, z)[0]

    block = tiny.randomised(Mamba(16))
    for dtype in (torch.float32, torch.bfloat16):
        way, (u, z) = block.to(dtype).way, (tiny.normal(2, 32, 9, seed=seed).to(dtype) for seed in (1, 2))
        torch.testing.assert_close(way.scanned(u, z, selective_scan_fn), way.scanned(u, z, None))


@pytest.mark.skipif(not torch.cuda.is_available() or find_spec("mamba_ssm") is None, reason="needs a GPU and mamba-ssm")
def test_kernels_give_what_the_scan_gives() -> None:
    block, x = tiny.randomised(BidirectionalMamba(32)).cuda(), tiny.normal(4, 33, 32).cuda()
    found = kernel(x.device)
    assert found is not None
    u, z = block.in_proj(x).transpose(1, 2).chunk(2, dim=1)
    for way in (block.way, block.way_back):
        torch.testing.assert_close(way.scanned(u, z, found), way.scanned(u, z, None), atol=1e-4, rtol=1e-4)


def test_both_directions_have_no_step() -> None:
    with pytest.raises(TypeError, match="no single step"):
        BidirectionalMamba(16).step(torch.zeros(1, 16), torch.zeros(1, 32, 4), torch.zeros(1, 32, 16))
