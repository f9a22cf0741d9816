"""One try: a command is struck, what stands there is looked at, and the same command is called again."""

from __future__ import annotations

import random
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hub import Hub, serving
from killable import HIDDEN, HUB, Command, Tree, part_of, tree
from killing import BALLAST, After, At, Blow, Kill, Limit, Moment, Outcome, Seen, Work, run

WHOLE = [len(data) for files in HUB.values() for data in files.values()]  # bytes of files of which nothing is to come any more
SAID = "Removed what an earlier run left unfinished in"


@dataclass(frozen=True)
class Ground:
    """Where a command is tried again and again.

    folder  the command's own; the same for every try, since results may name it
    shelf   what a try begins with: with an older result ("older") and without one ("new")
    trees   of both, by these names
    once    how an undisturbed run of each goes
    after   what it leaves
    """

    command: Command
    folder: Path
    shelf: Path
    hub: Hub
    trees: dict[str, Tree]
    once: dict[str, Outcome]
    after: Tree

    def work(self) -> Outcome:
        return run(partial(self.command.work, self.folder, self.hub.url), self.folder)

    @property
    def largest(self) -> int:
        """Bytes of the largest file that the command writes."""
        written = (self.shelf / "after new" / name for name in self.after.keys() - self.trees["new"].keys())
        return max(path.stat().st_size for path in written if path.is_file())


@dataclass
class Try:
    """What one try showed.

    faults     what was lost, in words
    hidden     hidden files that the blow left
    unremoved  of those, how many the next run left there
    """

    outcome: Outcome
    faults: list[str] = field(default_factory=list)
    hidden: int = 0
    unremoved: int = 0


@contextmanager
def ground(command: Command, base: Path) -> Iterator[Ground]:
    """Everything that tries of a command need. base: an empty folder."""
    folder, shelf = base / "ground", base / "shelf"
    folder.mkdir(parents=True)
    command.inputs(folder)
    shutil.copytree(folder, shelf / "new")
    _done(partial(_older, command, folder), folder)
    shutil.move(folder, shelf / "older")
    with serving(Hub(HUB)) as hub:
        work = partial(command.work, folder, hub.url)
        shutil.copytree(shelf / "new", folder)
        _done(work, folder)  # what it keeps in the cache, every later run finds there
        shutil.rmtree(folder)
        once = dict[str, Outcome]()
        for begin in ("older", "new"):
            shutil.copytree(shelf / begin, folder)
            once[begin] = _done(work, folder)
            shutil.move(folder, shelf / f"after {begin}")
        trees = {name: tree(shelf / name) for name in once}
        yield Ground(command, folder, shelf, hub, trees, once, tree(shelf / "after new"))


def _done(work: Work, folder: Path) -> Outcome:
    outcome = run(work, folder)
    assert outcome.code == 0, outcome.said
    return outcome


def _older(command: Command, folder: Path) -> int:
    command.older(folder)
    return 0


def moment(on: Ground, begin: str, chance: random.Random) -> Moment:
    """Any time of the undisturbed run, soon after something new stands in the folder, or right before any touch of the disk."""
    once = on.once[begin]
    kind = chance.choice((After, Seen, At))
    if kind is At:
        return At(chance.randint(1, len(once.touches)))
    return kind(once.seconds * (chance.random() if kind is After else chance.random() ** 3))


def attempt(on: Ground, begin: str, moment: Moment, blow: Blow) -> Try:
    """begin: "older" or "new", what stands there beforehand."""
    shutil.rmtree(on.folder, ignore_errors=True)
    shutil.copytree(on.shelf / begin, on.folder)
    on.hub.ranges.clear()
    outcome = run(partial(on.command.work, on.folder, on.hub.url), on.folder, moment, blow)
    (on.folder.parent / BALLAST).unlink(missing_ok=True)
    made = Try(outcome)
    if outcome.struck:
        made.faults += _ending(outcome, blow)
        made.faults += _standing(on, begin, made)
        _again(on, made)
    return made


def _ending(outcome: Outcome, blow: Blow) -> Iterator[str]:
    """A command that is asked to end, or lacks room, says so in a sentence."""
    if "Traceback" in outcome.said or "Exception" in outcome.said:
        yield f"a traceback: {outcome.said}"
    match blow:
        case Kill(signal.SIGKILL):
            allowed = (0, -signal.SIGKILL)
        case Kill(number):
            allowed = (0, -number, 128 + number)  # a process that has just begun does not hear it
        case _:
            allowed = (0, 2)
    if outcome.code not in allowed:
        yield f"exit code {outcome.code}: {outcome.said}"


def _standing(on: Ground, begin: str, made: Try) -> Iterator[str]:
    """What is wrong with what stands there after the blow."""
    now, before = tree(on.folder), on.trees[begin]
    made.hidden = sum(bool(re.fullmatch(r"(.*/)?\.animato-[^/]*", name)) for name in now)
    for name, what in on.trees["new"].items():
        if now.get(name) != what:
            yield f"the input {name} has changed"
    for result in on.command.results:
        if part_of(now, result) not in (part_of(before, result), part_of(on.after, result)):
            yield f"{result} is neither the older nor the new one"
    for name in now.keys() - before.keys() - on.after.keys():
        if not (HIDDEN.fullmatch(name) or re.fullmatch(on.command.documented, name)):
            yield f"{name} lies there"
    yield from on.command.faults(on.folder)


def _again(on: Ground, made: Try) -> None:
    """The same command once more: it works, goes on, tidies up and says so, and its result is that of an undisturbed run."""
    done = {path: path.stat().st_mtime_ns for path in on.command.done(on.folder)}
    parts = {f"bytes={size}-" for path in on.folder.rglob("*.part") if (size := path.stat().st_size) and size not in WHOLE}
    again = on.work()
    now = {name: what for name, what in tree(on.folder).items() if not _spared(on, name)}
    after = {name: what for name, what in on.after.items() if not _spared(on, name)}
    made.unremoved = sum(bool(HIDDEN.fullmatch(name)) for name in now)
    if again.code:
        made.faults.append(f"the next run ends with {again.code}: {again.said}")
    elif now != after:
        made.faults.append(f"the next run's result is another: {sorted(now.items() ^ after.items())}")
    if made.hidden and SAID not in again.said and "Put back" not in again.said:
        made.faults.append(f"nothing is said of what was left: {again.said}")
    if any(path.exists() and path.stat().st_mtime_ns != when for path, when in done.items()):
        made.faults.append("the next run made anew what was finished")
    if not parts <= set(on.hub.ranges):
        made.faults.append("the next run fetched anew what had come")


def _spared(on: Ground, name: str) -> bool:
    """Names that an undisturbed run need not have in the same way: what was kept of frames, and what is never the same twice."""
    kept = name not in on.after and re.fullmatch(on.command.documented, name) and "partial" in name
    return bool(kept or re.fullmatch(on.command.differs, name))


def some_limit(on: Ground, chance: random.Random) -> Limit:
    """Any number of bytes up to those of the largest file, small ones as often as large ones."""
    return Limit(int(on.largest ** chance.random()))
