"""Work that runs in a thread of its own and is watched from outside: how far it is, how long it will take, and how to stop it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from animato.core.errors import Interrupted
from animato.core.progress import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """How far one stage of the work is. `total` is 0 while it is unknown; times are in seconds."""

    name: str
    done: int
    total: int
    elapsed: float

    @property
    def finished(self) -> bool:
        return 0 < self.total <= self.done

    @property
    def remaining(self) -> float | None:
        """Seconds this stage still takes if it goes on as before; None while nothing can be said."""
        if self.finished:
            return 0.0
        return self.elapsed / self.done * (self.total - self.done) if self.done and self.total else None


class Meter:
    """A core.progress.Progress that keeps what it was told, and raises Interrupted in whoever reports after `stop`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._stopped = False
        self._stages: dict[str, Stage] = {}
        self._started: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._stopped:
            raise Interrupted("Stopped; nothing was made.")
        now = self._clock()
        started = self._started.setdefault(stage, self._last)  # the first report of a stage comes after its first piece of work
        self._stages[stage] = Stage(stage, done, total, now - started)
        self._last = now

    def stop(self) -> None:
        self._stopped = True

    def stages(self) -> list[Stage]:
        """All stages so far, in the order in which they began; the time of the last one goes on between two reports."""
        stages = list(self._stages.values())
        if stages and not stages[-1].finished:
            stages[-1] = replace(stages[-1], elapsed=self._clock() - self._started[stages[-1].name])
        return stages


class Work(Generic[T]):
    """A function of a Progress, running in its own thread from the start."""

    def __init__(self, function: Callable[[Progress], T]) -> None:
        self._meter = Meter()
        pool = ThreadPoolExecutor(1, "animato")
        self._future: Future[T] = pool.submit(function, self._meter)
        pool.shutdown(wait=False)

    def reports(self, every: float = 0.3) -> Iterator[list[Stage]]:
        """The stages so far, again and again until the work has ended."""
        while not self._future.done():
            yield self._meter.stages()
            wait([self._future], every)

    def result(self) -> T:
        """What the function returned, or raises what it raised; waits for it."""
        return self._future.result()

    def end(self) -> None:
        """Waits until the function has ended, however."""
        wait([self._future])

    def stop(self) -> None:
        """The function ends with Interrupted at its next report of progress."""
        self._meter.stop()
