"""The folder in which one server keeps all that visitors hand in and get: its own, closed to others, and gone when the server ends."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_NAME = re.compile(r"animato-web-(\d{1,10})-(\d{1,12})-\w+", re.ASCII)
_SLACK = 2  # seconds, by which a process may seem to have begun at another time
CTRL_C = (signal.SIGINT, signal.SIGTERM)
ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def home() -> Iterator[Path]:
    """A new folder in the system's temporary one, for this user alone. Its name says which process it belongs to."""
    folder = Path(tempfile.mkdtemp(prefix=f"animato-web-{os.getpid()}-{_begun(os.getpid())}-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # work that ended late may have written once more
    try:
        yield folder
    finally:
        with _deaf():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """A termination signal and a closed terminal are taken like Ctrl-C, unless nohup forbids it: by uvicorn, too, which knows but two."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in ENDINGS}
    for one in ENDINGS:
        if before[one] is not signal.SIG_IGN:
            signal.signal(one, signal.default_int_handler if one in CTRL_C else _like_a_termination)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _like_a_termination(number: int, frame: object) -> None:
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def _deaf() -> Iterator[None]:
    """No signal ends the removal of files half way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, signal.SIG_IGN) for one in ENDINGS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def remove_left() -> list[str]:
    """Removes the folders of servers that were killed; a sentence on each. Those of other users and of living processes stay."""
    told = []
    for folder in sorted(Path(tempfile.gettempdir()).glob("animato-web-*")):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                told.append(f"Removed {folder}: the page that kept its files there was killed.")
    return told


def _is_left(folder: Path) -> bool:
    """Whether it is the folder of a server that is gone; not where that cannot be told."""
    named = _NAME.fullmatch(folder.name)
    if named is None or folder.is_symlink() or not folder.is_dir():
        return False
    begun = _begun(int(named[1]))
    return begun is None or (begun > 0 and abs(begun - int(named[2])) > _SLACK)


def _begun(process: int) -> int | None:
    """The second in which a process began, None if there is none of this number."""
    try:
        return int(psutil.Process(process).create_time())
    except psutil.NoSuchProcess:
        return None
    except (OSError, psutil.Error):  # there is one, of which nothing is told
        return 0
