"""What a command is about to write: looked at before any work, and told truly when Ctrl-C comes after some of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from animato.apps.console import note
from animato.core.apart import check_apart
from animato.core.errors import Interrupted
from animato.core.leftovers import sweep


def make_ready(inputs: Iterable[str | Path], *outputs: Path | None) -> None:
    """Makes sure that no output takes the place of an input or of another output, and tidies up after runs that were killed there.

    What they left unfinished is removed, an older result that was just being replaced is put back, and both is told.
    Raises InputError.
    """
    written = [path for path in outputs if path]
    check_apart([Path(name) for name in inputs], written)
    tidy(folder for path in written for folder in (path.absolute().parent, path))


def tidy(folders: Iterable[Path]) -> None:
    """Removes from folders what runs left there that were killed, and says so."""
    for folder in dict.fromkeys(folders):
        for sentence in sweep(folder):
            note(sentence)


@contextmanager
def already_written(*paths: Path) -> Iterator[None]:
    """Says on Ctrl-C that these results are finished, where others were still to come."""
    try:
        yield
    except KeyboardInterrupt:
        if not paths:
            raise
        names = " and ".join(map(str, paths))
        raise Interrupted(f"Stopped: {names} {'is' if len(paths) == 1 else 'are'} finished; nothing else was written.") from None
