"""The windows of a step spread over processes: what they have to say to each other. docs/several_devices.md shows how they are started.

Every process holds the networks, the same noise and the same plan, and calls the network for its own windows. Sums and counts
are added up over all processes, each window once, so a frame's mean is the one of a single process whatever the overlap, and everyone takes
the same scheduler step. (The published code of MagicAnimate gathers whole clips and counts frames twice that two windows of one process
share.)
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.distributed.rendezvous import rendezvous

from animato.core.errors import AnimatoError, InputError
from animato.sampling.shard import Shard


class Deserted(AnimatoError):
    """Another process has ended in the middle of the work."""


@dataclass(frozen=True, eq=False)
class Group:
    """This process among the others: its shard, its rank on its machine, and a board on which they leave each other notes."""

    shard: Shard
    local_rank: int
    neighbours: int  # processes on this machine, itself included
    board: distributed.Store

    def device(self) -> str:
        """A CUDA device for this process alone, or the CPU where there is none. Raises InputError for more processes than devices."""
        devices = torch.cuda.device_count()
        if 0 < devices < self.neighbours:
            raise InputError(f"{self.neighbours} processes are here for {devices} CUDA devices: start as many as there are devices.")
        return f"cuda:{self.local_rank}" if devices else "cpu"

    def post(self, note: str) -> None:
        self.board.set(note, "")

    def posted(self, note: str, seconds: float) -> bool:
        """Whether a note is there, or comes within so many seconds, or can come no more because the board is gone."""
        end = time.monotonic() + seconds
        with contextlib.suppress(RuntimeError):  # of a board whose keeper, torchrun or the first process, has ended
            while not self.board.check([note]):
                if time.monotonic() > end:
                    return False
                time.sleep(0.05)
        return True


@contextlib.contextmanager
def joined() -> Iterator[Group]:
    """The group of processes that torchrun started, by RANK, WORLD_SIZE and so on in the environment."""
    board, rank, world = next(rendezvous("env://"))
    local_rank = int(os.environ["LOCAL_RANK"])
    neighbours = int(os.environ["LOCAL_WORLD_SIZE"])
    distributed.init_process_group(store=board, rank=rank, world_size=world)  # NCCL for tensors on CUDA, gloo for those on the CPU
    try:
        yield Group(Shard(rank, world), local_rank, neighbours, distributed.PrefixStore("animato", board))
    finally:
        distributed.destroy_process_group()


def add_up(shard: Shard, *parts: Tensor) -> None:
    """Replaces each tensor by its sum over all processes. Raises Deserted."""
    if shard.world == 1:
        return
    try:
        for part in parts:
            distributed.all_reduce(part)
    except RuntimeError as error:
        raise Deserted("Another process has ended; what it says is the reason.") from error
