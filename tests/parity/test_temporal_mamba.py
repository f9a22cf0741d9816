"""Selective scan, Mamba blocks and SSD give what the published implementations gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from animato.models.mamba import BidirectionalMamba, Mamba, Scan, plain_scan, plain_ssd, scan, selective_scan, ssd, step_sizes
from moore import assert_near, sidecar, tensors

TOLERANCE = 5e-5


@pytest.mark.parity("mamba1_scan_*.safetensors")
@pytest.mark.parametrize("run", [plain_scan, scan], ids=["plain", "fast"])
def test_selective_scan(fixture_file: Path, run: Scan) -> None:
    recorded = tensors(fixture_file)
    given = {name.removeprefix("inputs."): value.requires_grad_() for name, value in recorded.items() if name.startswith("inputs.")}
    delta = step_sizes(given["delta"], given.get("delta_bias"), sidecar(fixture_file)["config"]["delta_softplus"])
    parts = (given[name] for name in ("A", "B", "C"))
    out, state = selective_scan(given["u"], delta, *parts, given.get("D"), given.get("z"), run=run)
    assert_near(out, recorded["outputs.out"], TOLERANCE)
    assert_near(state, recorded["outputs.last_state"], TOLERANCE)
    if "cotangent" in given:
        (out * given["cotangent"]).sum().backward()
    for name, value in recorded.items():
        if name.startswith("outputs.grad"):
            gradient = given[name.removeprefix("outputs.grad")[1:]].grad
            assert gradient is not None
            assert_near(gradient, value, TOLERANCE)


@pytest.mark.parity("mamba1_block*.safetensors")
def test_block(fixture_file: Path) -> None:
    """Forward, and the gradients of all weights."""
    recorded, block = tensors(fixture_file), module(Mamba, fixture_file)
    x = recorded["inputs.x"].requires_grad_()
    y = block(x)
    assert_near(y, recorded["outputs.y"], TOLERANCE)
    assert_near(y, recorded["outputs.y_inner_ref"], TOLERANCE)
    (y * recorded["inputs.cotangent"]).sum().backward()
    for name, value in block.named_parameters():
        assert value.grad is not None
        assert_near(value.grad, recorded[f"outputs.grad.{name}"], TOLERANCE)
    assert x.grad is not None
    assert_near(x.grad, recorded["outputs.grad_x"], TOLERANCE)


@pytest.mark.parity("mamba1_block*.safetensors")
@torch.no_grad()
def test_steps(fixture_file: Path) -> None:
    recorded, block = tensors(fixture_file), module(Mamba, fixture_file)
    inputs, state = (torch.zeros_like(recorded[f"outputs.{name}"]) for name in ("conv_state", "ssm_state"))
    outs: list[Tensor] = []
    for x in recorded["inputs.x"].unbind(1):
        y, inputs, state = block.step(x, inputs, state)
        outs.append(y)
    assert_near(torch.stack(outs, dim=1), recorded["outputs.y_steps"], TOLERANCE)
    assert_near(inputs, recorded["outputs.conv_state"], TOLERANCE)
    assert_near(state, recorded["outputs.ssm_state"], TOLERANCE)


@pytest.mark.parity("mamba1_bidirectional*.safetensors")
@torch.no_grad()
def test_bidirectional(fixture_file: Path) -> None:
    recorded, block = tensors(fixture_file), module(BidirectionalMamba, fixture_file)
    assert_near(block(recorded["inputs.x"]), recorded["outputs.y"], TOLERANCE)
    u, z = block.in_proj(recorded["inputs.x"]).transpose(1, 2).chunk(2, dim=1)
    assert_near(block.way(u, z).transpose(1, 2), recorded["outputs.y_forward_inner"], TOLERANCE)
    backward = block.way_back(u.flip(-1), z.flip(-1)).flip(-1).transpose(1, 2)
    recorded_backward = recorded["outputs.y_backward_inner"]
    assert_near(backward, recorded_backward, TOLERANCE)


@pytest.mark.parity("mamba2_ssd*.safetensors")
@pytest.mark.parametrize("chunked", [False, True], ids=["plain", "fast"])
def test_ssd(fixture_file: Path, chunked: bool) -> None:
    recorded = tensors(fixture_file)
    given = [recorded[f"inputs.{name}"] for name in ("X", "A", "B", "C")]
    before = recorded["inputs.initial_states"][:, 0] if "inputs.initial_states" in recorded else None
    x, a, b, c = given
    chunk = sidecar(fixture_file)["config"]["block_len"]
    y, state = ssd(x, a, b, c, chunk, before) if chunked else plain_ssd(x, a, b, c, before)
    assert_near(y, recorded["outputs.Y"], TOLERANCE)
    assert_near(state, recorded["outputs.final_state"], TOLERANCE)


def module(kind: type[Any], file: Path) -> Any:
    """Of the file's sizes, with its weights under their own names."""
    config, prefix = sidecar(file)["config"], "weights.mamba."
    block = kind(config["d_model"], config["d_state"], config["d_conv"], config["expand"], config["dt_rank"])
    block.load_state_dict({name.removeprefix(prefix): value for name, value in tensors(file).items() if name.startswith(prefix)})
    return block
