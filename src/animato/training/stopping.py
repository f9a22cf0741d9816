"""A training that is asked to stop ends the step that it is in and writes a checkpoint; asked again, it stops where it is."""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from animato.core.progress import Notice, quiet

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))  # Windows has no SIGHUP


class Stop:
    """While it is entered, Ctrl-C, SIGTERM and SIGHUP set `asked`. A second one raises KeyboardInterrupt. code: of the exit."""

    def __init__(self, tell: Notice = quiet) -> None:
        self.asked = False
        self.code = 128 + signal.SIGINT
        self._tell = tell
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():  # nowhere else can signals be heard
            heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup ignores SIGHUP
            self._before = {number: signal.signal(number, self._heard) for number in heeded}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self.code = 128 + number
        with contextlib.suppress(OSError, RuntimeError):  # of a terminal that is gone, or of one that is being written to right now
            self._tell("Stopping after this step, with a checkpoint. Ask again to stop at once, without one.")
