"""What each of two processes does in the tests of spread windows: a module of its own, for every process imports it anew."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import typer
from torch import Tensor

import animators
from animato.apps.processes import together
from animato.core.errors import InputError
from animato.people.people import clip
from animato.sampling.plan import Window, Windows
from animato.sampling.run import blend
from animato.sampling.settings import Settings
from animato.sampling.shard import Shard
from animato.sampling.spread import add_up, joined
from animato.systems.hints import limbs
from animato.systems.known import ATTENTION, card
from animato.systems.preview import SIZE
from animato.systems.previews.animate_anyone import SETTINGS, load
from animato.systems.scene import Scene
from waiting import HANGS

BETWEEN = Settings(steps=2, window=Windows(4, 3), device="cpu")  # windows of one process share frames, too
PLAN = [Window((0, 1, 2)), Window((1, 2, 3)), Window((2, 3, 0))]


def results(shard: Shard) -> dict[str, Tensor]:
    """Latents of every diffusion system and of Animate Anyone's preview model, and a mean over windows."""
    ends: dict[str, Tensor] = {}
    for build in (animators.animator, animators.muse, animators.magic, animators.uni):
        torch.manual_seed(0)  # of the weights that the tests' networks begin with
        system = build()
        system.animate(
            Scene(animators.picture(), animators.motion(1), animators.motion(7)),
            replace(BETWEEN, shard=shard),
            callback=lambda step, t, x, name=system.name: ends.__setitem__(name, x),
        )
    (picture, *_), poses = clip(5, "walk", 20, SIZE, 6.0)
    model = load(card("animate-anyone").previews[ATTENTION])
    given = poses.frames(slice(0, 1))
    copied, _ = model.copier(picture, given).copy(limbs(poses))
    ends["preview"] = model.denoise(picture, given, poses, copied, replace(SETTINGS, batch=1, shard=shard))
    x = torch.arange(4.0).view(4, 1, 1, 1) ** 2
    ends["mean"] = blend(PLAN, lambda rows, t, windows: rows * (1 + windows[0].frames[0]), shard=shard)(x, torch.tensor(0))
    return ends


def counted(shard: Shard) -> list[int]:
    """How many windows were asked for, and how often progress was told."""
    asked, told = [], []
    ask: Any = lambda rows, t, windows: asked.append(len(windows)) or rows  # noqa: E731
    blend(PLAN, ask, done=lambda: told.append(1), shard=shard)(torch.zeros(4, 1, 1, 1), torch.tensor(0))
    return [sum(asked), len(told)]


def work(rank: int, world: int, folder: Path, ports: list[int]) -> None:
    """A process: leaves what it computed, what it counted, and what it said of failures in the folder."""
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(world)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(ports[0])}
    with joined() as group:
        made: dict[str, Any] = {**results(group.shard), "counted": counted(group.shard), "shard": (group.shard.rank, group.shard.world)}
    made["all fail"] = _failure(ports[1], lambda shard: True, HANGS)
    made["the second fails"] = _failure(ports[2], lambda shard: shard.rank == 1, 0)
    torch.save(made, folder / f"{rank}.pt")


def _failure(port: int, fails: Any, grace: float) -> str:
    """What this process says when some fail while the others go on to add up; `grace` as in `together`."""
    os.environ["MASTER_PORT"] = str(port)
    said = io.StringIO()
    with contextlib.suppress(typer.Exit), contextlib.redirect_stderr(said), together(grace) as group:
        if fails(group.shard):
            raise InputError("There is no such window.")
        add_up(group.shard, torch.ones(1))
    return said.getvalue()
