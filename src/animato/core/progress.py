"""How long work tells how far it is: one callable, given down to whoever does the work."""

from collections.abc import Callable
from typing import Protocol

Notice = Callable[[str], None]  # is called with a sentence for the user while work goes on


class Progress(Protocol):
    """Called as `progress(stage, done, total)`, at least once a second of work; `total` is 0 while it is unknown."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


def silent(stage: str, done: int, total: int) -> None:
    """The progress of a caller who does not want any."""


def quiet(sentence: str) -> None:
    """The notice of a caller who does not want any."""
