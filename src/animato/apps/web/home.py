"""The folder in which one server keeps all that visitors hand in and get: its own, closed to others, and gone when the server ends."""

from __future__ import annotations

import atexit
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from animato.core.hidden import hidden_beside
from animato.core.output import explained

Handler = Any  # as the signal module takes and gives it

_CTRL_C = (signal.SIGINT, signal.SIGTERM)
_ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def home() -> Iterator[Path]:
    """A new folder in the system's temporary one, for this user alone.

    Its name says whose it is (core/hidden.py): where the process is killed, the next server's `sweep` removes it. Raises OutputError.
    """
    temporary = Path(tempfile.gettempdir()).resolve()
    with explained(temporary):
        folder = hidden_beside(temporary / "web")
        folder.mkdir(mode=0o700)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # work that ended late may have written once more
    try:
        yield folder
    finally:
        with _deaf():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """A termination signal and a closed terminal are taken like Ctrl-C, unless nohup forbids it: by uvicorn, too, which knows but two."""
    with _heard({one: signal.default_int_handler if one in _CTRL_C else _like_a_termination for one in _ENDINGS}):
        yield


@contextmanager
def _deaf() -> Iterator[None]:
    """No signal ends the removal of files half way."""
    with _heard(dict.fromkeys(_ENDINGS, signal.SIG_IGN)):
        yield


@contextmanager
def _heard(handlers: dict[signal.Signals, Handler]) -> Iterator[None]:
    """Other handlers of signals for a while, but for those that are ignored."""
    if threading.current_thread() is not threading.main_thread():  # only that one may have any
        yield
        return
    before = {one: signal.signal(one, handler) for one, handler in handlers.items() if signal.getsignal(one) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _like_a_termination(number: int, frame: object) -> None:
    signal.raise_signal(signal.SIGTERM)
