"""Tables as Markdown, text and JSON."""

import json
from pathlib import Path

import pytest

from animato.core.errors import InputError, OutputError
from animato.evaluation.report import Table

TABLE = Table("Turned people", ("system", "PSNR", "frames"), (("copy | picture", 20.125, 8), ("puppet", float("nan"), 12)), digits=1)


def test_markdown_aligns_numbers_and_escapes_bars() -> None:
    assert TABLE.markdown() == (
        "**Turned people**\n\n| system | PSNR | frames |\n| --- | ---: | ---: |\n| copy \\| picture | 20.1 | 8 |\n| puppet | - | 12 |\n"
    )


def test_text_aligns_columns() -> None:
    assert TABLE.text().splitlines() == [
        "Turned people",
        "system          PSNR  frames",
        "copy | picture  20.1       8",
        "puppet             -      12",
    ]


def test_json_is_strict_and_exact() -> None:
    content = json.loads(TABLE.json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert content["rows"] == [{"system": "copy | picture", "PSNR": 20.125, "frames": 8}, {"system": "puppet", "PSNR": None, "frames": 12}]


@pytest.mark.parametrize("ending", ["md", "txt", "json"])
def test_save_writes_by_ending_and_leaves_nothing_else(tmp_path: Path, ending: str) -> None:
    path = TABLE.save(tmp_path / f"table.{ending}")
    assert path.read_text("utf-8") == {"md": TABLE.markdown, "txt": TABLE.text, "json": TABLE.json}[ending]()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 cells does not fit the 1 columns"):
        Table("t", ("a",), ((1, 2),))
    with pytest.raises(OutputError):
        TABLE.save(tmp_path / "table.xls")
