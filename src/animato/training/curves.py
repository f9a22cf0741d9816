"""What is worth watching of a training: curve.jsonl, a line for each step that is told, and the same for TensorBoard.

A run that goes on from a checkpoint takes back what was told of later steps, so that each step is there once.
"""

from __future__ import annotations

import json
import math
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import summary

from animato.core.output import explained, put_in_place, temporary_beside
from animato.core.reading import check_file
from animato.core.renaming import sync

LONGEST = 100_000  # bytes of a line


def cut_back(path: Path, step: int) -> None:
    """Takes the lines of later steps off a curve, and what is no whole line. Raises InputError for no file, OutputError."""
    if not os.path.lexists(path):
        return
    check_file(path)
    with temporary_beside(path) as temporary:
        with explained(path), temporary.open("w", encoding="utf-8") as file:
            file.writelines(_kept(path, step))
        put_in_place(temporary, path)


def _kept(path: Path, last: int) -> Iterator[str]:
    before = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        while line := file.readline(LONGEST):
            step = _step(line)
            if before < step <= last:
                before = step
                yield line


def _step(line: str) -> int:
    """0 for what is no line of a curve."""
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    return step if type(step) is int and line.endswith("\n") else 0


class Curves:
    """Every line and event is handed to the system at once, by this thread, so that a full disk is told here and nothing is lost."""

    def __init__(self, curve: Path, board: Path, first: int) -> None:
        """curve: the lines; board: TensorBoard's folder; first: how many steps are done. Raises OutputError."""
        self._curve = curve
        self._board = board
        with explained(board):
            board.mkdir(parents=True, exist_ok=True)
            name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}"
            self._path = next(path for n in range(1000) if not (path := board / f"{name}.{n}").exists())
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        self._write(
            Event(wall_time=time.time(), step=first + 1, session_log=SessionLog(status=SessionLog.START))
        )  # events from here are void

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """A line, without what is not finite. Raises OutputError."""
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        with explained(self._curve), self._curve.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step} | finite) + "\n")
        for name, value in finite.items():
            self._add(step, summary.scalar(name, value))

    def picture(self, step: int, picture: np.ndarray) -> None:  # H W 3 uint8
        """Raises OutputError."""
        self._add(step, summary.image("samples", picture, dataformats="HWC"))

    def sync(self) -> None:
        """Waits until the lines are on the disk. Raises OutputError."""
        with explained(self._curve):
            if self._curve.exists():
                sync(self._curve)

    def _add(self, step: int, content: Summary) -> None:
        self._write(Event(wall_time=time.time(), step=step, summary=content))

    def _write(self, event: Event) -> None:
        with explained(self._board), self._path.open("ab") as file:
            RecordWriter(file).write(event.SerializeToString())
