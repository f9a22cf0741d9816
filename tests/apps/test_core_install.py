"""A core install, without the packages of diffusion: whatever needs them says so in one sentence, before it is imported; the rest works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from animato.core.packages import DIFFUSION
from animato.systems.known import with_weights
from waiting import HANGS

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
HIDDEN = f"""
import sys
from importlib.machinery import PathFinder


class Without:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.split(".")[0] in {set(DIFFUSION)!r} else PathFinder.find_spec(name, path, target)

    invalidate_caches = PathFinder.invalidate_caches
    find_distributions = PathFinder.find_distributions


sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""
IN_PYTHON = """
import animato
try:
    animato.animate("mara", "wave", system="{name}", frames=4)
except animato.AnimatoError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that hides the packages from a Python that finds it on its path."""
    folder = tmp_path_factory.mktemp("hidden")
    (folder / "sitecustomize.py").write_text(HIDDEN)
    return folder


def run(hidden: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(hidden), *sys.path])
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}, timeout=HANGS)


def commands(folder: Path) -> dict[str, list[str]]:
    (folder / "x.torchscript").write_bytes(b"")
    return {
        "animate": ["animate", "mara", "wave", "-o", str(folder / "o.mp4"), "--frames", "4", "--system", with_weights()[-1].name],
        "pose": ["pose", "mara", "--kind", "densepose", "--densepose", str(folder / "x.torchscript"), "-o", str(folder / "a.png")],
        "train": ["train", str(RECIPES / "animate-anyone-preview-start.toml"), "-o", str(folder / "run")],
        "fetch": ["fetch", with_weights()[0].name, "--to", str(folder / "weights")],
        "convert": ["convert", str(folder), "-o", str(folder / "out")],
        "compare": ["compare", "mara", "wave", "--systems", f"puppet,{with_weights()[0].name}", "-o", str(folder / "grid.mp4")],
    }


@pytest.mark.parametrize("command", ["animate", "pose", "train", "fetch", "convert", "compare"])
def test_a_command_says_what_to_install(command: str, hidden: Path, tmp_path: Path) -> None:
    done = run(hidden, "-m", "animato", *commands(tmp_path)[command])
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "needs packages that are not installed here (torch, diffusers" in done.stderr and "pip install" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", [one.name for one in with_weights()])
def test_python_says_what_to_install(name: str, hidden: Path) -> None:
    done = run(hidden, "-c", IN_PYTHON.format(name=name))
    assert done.returncode == 0 and done.stdout.startswith(f"{name} needs packages that are not installed here (torch,")


def test_the_puppet_works_without(hidden: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.gif"
    done = run(hidden, "-m", "animato", "animate", "mara", "wave", "-o", str(out), "--frames", "3", "--size", "128x192")
    assert done.returncode == 0 and out.is_file(), done.stderr
