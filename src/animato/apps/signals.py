"""How a command is ended from outside: Ctrl-C, SIGTERM and SIGHUP all let it clean up after itself, once and undisturbed."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_COMMON = (signal.SIG_DFL, signal.default_int_handler)  # what is not ignored (nohup, a shell's background) and nobody else's


class Ending:
    """While it is entered, each of these signals raises KeyboardInterrupt where the command works just then.

    Further ones do nothing while the command cleans up after the first: nothing half removed is left. Where a library has swallowed the
    first, the next one counts again. Signals that are ignored stay ignored. Only for commands, never where animato is a library.
    """

    def __init__(self) -> None:
        self.signal: int | None = None  # the one that came
        self.over = False  # nothing is left to be stopped
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Ending:
        if threading.current_thread() is threading.main_thread():  # others may not say what becomes of signals
            for number in (getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)):
                if signal.getsignal(number) in _COMMON:
                    self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over = True
        for number, before in self._before.items():
            signal.signal(number, before)
        # Where a KeyboardInterrupt came out of code in a string, such as libraries run while they are imported, Python would end itself by
        # SIGINT, whatever the exit code; it forgets that when it runs other code in a string.
        eval("None")

    @property
    def code(self) -> int:
        """The exit code, as shells have it: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
        return 128 + (self.signal or signal.SIGINT)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.over or (self.signal is not None and _cleans_up()):
            return
        self.signal = number
        raise KeyboardInterrupt


def _cleans_up() -> bool:
    """Whether what runs just now runs because of a KeyboardInterrupt: its `finally`, `except` and `with` blocks."""
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
