"""Training by several processes that torchrun starts: what they learn together is what one process learns of the same batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from animato.training.recipe import read_recipe
from trainees import train

RECIPE = """
[networks]
guider = [4, 8]
copy_head = "limbs"
[networks.unet]
in_channels = 12
out_channels = 12
block_out_channels = [32, 32]
layers_per_block = 1
attention_levels = [false, true]
heads = 2
cross_attention_dim = 12
[objective]
kind = "clean"
[optimizer]
lr = 1e-3
eps = 1e-3 # of the size of the gradients, so that Adam does not make large steps of what is only rounding
[data]
size = [16, 16]
frames = 2
people = 2
length = 4
[run]
steps = 2
checkpoint_every = 1
log_every = 1
"""


def curve(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]


@pytest.mark.long
def test_two_processes_are_one(tmp_path: Path) -> None:
    """Two with a batch of one and one with a batch of two: the same losses to 1e-5, the same weights to 1e-5 after two steps."""
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "animato"]
    words = ["train", str(recipe), "run.batch=1", "--out", str(tmp_path / "two")]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([*start, *words], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("the trained networks") == 1
    train(read_recipe(recipe, ["run.batch=2"]), tmp_path / "one")

    for two, one in zip(curve(tmp_path / "two"), curve(tmp_path / "one"), strict=True):
        assert two == pytest.approx(one, rel=1e-5, abs=1e-7)
    networks = sorted((tmp_path / "one" / "networks").rglob("*.safetensors"))
    assert len(networks) == 4
    for path in networks:
        meant, found = load_file(path), load_file(tmp_path / "two" / path.relative_to(tmp_path / "one"))
        assert meant.keys() == found.keys()
        for key, value in meant.items():
            torch.testing.assert_close(found[key], value, atol=1e-5, rtol=0)
    chance = load_file(tmp_path / "two" / "checkpoints" / "000002" / "chance.safetensors")
    assert len(chance["cpu"]) == 2
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == sorted(path.name for path in (tmp_path / "one").iterdir())
