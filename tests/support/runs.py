"""Tiny trainings in processes of their own, which may be killed at any moment.

RECIPE is one for the command line, too: twelve steps of a second or two in all, dropout among them, a checkpoint at every third.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from waiting import HANGS

RECIPE = """
system = "uni-animate"
[networks]
dropout = 0.2
[networks.unet]
in_channels = 12
block_out_channels = [32, 32]
attention_levels = [true, false]
layers_per_block = 1
context = [12, 2]
head_dim = 16
entrance = [32, 2]
[optimizer]
lr = 1e-3
warmup = 2
decay = 0.5
[data]
size = [16, 16]
frames = 2
people = 2
length = 4
[run]
steps = 12
batch = 2
ema = 0.9
checkpoint_every = 3
sample_every = 5
log_every = 1
"""
WATCHED = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "shutil.rmtree")  # as Python tells of them

_fresh = multiprocessing.get_context("forkserver")  # forked from a process that has torch in memory and has done nothing else
_fresh.set_forkserver_preload(["animato.training.loop", "animato.training.uni_animate"])


def recipe_file(folder: Path, more: str = "") -> Path:
    """RECIPE as a file, with more lines of its last table, run."""
    path = folder / "tiny.toml"
    path.write_text(RECIPE + more)
    return path


def leave(recipe: Path, folder: Path, *changes: str, **how: Any) -> tuple[int, list[str]]:
    """Trains in a process of its own until that ends. Its exit code (-9 when it was killed), and what it said.

    how: kill_at, stop_at, file_limit; see `_train`.
    """
    here, there = _fresh.Pipe()
    process = _fresh.Process(target=_train, args=(recipe, folder, changes, there), kwargs=how)
    process.start()
    there.close()
    said = list[str]()
    try:
        while here.poll(HANGS):
            said.append(here.recv())
    except EOFError:
        pass
    process.join(HANGS)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode, said


def _train(
    recipe: Path, folder: Path, changes: tuple[str, ...], there: Connection, kill_at: int = 0, stop_at: int = 0, file_limit: int = 0
) -> None:
    """kill_at: the process kills itself before its so manieth touch of the folder; stop_at: it asks itself to stop after this step;
    file_limit: most bytes of a file, as a full disk would have it."""
    import torch

    from animato.core.errors import AnimatoError
    from animato.systems.known import trainee
    from animato.training.loop import Training
    from animato.training.recipe import read_recipe

    torch.set_num_threads(1)
    training = Training(trainee(read_recipe(recipe, changes)), folder)
    if kill_at:
        sys.addaudithook(_killer(str(folder), kill_at))
    if file_limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    def progress(stage: str, done: int, total: int) -> None:
        if done == stop_at != 0:
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        training.go(progress, there.send)
    except AnimatoError as error:
        there.send(str(error))
        sys.exit(error.exit_code)


def _killer(folder: str, kill_at: int) -> Callable[[str, tuple[Any, ...]], None]:
    touched = [0]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in WATCHED and any(folder in str(one) for one in arguments):
            touched[0] += 1
            if touched[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def results(folder: Path) -> dict[str, Any]:
    """All that training promises to be equal to the bit: the networks, the checkpoint that counts, and the curve."""
    name = json.loads((folder / "latest.json").read_text())["checkpoint"]
    files = [*(folder / "networks").rglob("*.safetensors"), *(folder / "checkpoints" / name).glob("*.safetensors")]
    sums: dict[str, Any] = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()
    }
    return sums | {"curve": [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]}
