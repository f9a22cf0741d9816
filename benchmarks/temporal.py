"""Time and memory of the temporal modules against frames: `python benchmarks/temporal.py [--device cuda] [--frames 16 64]`.

One module at a time, at random values, in fp32: forward alone, then forward and backward. On a CPU time is process time of one thread and
memory the growth of the peak resident size of a process of its own; on a GPU wall time and torch's own peak. Of three runs the least time.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Literal

import torch

from animato.models.temporal import motion_module_of, temporal_module

FRAMES = (16, 32, 64, 128, 256, 512, 1024)
KINDS: tuple[Literal["attention"], Literal["mamba"]] = ("attention", "mamba")


@dataclass(frozen=True)
class Case:
    kind: Literal["attention", "mamba"]
    frames: int
    backward: bool
    positions: int
    channels: int
    device: str


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", default="cpu")
    options.add_argument("--positions", type=int, default=8)
    options.add_argument("--channels", type=int, default=320)
    options.add_argument("--frames", type=int, nargs="+", default=FRAMES)
    given = options.parse_args()
    print("| pass | frames | attention s | mamba s | attention MiB | mamba MiB |\n|---|---|---|---|---|---|")
    for backward in (False, True):
        for frames in given.frames:
            cases = [Case(kind, frames, backward, given.positions, given.channels, given.device) for kind in KINDS]
            with get_context("fork").Pool(1, maxtasksperchild=1) as pool:  # the peak of a process never falls
                results = [pool.apply(measured, [case]) for case in cases]
            name = "forward and backward" if backward else "forward"
            columns = [f"{seconds:.3f}" for seconds, _ in results] + [f"{mib:.0f}" for _, mib in results]
            print("|", " | ".join([name, str(frames), *columns]), "|", flush=True)


def measured(case: Case) -> tuple[float, float]:
    """Seconds and MiB."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    table = {"kind": case.kind, "heads": 8, "positions": case.frames, "middle": True, "norm": "frame"}
    module = temporal_module(case.channels, motion_module_of(table)).to(case.device)
    clip = torch.randn(1, case.frames, case.channels, 1, case.positions, device=case.device)
    cuda, seconds = case.device == "cuda", []
    run(module, clip[:, :2], case.backward)  # what torch sets up once is not counted
    before = torch.cuda.memory_allocated() if cuda else resident()
    for _ in range(3):
        begin = clock(cuda)
        run(module, clip, case.backward)
        seconds.append(clock(cuda) - begin)
    peak = torch.cuda.max_memory_allocated() if cuda else resident()
    return min(seconds), (peak - before) / 2**20


def run(module: torch.nn.Module, clip: torch.Tensor, backward: bool) -> None:
    with torch.set_grad_enabled(backward):
        out = module(clip.requires_grad_(backward) if clip.is_leaf else clip)
        if backward:
            out.sum().backward()


def clock(cuda: bool) -> float:
    if not cuda:
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def resident() -> int:
    """Peak so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
