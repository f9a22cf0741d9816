"""Work in a process of its own that is struck at a chosen moment: killed, asked to end, or left without room on its disk."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from waiting import HANGS

PRELOADED = (  # what takes seconds to import; the process in which they lie does nothing but fork
    "accelerate",
    "animato.apps.cli",
    "animato.apps.commands",
    "animato.apps.weights",
    "animato.puppet.prepare",
    "animato.systems.puppet",
    "animato.training.loop",
    "animato.training.uni_animate",
    "animato.weights.animate_anyone",
    "torch.utils.tensorboard",
)
TOUCHES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate", "shutil.rmtree", "ctypes.dlsym")
LOOK = 0.001  # seconds between two looks at a folder
BALLAST = "ballast"  # the file that fills a disk; it lies beside the work's folder

_fresh = multiprocessing.get_context("forkserver")
_fresh.set_forkserver_preload(list(PRELOADED))


@dataclass(frozen=True)
class After:
    """So many seconds after the work began."""

    seconds: float


@dataclass(frozen=True)
class At:
    """Right before the work does its so manieth thing to a disk: opens a file to write, renames, removes, makes a folder."""

    touch: int


@dataclass(frozen=True)
class Seen:
    """So many seconds after a new name stands in the work's folder."""

    seconds: float


@dataclass(frozen=True)
class Kill:
    """The process gets a signal: SIGKILL, SIGTERM."""

    signal: signal.Signals


@dataclass(frozen=True)
class Limit:
    """From now on no file may grow beyond so many bytes: a disk that fills up, seen from inside."""

    bytes: int


@dataclass(frozen=True)
class Fill:
    """The disk of the work's folder is filled but for so many bytes."""

    left: int


Moment = After | At | Seen
Blow = Kill | Limit | Fill
Work = Callable[[], int]


@dataclass(frozen=True)
class Outcome:
    """How the work ended.

    code     its exit code; -9 and the like: ended by a signal
    said     all that it wrote to its outputs
    touches  what it did to a disk, one after the other, by the names that Python has for it; where it came to its end
    seconds  how long it took
    struck   whether the blow came before it had ended
    """

    code: int
    said: str
    touches: tuple[str, ...]
    seconds: float
    struck: bool


def run(work: Work, folder: Path, moment: Moment | None = None, blow: Blow | None = None) -> Outcome:
    """Does the work in a new process, and strikes it there. `work` is a function that can be pickled, and gives an exit code."""
    told, telling = _fresh.Pipe(duplex=False)
    heard, saying = _fresh.Pipe(duplex=False)
    process = _fresh.Process(target=_work, args=(work, folder, moment if isinstance(moment, At) else None, blow, telling, saying))
    process.start()
    telling.close()
    saying.close()
    began = time.monotonic()
    said, struck = bytearray(), False
    if isinstance(moment, After | Seen) and blow:
        assert process.pid is not None
        ended = isinstance(moment, Seen) and _watch(heard.fileno(), said, folder)
        ended = ended or _listen(heard.fileno(), said, time.monotonic() + moment.seconds)
        struck = not ended and _strike(process.pid, folder, blow)
    _listen(heard.fileno(), said, began + HANGS)
    process.join(HANGS)
    assert process.exitcode is not None, "it hangs"
    messages = dict(_messages(told))
    told.close()
    heard.close()
    seconds = time.monotonic() - began
    return Outcome(process.exitcode, said.decode(errors="replace"), messages.get("touches", ()), seconds, struck or "struck" in messages)


def _listen(pipe: int, said: bytearray, until: float) -> bool:
    """Takes what the process says until it ends (True) or the moment comes."""
    while select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
        if not (part := os.read(pipe, 65536)):
            return True
        said += part
    return False


def _watch(pipe: int, said: bytearray, folder: Path) -> bool:
    """Takes what the process says until it ends (True) or something new stands in its folder."""
    before = set(folder.rglob("*"))
    while not _listen(pipe, said, time.monotonic() + LOOK):
        if set(folder.rglob("*")) - before:
            return False
    return True


def _messages(told: Connection) -> list[tuple[str, Any]]:
    messages = list[tuple[str, Any]]()
    with contextlib.suppress(EOFError):
        while True:
            messages.append(told.recv())
    return messages


def _work(work: Work, folder: Path, moment: At | None, blow: Blow | None, telling: Connection, saying: Connection) -> None:
    """In the new process."""
    for output in (1, 2):
        os.dup2(saying.fileno(), output)
    saying.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    touched = list[str]()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if not _touches(event, arguments):
            return
        touched.append(event)
        if moment and blow and len(touched) == moment.touch:
            telling.send(("struck", 1))
            _strike(os.getpid(), folder, blow)

    sys.addaudithook(watch)
    code = work()
    telling.send(("touches", tuple(touched)))
    sys.exit(code)


def _touches(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an audit event of Python changes a disk."""
    if event == "open":
        return bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and arguments[0] != os.devnull
    return event in TOUCHES and (event != "ctypes.dlsym" or arguments[1] == "renameat2")


def _strike(process: int, folder: Path, blow: Blow) -> bool:
    """Whether the process was still there."""
    match blow:
        case Kill(number):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        case Limit(most):
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))
        case Fill(left):
            fill(folder.parent / BALLAST, left)
    return True


def fill(path: Path, left: int) -> None:
    """Takes all that is free on the disk of a file, but for so many bytes."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.ExitStack() as closing:
        closing.callback(os.close, file)
        size = 0
        for step in (1 << 26, 1 << 20, 1 << 12):
            while _grown(file, size, step):
                size += step
        os.truncate(file, max(0, size - left))


def _grown(file: int, size: int, step: int) -> bool:
    try:
        os.posix_fallocate(file, size, step)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True
