"""`animato compare`: checks, progress, and the table at the end."""

from __future__ import annotations

import tempfile
from pathlib import Path

from animato import api
from animato.apps.commands import Request, note_all
from animato.apps.console import Bars, say
from animato.apps.options import size_of
from animato.apps.outputs import already_written, make_ready, tidy
from animato.comparison import check_systems, check_truth
from animato.comparison import compare as run
from animato.core.media import check_output, open_clip
from animato.core.output import check_target, write_text


def compare(request: Request, systems: str, out: Path, report: Path | None = None, truth: Path | None = None) -> None:
    """A picture performs a motion by every system of a list such as "puppet,animate-anyone"; prints their table."""
    names = [name.strip() for name in systems.split(",") if name.strip()]
    check_systems(names)
    request.make_ready(out, report)
    if truth:
        make_ready([truth], out, report)
    tidy([Path(tempfile.gettempdir())])  # where the systems' frames wait (comparison.py)
    check_output(out)
    if report:
        check_target(report, (".json",))
    true = None
    if truth:
        true = open_clip(truth) if request.frames is None else open_clip(truth).take(request.frames)
        check_truth(true, *api.extent(request.character, request.driving, size=size_of(request.size), frames=request.frames))
    with Bars() as bars:
        prepared = request.prepared(bars)
        comparison = run(prepared, names, out, true, bars)
    note_all([*prepared.notes, *(f"{row.system}: {sentence}" for row in comparison.rows for sentence in row.report.notes)])
    if report:
        with already_written(out):
            write_text(comparison.json(), report)
    say(f"{out}: {comparison.table().text().rstrip()}")
