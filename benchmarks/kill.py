"""What a kill loses: commands struck at random moments by kill -9, SIGTERM and a full disk, looked at, and called again.

`python benchmarks/kill.py` (or `make kill`) strikes each of animate, convert, fetch and train 50 times in each way and prints a table.
"lost" counts tries after which a result was neither the older nor the new one, an input had changed, a partial file had a name that a
result could have, the next run failed, began anew or came to another result (training: to the bit), or nothing was said of what was
removed. A third of the moments are times of an undisturbed run, a third come soon after something new stands in the folder, a third lie
right before something that a command does to a disk. Half of the tries begin with an older result, or with half of the work done. A disk
is full for one file (a limit), or, where this process may mount one (as root on Linux), for all. It takes about half an hour.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "support"))

from blows import Ground, attempt, ground, moment, some_limit  # noqa: E402
from killable import COMMANDS, Command  # noqa: E402
from killing import Blow, Fill, Kill  # noqa: E402

DISK = "1300m"  # fetch wants a GiB to spare
Draw = Callable[[Ground, random.Random], Blow]


@dataclass
class Row:
    """One line of the table: a command struck in one way."""

    command: str
    kind: str
    tries: int = 0
    lost: int = 0
    hidden: int = 0
    unremoved: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        cells = (self.command, self.kind, self.tries, self.lost, self.hidden, self.unremoved, f"{self.seconds:.0f}")
        return f"| {' | '.join(map(str, cells))} |"


HEAD = "| command | struck by | tries | lost | hidden files left | not removed by the next run | seconds |\n|---|---|---|---|---|---|---|"


def by_signal(number: signal.Signals) -> Draw:
    return lambda on, chance: Kill(number)


def by_full_disk(on: Ground, chance: random.Random) -> Blow:
    """A limit for each file, or, on a disk of one's own, no room for any of them but for some bytes."""
    if os.path.ismount(on.folder.parents[1]) and chance.random() < 0.5:
        return Fill(int(on.largest ** chance.random()))
    return some_limit(on, chance)


KINDS: dict[str, Draw] = {"kill -9": by_signal(signal.SIGKILL), "SIGTERM": by_signal(signal.SIGTERM), "full disk": by_full_disk}


def struck(on: Ground, kind: str, tries: int, chance: random.Random) -> Row:
    """So many tries in which the blow came before the command had ended."""
    row = Row(on.command.name, kind)
    began = time.monotonic()
    while row.tries < tries:
        begin = chance.choice(("older", "new"))
        when = moment(on, begin, chance)
        blow = KINDS[kind](on, chance)
        made = attempt(on, begin, when, blow)
        if not made.outcome.struck:
            continue
        row.tries += 1
        row.lost += bool(made.faults)
        row.hidden += made.hidden
        row.unremoved += made.unremoved
        row.faults += [f"{on.command.name}, {begin}, {when}, {blow}: {fault}" for fault in made.faults]
    row.seconds = time.monotonic() - began
    return row


@contextlib.contextmanager
def disk(wanted: bool) -> Iterator[Path]:
    """A folder to work in: a small disk of its own where that can be had."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = wanted and not subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", folder], check=False).returncode
        try:
            yield Path(folder)
        finally:
            if mounted:
                subprocess.run(["umount", folder], check=True)


def rows(commands: list[Command], kinds: list[str], tries: int, seed: int) -> Iterator[Row]:
    for command in commands:
        with disk(sys.platform == "linux" and os.geteuid() == 0) as base, ground(command, base / "base") as on:
            for kind in kinds:
                yield struck(on, kind, tries, random.Random(f"{seed} {command.name} {kind}"))


def main() -> int:
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--tries", type=int, default=50, help="of each command in each way")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--command", default="", help="only commands whose name begins so")
    words.add_argument("--kind", choices=[*KINDS, ""], default="")
    given = words.parse_args()
    commands = [command for command in COMMANDS if command.name.startswith(given.command)]
    faults = list[str]()
    print(HEAD, flush=True)
    for row in rows(commands, [given.kind] if given.kind else list(KINDS), given.tries, given.seed):
        print(row, flush=True)
        faults += row.faults
    print(*(f"\n- {fault}" for fault in faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
