"""The temporal module: attention over frames, and nothing else between places or frames."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

import tiny
from animato.core.errors import InputError
from animato.models.condition import UNetCondition
from animato.models.temporal import (
    TemporalAttention,
    TemporalAttentionSpec,
    TemporalMamba,
    TemporalMambaSpec,
    motion_module_of,
    over_frames,
    sinusoid,
)
from animato.models.unet import UNet


@pytest.fixture
def module() -> TemporalAttention:
    return tiny.randomised(TemporalAttention(32, heads=4, positions=6))


def close(mine: Tensor, other: Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(mine, other, atol=tolerance, rtol=0)


def test_sinusoid() -> None:
    table = sinusoid(40, 12)
    for frame in (0, 1, 39):
        for pair in range(6):
            angle = frame * 10000 ** (-2 * pair / 12)
            assert table[frame, 2 * pair] == pytest.approx(math.sin(angle), abs=1e-5)
            assert table[frame, 2 * pair + 1] == pytest.approx(math.cos(angle), abs=1e-5)


def test_attention_over_frames(module: TemporalAttention) -> None:
    """softmax over the frames of one place, written out."""
    attention, tokens = module.transformer_blocks[0].attn1, tiny.normal(2, 3, 5, 32)  # two rows, three places, five frames
    q, k, v = (layer(tokens).unflatten(-1, (4, 8)) for layer in (attention.to_q, attention.to_k, attention.to_v))
    weights = torch.einsum("bpfnd,bpgnd->bpnfg", q, k).mul(8**-0.5).softmax(-1)
    expected = attention.to_out(torch.einsum("bpnfg,bpgnd->bpfnd", weights, v).flatten(3))
    close(over_frames(attention, tokens), expected)


def test_positions_are_independent_but_for_the_norm(module: TemporalAttention) -> None:
    """The norm takes its statistics over a frame; what follows does not mix places."""
    module.norm = torch.nn.Identity()
    clip = tiny.normal(1, 4, 32, 3, 2)
    close(module(clip)[..., 1:2, :1], module(clip[..., 1:2, :1]))


@torch.no_grad()
def test_frames_know_their_number(module: TemporalAttention) -> None:
    still = tiny.normal(1, 1, 32, 3, 2).expand(1, 5, 32, 3, 2)
    moved = module(still)
    assert (moved[:, 1:] - moved[:, :-1]).abs().amax((0, 2, 3, 4)).min() > 1e-3


@pytest.mark.parametrize("kind", ["attention", "mamba"])
@torch.no_grad()
def test_a_new_module_changes_nothing(kind: Literal["attention", "mamba"]) -> None:
    """So that training of the temporal stage begins with the image model."""
    still, moving = tiny.unet(), UNet(temporal={**tiny.TEMPORAL, "kind": kind}, **tiny.SHAPE)
    moving.load_state_dict(still.state_dict(), strict=False)
    clip = tiny.normal(1, 3, 4, 8, 8)
    condition = UNetCondition(still.project_context(tiny.normal(1, 1, 24)))
    assert torch.equal(moving(clip, 9, condition), still(clip, 9, condition))


MAMBA = {"kind": "mamba", "middle": False, "norm": "clip"}


@pytest.mark.parametrize(
    ("table", "spec", "longest"),
    [
        (tiny.TEMPORAL, TemporalAttentionSpec(4, 8, middle=True, norm="frame"), 8),
        (MAMBA, TemporalMambaSpec(middle=False, norm="clip"), None),
        ({**MAMBA, "heads": 2, "positions": 2}, TemporalMambaSpec(middle=False, norm="clip"), None),  # as older recipes have it
    ],
)
def test_a_table_a_spec_and_what_is_saved(
    table: dict[str, Any], spec: TemporalAttentionSpec | TemporalMambaSpec, longest: int | None, tmp_path: Path
) -> None:
    """A network of a table keeps it in its file, word for word; one of a spec writes the same table, without what says nothing."""
    assert motion_module_of(table) == spec
    for given, kept in ((table, table), (spec, {name: table[name] for name in ("kind", *spec.__dataclass_fields__)})):
        net = UNet(temporal=given, **tiny.SHAPE)
        net.save_pretrained(tmp_path)
        assert json.loads((tmp_path / "config.json").read_text())["temporal"] == kept
        loaded = UNet.from_pretrained(tmp_path)
        assert (loaded.motion_module, loaded.longest_window) == (spec, longest)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "sundial"}, "'sundial' is unknown: choose attention or mamba"),
        ({"kind": None}, "None is unknown: choose attention or mamba"),
        ({"taps": 4}, "has taps, which is unknown: give kind, heads, positions, middle, norm"),
        ({"heads": 0}, "heads is 0: give a whole number above 0"),
        ({"positions": 2.5}, "positions is 2.5: give a whole number above 0"),
        ({"middle": 1}, "middle is 1: give true or false"),
        ({"norm": "batch"}, "norm is 'batch': give frame or clip"),
        ({"norm": ["frame"]}, "give frame or clip"),
    ],
)
def test_a_table_that_means_nothing(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        UNet(temporal=tiny.TEMPORAL | changes, **tiny.SHAPE)


def test_a_table_that_lacks_a_field() -> None:
    with pytest.raises(InputError, match="kind attention has no heads, has no positions: give"):
        motion_module_of({"kind": "attention", "middle": True, "norm": "frame"})


@torch.no_grad()
def test_mamba_couples_frames_both_ways_and_no_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """At more frames than attention has positions; scanned in pieces that do not divide the places."""
    module, clip = tiny.randomised(TemporalMamba(32)), tiny.normal(2, 11, 32, 3, 2)
    module.norm = torch.nn.Identity()
    whole, changed = module(clip), clip.clone()
    changed[:, 5, :, 1, 1] += 1
    moved = (module(changed) - whole).abs().amax((0, 2))  # F H W
    assert moved[4, 1, 1] > 1e-4
    assert moved[6, 1, 1] > 1e-4
    moved[:, 1, 1] = 0
    assert moved.max() < 1e-6
    monkeypatch.setattr("animato.models.temporal.SEQUENCES", 5)
    close(module(clip), whole)


def test_unet_with_mamba() -> None:
    """Every weight of its temporal modules learns, with gradient checkpointing as without."""
    net = tiny.unet({**tiny.TEMPORAL, "kind": "mamba"})
    clip, gradients = tiny.normal(1, 9, 4, 8, 8), []
    for checkpointing in (False, True):
        net.gradient_checkpointing = False
        if checkpointing:
            net.enable_gradient_checkpointing()
        parameters = [value for name, value in net.named_parameters() if ".motion_modules." in name]
        condition = UNetCondition(net.project_context(tiny.normal(1, 1, 24)))
        gradients.append(torch.autograd.grad(net(clip, 9, condition).square().sum(), parameters))
    assert min(float(value.abs().max()) for value in gradients[0]) > 0
    for value, other in zip(*gradients, strict=True):
        close(value, other, 1e-4 * float(value.abs().max()))
