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
from animato.sampling.share import Share
from animato.sampling.spread import add_up, joined
from animato.systems.preview import SETTINGS, SIZE, limbs, preview
from waiting import HANGS

BETWEEN = Settings(steps=2, window=Windows(4, 3), device="cpu")  # windows of one process share frames, too
PLAN = [Window((0, 1, 2)), Window((1, 2, 3)), Window((2, 3, 0))]


def results(share: Share) -> dict[str, Tensor]:
    """Latents of every diffusion system and of Animate Anyone's preview model, and a mean over windows."""
    ends: dict[str, Tensor] = {}
    for build in (animators.animator, animators.muse, animators.magic, animators.uni):
        torch.manual_seed(0)  # of the weights that the tests' networks begin with
        system = build()
        system.animate(
            animators.picture(),
            animators.motion(1),
            animators.motion(7),
            settings=replace(BETWEEN, share=share),
            callback_on_step_end=lambda step, t, x, name=system.name: ends.__setitem__(name, x),
        )
    (picture, *_), poses = clip(5, "walk", 20, SIZE, 6.0)
    model = preview()
    copied, _ = model.copier(picture, poses.frames(slice(0, 1))).copy(limbs(poses))
    ends["preview"] = model.denoise(picture, poses, copied, replace(SETTINGS, batch=1, share=share))
    x = torch.arange(4.0).view(4, 1, 1, 1) ** 2
    ends["mean"] = blend(PLAN, lambda rows, t, windows: rows * (1 + windows[0].frames[0]), share=share)(x, torch.tensor(0))
    return ends


def counted(share: Share) -> list[int]:
    """How many windows were asked for, and how often progress was told."""
    asked, told = [], []
    ask: Any = lambda rows, t, windows: asked.append(len(windows)) or rows  # noqa: E731
    blend(PLAN, ask, done=lambda: told.append(1), share=share)(torch.zeros(4, 1, 1, 1), torch.tensor(0))
    return [sum(asked), len(told)]


def work(rank: int, world: int, folder: Path, ports: list[int]) -> None:
    """A process: leaves what it computed, what it counted, and what it said of failures in the folder."""
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(world)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(ports[0])}
    with joined() as group:
        made: dict[str, Any] = {**results(group.share), "counted": counted(group.share), "share": (group.share.rank, group.share.world)}
    made["all fail"] = _failure(ports[1], lambda share: True, HANGS)
    made["the second fails"] = _failure(ports[2], lambda share: share.rank == 1, 0)
    torch.save(made, folder / f"{rank}.pt")


def _failure(port: int, fails: Any, grace: float) -> str:
    """What this process says when some fail while the others go on to add up; `grace` as in `together`."""
    os.environ["MASTER_PORT"] = str(port)
    said = io.StringIO()
    with contextlib.suppress(typer.Exit), contextlib.redirect_stderr(said), together(grace) as group:
        if fails(group.share):
            raise InputError("There is no such window.")
        add_up(group.share, torch.ones(1))
    return said.getvalue()
