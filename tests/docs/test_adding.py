"""docs/adding.md is true: its blocks, put into a copy of the sources, add what they say and touch no other file than they say."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import animato
from animato.evaluation.frames import psnr

pytestmark = pytest.mark.long

SOURCES = Path(animato.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs" / "adding.md").read_text("utf-8")
PACKAGE = "src/animato"
PLACE = re.compile(r"# in (?P<file>\S+), (?P<where>after|before): (?P<line>.+)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its first line, the lines below it."""

    language: str
    first: str
    rest: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join((self.first, *self.rest)) + "\n"


def blocks(title: str) -> Iterator[Block]:
    """The blocks of the part with that title."""
    part = re.search(rf"^## \d\. {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert part, f"docs/adding.md has no part '{title}'"
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", part[1], re.MULTILINE | re.DOTALL):
        first, *rest = text.split("\n")[:-1]
        yield Block(language, first, tuple(rest))


class Workshop:
    """A copy of the sources that the blocks of a part are applied to, and what they print there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.edited: set[str] = set()
        self.new: set[str] = set()
        self.printed: list[str] = []
        package = folder / PACKAGE
        shutil.copytree(SOURCES, package, ignore=shutil.ignore_patterns("assets"))
        (package / "assets").symlink_to(SOURCES / "assets", target_is_directory=True)

    def apply(self, block: Block) -> None:
        place = PLACE.fullmatch(block.first)
        if block.first.startswith("# new file: "):
            self._write(block.first.removeprefix("# new file: "), block)
        elif place:
            self._insert(place["file"], place["where"] == "after", place["line"], block)
        elif block.first.startswith("# try: "):
            self._run([sys.executable, "-c", block.text])
        else:
            assert block.language == "sh", f"nobody knows where this goes: {block.first}"
            for line in block.text.splitlines():
                words = shlex.split(line)
                assert words[0] == "python"
                self._run([sys.executable, *words[1:]])

    def _write(self, name: str, block: Block) -> None:
        path = self.folder / name
        assert not path.exists()
        path.write_text("\n".join(block.rest) + "\n", "utf-8")
        self.new.add(name.removeprefix(f"{PACKAGE}/"))

    def _insert(self, name: str, after: bool, anchor: str, block: Block) -> None:
        path = self.folder / name
        lines = path.read_text("utf-8").split("\n")
        found = [index for index, line in enumerate(lines) if line.strip() == anchor]
        assert len(found) == 1, f"{name} has the line '{anchor}' {len(found)} times"
        at = found[0] + after
        path.write_text("\n".join([*lines[:at], *block.rest, *lines[at:]]), "utf-8")
        self.edited.add(name.removeprefix(f"{PACKAGE}/"))

    def _run(self, words: list[str]) -> None:
        threads = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environment = {**os.environ, **threads, "PYTHONPATH": str(self.folder / "src")}
        done = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.printed += done.stdout.splitlines()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def added(workshop: Workshop, title: str) -> Workshop:
    for block in blocks(title):
        workshop.apply(block)
    return workshop


def test_a_system(workshop: Workshop) -> None:
    added(workshop, "A system")
    assert workshop.new == {"systems/mirror.py"} and workshop.edited == {"systems/known.py"}
    first, second, third = animato.open_clip(workshop.folder / "out/mirror.gif")
    assert first.shape == (192, 128, 3) and any("made by Mirror" in line for line in workshop.printed)
    assert min(psnr(first[:, ::-1], second), psnr(first, third)) > 35 > psnr(first, second)


def test_a_temporal_module(workshop: Workshop) -> None:
    added(workshop, "A temporal module")
    assert workshop.new == {"models/temporal_mean.py"} and workshop.edited == {"models/temporal.py"}
    assert workshop.printed == ["0 True", "1 False"]  # whether the first frame stays as it is


def test_a_driving_signal(workshop: Workshop) -> None:
    added(workshop, "A driving signal")
    assert workshop.new == {"systems/cutter.py"} and workshop.edited == {"systems/scene.py"}
    assert workshop.printed[:3] == ["[100, 0, 0]", "[0, 100, 0]", "[0, 0, 100]"]
    assert "a video of silhouettes shows none" in workshop.printed[3]


def test_a_metric(workshop: Workshop) -> None:
    added(workshop, "A metric")
    assert workshop.new == {"evaluation/surroundings.py"} and workshop.edited == {"evaluation/measures.py"}
    assert animato.open_clip(workshop.folder / "out/grid.gif").length == 2
    (row,) = json.loads((workshop.folder / "out/table.json").read_text())["systems"]
    assert 1 < row["surroundings"] < 255
    printed = next(line for line in workshop.printed if line.startswith("puppet"))
    assert any(line.endswith("surroundings") for line in workshop.printed) and printed.endswith(f"{row['surroundings']:.2f}")


def test_an_output_format(workshop: Workshop) -> None:
    added(workshop, "An output format")
    assert workshop.new == {"core/npy.py"} and workshop.edited == {"core/encode.py"}
    frames = np.load(workshop.folder / "out/puppet.npy")
    assert frames.shape == (3, 192, 128, 3) and frames.dtype == np.uint8 and frames.std() > 10


def test_a_wrapper_of_the_model_call(workshop: Workshop) -> None:
    added(workshop, "A wrapper of the model call")
    assert workshop.new == {"sampling/every_other.py"} and not workshop.edited
    assert workshop.printed == ["2 frames, 2 calls"]


def test_all_of_the_page_is_tried() -> None:
    """Each part has a test above, and each of its blocks is one that is put somewhere or run."""
    titles = [title.lower().replace(" ", "_") for title in re.findall(r"^## \d\. (.+)$", PAGE, re.MULTILINE)]
    assert titles and all(f"test_{title}" in globals() for title in titles)
    assert PAGE.count("\n```sh\n") + PAGE.count("\n```python\n") == PAGE.count("\n```\n")
