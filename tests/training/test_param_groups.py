"""Weight decay: what sets a Mamba's time scales is spared, everything else is drawn towards zero."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from animato.models.temporal import TemporalMamba
from animato.training.loop import Training, param_groups
from animato.training.objective import Clean
from animato.training.recipe import Data, Networks, Optimizer, Recipe, Run
from tiny import PATCHES
from trainees import make_trainee

SPARED = ("A_log", "A_b_log", "D", "D_b", "dt_proj.bias", "dt_proj_b.bias")
TEMPORAL = {"heads": 2, "positions": 2, "middle": True, "norm": "frame"}
TINY = Recipe(
    networks=Networks(unet=PATCHES, guider=[4, 8], copy_head="limbs", temporal={**TEMPORAL, "kind": "mamba"}),
    objective=Clean(),
    optimizer=Optimizer(lr=1e-3, weight_decay=0.1),
    data=Data(size=[16, 16], frames=2, people=1, length=2, together=True),
    run=Run(steps=1, checkpoint_every=1, sample_every=100, log_every=1),
)
PLAIN = replace(TINY, networks=replace(TINY.networks, temporal={**TEMPORAL, "kind": "attention"}))


def test_time_scales_are_spared() -> None:
    """By published names, in both directions; what does not learn is in no group."""
    module = nn.ModuleDict({"one": TemporalMamba(32), "other": nn.Linear(2, 2)})
    module["other"].requires_grad_(False)
    decayed, free = param_groups(module, 0.1)
    names = {id(value): name for name, value in module.named_parameters()}
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    assert sorted(names[id(value)] for value in free["params"]) == sorted(f"one.mamba_blocks.0.mamba.{name}" for name in SPARED)
    learning = {id(value) for value in module["one"].parameters()}
    assert {id(value) for group in (decayed, free) for value in group["params"]} == learning
    assert len(decayed["params"]) + len(free["params"]) == len(learning)


def test_what_a_step_does() -> None:
    """Without gradients a step is nothing but the decay."""
    module = TemporalMamba(32)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    for value in module.parameters():
        value.grad = torch.zeros_like(value)
    torch.optim.AdamW(param_groups(module, 0.1), lr=0.5).step()
    for name, value in module.state_dict().items():
        spared = name.removeprefix("mamba_blocks.0.mamba.") in SPARED
        torch.testing.assert_close(value, before[name] if spared else 0.95 * before[name])


def test_without_mamba_there_is_one_group(tmp_path: Path) -> None:
    """All that learns, in its order and with the recipe's decay, as runs of before have it."""
    training = Training(make_trainee(PLAIN), tmp_path)
    (group,) = training.optimizer.param_groups
    learning = [value for value in training.trainee.networks.parameters() if value.requires_grad]
    assert group["weight_decay"] == 0.1 and all(one is other for one, other in zip(group["params"], learning, strict=True))
