"""Which windows of a plan a process takes, when several work on a step together."""

from __future__ import annotations

from dataclasses import dataclass

from animato.sampling.plan import Plan


@dataclass(frozen=True)
class Shard:
    """Process `rank` of `world` takes every `world`-th window, beginning with the `rank`-th. One process takes them all."""

    rank: int = 0
    world: int = 1

    def of(self, plan: Plan) -> Plan:
        return plan[self.rank :: self.world]


WHOLE = Shard()
