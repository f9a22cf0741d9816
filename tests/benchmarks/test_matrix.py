"""make matrix: which versions it takes, which Pythons it finds, and what it says of those that are not there."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from animato.core.versions import within

ROOT = Path(__file__).resolve().parents[2]
MATRIX = runpy.run_path(str(ROOT / "benchmarks" / "matrix.py"))


def test_the_oldest_is_the_first_release_within_the_bounds() -> None:
    available = ["5.0.0.93", "4.12.0.88", "4.11.0.86", "4.11.0rc1", "4.9.0.80"]
    assert MATRIX["oldest"](available, [">=4.11", "<6"]) == "4.11.0.86"
    assert MATRIX["oldest"](available, [">=6"]) is None


def test_every_bound_of_the_core_can_be_read() -> None:
    bounds = MATRIX["bounds"]()
    assert set(MATRIX["SHOWN"]) <= set(bounds)
    assert all(MATRIX["oldest"]([limit.removeprefix(">=") for limit in limits if ">" in limit], limits) for limits in bounds.values())


def test_what_is_pinned_is_allowed() -> None:
    """constraints.txt and pyproject.toml change together."""
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    bounds = MATRIX["bounds"]()
    assert {name for name in pins if name in bounds} >= set(MATRIX["SHOWN"])
    assert all(within(pins[name], limits) for name, limits in bounds.items() if name in pins)


def test_this_python_is_found_and_others_are_named() -> None:
    minor = sys.version_info.minor
    here, lacking = MATRIX["chosen"](f"3.{minor},3.99")
    assert [one.version.split(".")[1] for one in here] == [str(minor)]
    assert [(one.python, one.result, one.good) for one in lacking] == [("3.99", "not tried: not found here", True)]
    told = MATRIX["table"](lacking).splitlines()
    assert told[0].split()[:2] == ["Python", "set"] and "3.99" in told[1] and "not tried" in told[1]


def test_a_failing_step_ends_its_row_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = MATRIX["Interpreter"]("3.99.0", str(Path(sys.executable)), ("false",))
    outcome = MATRIX["attempt"](MATRIX["Workplace"](tmp_path), broken, "newest")
    assert not outcome.good and outcome.result == "venv failed" and outcome.python == "3.99.0"


@pytest.mark.parametrize("words", [["--sets", "middle"], ["--pythons", "python3"]])
def test_odd_words_are_refused_at_once(words: list[str]) -> None:
    done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "matrix.py"), *words], capture_output=True, text=True)
    assert done.returncode == 2 and words[1] in done.stderr.splitlines()[-1]
