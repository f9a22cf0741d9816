"""The words and little pictures of the web page, as HTML: progress, messages, the report."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from animato.apps.stages import in_words
from animato.apps.web.work import Stage

HEAD = """
<div class="brand">
  <svg viewBox="0 0 32 32" aria-hidden="true"><circle cx="17" cy="5.5" r="3.2"/>
  <path d="M5 11 L13 13 L20 12 L27 6 M16.5 12.5 L15 20 L20.5 24 L19 30 M15 20 L9.5 23.5 L5 29"/></svg>
  <div><h1>animato</h1><p>One picture and a motion become a video.</p></div>
</div>"""
EMPTY = '<p class="hint">Choose a picture and a motion, then press <b>Animate</b>. Everything stays on this machine.</p>'


def bars(stages: list[Stage]) -> str:
    """One bar a stage, with what is left of the one that runs."""
    rows = [_row(stage) for stage in stages] or ['<div class="stage"><span>Starting</span></div>']
    return f'<div class="message working" role="status">{"".join(rows)}</div>'


def _row(stage: Stage) -> str:
    name, unit = in_words(stage.name)
    fraction = min(stage.done / stage.total, 1) if stage.total else 0
    counted = f"{unit} {stage.done} of {stage.total}".strip() if stage.total > 1 else ""
    if stage.finished:
        left = duration(stage.elapsed)
    else:
        left = "" if stage.remaining is None else f"{duration(stage.remaining)} left"
    bar = f'<i style="width:{fraction:.1%}"></i>' if fraction else '<i class="unknown"></i>'
    return (
        f'<div class="stage{" finished" if stage.finished else ""}"><span>{escape(name)}</span>'
        f'<small>{" · ".join(filter(None, (counted, left)))}</small><div class="bar">{bar}</div></div>'
    )


def duration(seconds: float) -> str:
    """'8 s', '2 min 5 s', '1 h 3 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def failure(message: str) -> str:
    return f'<div class="message failed" role="alert">{escape(message)}</div>'


def information(message: str) -> str:
    return f'<div class="message" role="status">{escape(message)}</div>'


def report(lines: Iterable[str], notes: Iterable[str]) -> str:
    """The lines of a report, and below them what was doubtful."""
    rows = "".join(f"<li>{escape(line[:1].upper() + line[1:])}</li>" for line in lines)
    doubts = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<ul class="report">{rows}</ul>' + (f'<ul class="report notes">{doubts}</ul>' if doubts else "")
