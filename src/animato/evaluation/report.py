"""Tables of measurements, printed as text or Markdown or saved as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from animato.core.errors import InputError
from animato.core.output import check_target, explained, put_in_place, temporary_beside

Cell = str | int | float
_ENDINGS = (".md", ".json", ".txt")


@dataclass(frozen=True)
class Table:
    """Rows of cells under named columns. Numbers are shown with `digits` after the point, nan as a dash."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    digits: int = 2

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise InputError(f"A row of {len(row)} cells does not fit the {len(self.columns)} columns of the table {self.title!r}.")

    def markdown(self) -> str:
        """A GitHub table under its title in bold; numbers to the right."""
        numeric = [all(not isinstance(row[k], str) for row in self.rows) for k in range(len(self.columns))]
        rule = ["---:" if right else "---" for right in numeric]
        lines = [self.columns, rule, *self._shown()]
        return (
            f"**{self.title}**\n\n"
            + "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
            + "\n"
        )

    def text(self) -> str:
        """Aligned columns for a terminal."""
        lines = [list(self.columns), *self._shown()]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.columns))]
        body = [
            "  ".join(cell.ljust(width) if k == 0 else cell.rjust(width) for k, (cell, width) in enumerate(zip(line, widths, strict=True)))
            for line in lines
        ]
        return "\n".join([self.title, *body]) + "\n"

    def json(self) -> str:
        """An object with title, columns and rows as objects; nan and infinity as null, since JSON has neither."""
        rows = [{name: plain(cell) for name, cell in zip(self.columns, row, strict=True)} for row in self.rows]
        return json.dumps({"title": self.title, "columns": list(self.columns), "rows": rows}, indent=1) + "\n"

    def save(self, path: str | Path) -> Path:
        """Writes .md, .json or .txt. Raises OutputError."""
        target = check_target(path, _ENDINGS)
        content = {".md": self.markdown, ".json": self.json, ".txt": self.text}[target.suffix.lower()]()
        with temporary_beside(target) as temporary:
            with explained(target):
                temporary.write_text(content, "utf-8")
            put_in_place(temporary, target)
        return target

    def _shown(self) -> list[list[str]]:
        return [[self._show(cell) for cell in row] for row in self.rows]

    def _show(self, cell: Cell) -> str:
        if isinstance(cell, float):
            return "-" if math.isnan(cell) else f"{cell:.{self.digits}f}"
        return str(cell)


def plain(cell: Any) -> Any:
    """The value as JSON can hold it: None for nan and infinity."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
