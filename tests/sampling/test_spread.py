"""Windows spread over two processes that are really started: the same clip, each window asked for once, and one message on failure."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import torch
from torch import multiprocessing

import spreading
from animato.sampling.plan import Windows
from animato.sampling.shard import WHOLE, Shard


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the two processes left."""
    folder = tmp_path_factory.mktemp("spread")
    multiprocessing.spawn(spreading.work, args=(2, folder, free_ports(3)), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def test_every_process_has_the_clip_of_a_single_one(made: list[dict[str, Any]]) -> None:
    """The diffusion systems with windows of which those of one process overlap, a preview model, and a mean in closed form."""
    alone = spreading.results(WHOLE)
    assert {"animate-anyone", "muse-pose", "magic-animate", "uni-animate"} < set(alone)
    assert made[0]["shard"] == (0, 2) and made[1]["shard"] == (1, 2)
    for name, expected in alone.items():
        for rank in range(2):
            # other batches of windows take other kernels, whose rounding depends on the CPU; a level of a picture is 4e-3
            torch.testing.assert_close(made[rank][name], expected, atol=5e-5, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
    factors = torch.tensor([(1 + 3) / 2, (1 + 2) / 2, (1 + 2 + 3) / 3, (2 + 3) / 2])  # a window multiplies by 1 + its first frame
    torch.testing.assert_close(made[0]["mean"].flatten(), torch.tensor([0.0, 1.0, 4.0, 9.0]) * factors)


def test_each_window_is_asked_for_once_and_progress_is_whole(made: list[dict[str, Any]]) -> None:
    assert [one["counted"] for one in made] == [[2, 3], [1, 3]]


def test_the_first_process_speaks_for_all(made: list[dict[str, Any]]) -> None:
    assert [one["all fail"] for one in made] == ["error: There is no such window.\n", ""]


def test_a_process_that_fails_alone_says_so_and_the_others_end(made: list[dict[str, Any]]) -> None:
    assert made[1]["the second fails"] == "error: process 1: There is no such window.\n"
    assert "Another process has ended" in made[0]["the second fails"]


def test_shards_are_a_partition() -> None:
    plan = Windows(4, 3).over(9)
    shards = [Shard(rank, 4).of(plan) for rank in range(4)]
    assert sorted(window.frames for shard in shards for window in shard) == sorted(window.frames for window in plan)
    assert [len(shard) for shard in shards] == [3, 2, 2, 2] and Shard(3, 4).of(plan[:2]) == [] and WHOLE.of(plan) == plan
