"""A command that torchrun started in several processes: the first speaks and writes for all, and they end together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from animato import api
from animato.apps import commands
from animato.apps.console import complain
from animato.core.errors import AnimatoError, InputError, Interrupted
from animato.core.progress import silent
from animato.systems.tuned import Tuned

if TYPE_CHECKING:  # torch is imported only where torchrun has started several processes
    from animato.sampling.spread import Group

FAILED = "the first process has failed"  # a note on the board
GRACE = 5.0  # s that the others give the first process to say what is wrong for all


def several() -> bool:
    """Whether this is one of several processes that torchrun started."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def animate(
    request: commands.Request, out: Path, system: Callable[[], api.Animator], sound: bool = True, report: Path | None = None
) -> None:
    """`commands.animate` in the first process; the others take their part of the sampling, and are done."""
    with together() as group:
        if group.shard.rank == 0:
            commands.check_animate(request, out, report)
        animator = sharded(system(), group)
        if group.shard.rank == 0:
            commands.animate(request, out, animator, sound, report)
        else:
            api.perform(request.prepared(silent, animator.follows).scene, animator)


@contextmanager
def together(grace: float = GRACE) -> Iterator[Group]:
    """The processes' group while a command runs.

    Where it fails, the first process says why for all, and the others only speak of what went wrong with them alone, `grace` seconds
    later. torchrun then ends whoever is left, by SIGTERM, which the command line takes like Ctrl-C (apps/signals.py).
    """
    from animato.sampling.spread import joined

    with joined() as group:
        rank = group.shard.rank
        try:
            yield group
        except Interrupted:
            raise
        except KeyboardInterrupt as error:
            if rank == 0:
                raise
            raise typer.Exit(1) from error
        except AnimatoError as error:
            if rank == 0:
                complain(str(error))
                group.post(FAILED)
            elif not group.posted(FAILED, grace):
                complain(f"process {rank}: {error}")
            raise typer.Exit(error.exit_code) from error


def sharded(animator: api.Animator, group: Group) -> Tuned:
    """The system with this process's windows, on this process's device if no other was asked for. Raises InputError."""
    if not isinstance(animator, Tuned):
        raise InputError(f"The {animator.name} works in one process: start it without torchrun, or name a diffusion system with --system.")
    settings = animator.settings
    device = group.device() if settings.device == "auto" else settings.device
    return replace(animator, settings=replace(settings, shard=group.shard, device=device))
