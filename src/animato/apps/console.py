"""What the command line shows: progress with the remaining time, notes, and errors without a traceback."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from animato.apps.stages import in_words
from animato.weights.files import in_words as size_in_words

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class _Amount(ProgressColumn):
    """How much of a stage is done: so many of so many, or bytes and how fast they come."""

    def __init__(self) -> None:
        super().__init__()
        self._count = MofNCompleteColumn()

    def render(self, task: Task) -> Text:
        if task.fields.get("unit") != "byte":
            return self._count.render(task)
        speed = f", {size_in_words(task.speed)} a second" if task.speed else ""
        return Text(f"{size_in_words(task.completed)} of {size_in_words(task.total or 0)}{speed}")


class Bars:
    """A core.progress.Progress that draws one bar a stage on the error stream; nothing when that is no terminal."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description:<34}"), BarColumn(), _Amount(), TimeRemainingColumn(elapsed_when_finished=True))
        self._bars = Progress(*columns, console=err, disable=not err.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            words, unit = in_words(stage)
            self._tasks[stage] = self._bars.add_task(words, unit=unit)
        self._bars.update(self._tasks[stage], completed=done, total=total or None)


def say(message: str) -> None:
    """A line for the user on the standard output."""
    out.print(message, markup=False)


def note(message: str) -> None:
    """Something the user should know and need not act on."""
    err.print(f"note: {message}", markup=False)


def complain(message: str) -> None:
    err.print(f"error: {message}", markup=False)
