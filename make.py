"""What the Makefile runs, in Python alone, the same on Linux, macOS and Windows: python make.py setup|demo|test|kill|matrix|lint|clean."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST = (3, 11)
CHECKS = (
    ("lint", ["-m", "ruff", "check", "."]),
    ("format", ["-m", "ruff", "format", "--check", "."]),
    ("types", ["-m", "mypy"]),
    ("import rules", ["-c", "from importlinter.cli import lint_imports_command as lint; lint()"]),
)


def main(arguments: list[str]) -> int:
    commands = {"setup": setup, "demo": demo, "test": test, "kill": kill, "matrix": matrix, "lint": lint, "clean": clean}
    name = arguments[0] if arguments else ""
    if name not in commands:
        print(f"usage: python make.py {'|'.join(commands)}")
        return 2
    return commands[name](*arguments[1:])


def setup() -> int:
    """A virtual environment with all that demo and tests need, and the pose models in the user's cache. Repeats nothing that is done."""
    if too_old():
        return 2
    stamp = VENV / "installed"
    wanted = fingerprint()
    if not (stamp.is_file() and PYTHON.is_file() and stamp.read_text() == wanted):
        print("Setting up .venv (about 2 GB with the CPU build of torch, several minutes) ...", flush=True)
        if not PYTHON.is_file() and run([sys.executable, "-m", "venv", str(VENV)]):
            print("Python's venv module failed. On Debian and Ubuntu: apt install python3-venv")
            return 1
        if run([str(PYTHON), "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "-e", ".[dev]"]):
            print("The packages could not be installed; what pip says is above. Fix it (network? disk?) and run the same again.")
            return 1
        stamp.write_text(wanted)
    return module("animato", "fetch", "pose")


def demo() -> int:
    """A shipped character performs a shipped motion: out/demo.mp4 and the contact sheet out/demo.png."""
    return setup() or module("animato", "demo", "--out", "out")


def test(*pytest_arguments: str) -> int:
    """Lint, types, import rules, tests."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # the test processes share the cores among them
    return setup() or checks() or module("pytest", "-n", str(min(os.cpu_count() or 1, 4)), *pytest_arguments)


def kill(*arguments: str) -> int:
    """Commands are struck in the midst of their work, to see what is lost (half an hour; --tries 5 is shorter)."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return setup() or run([str(PYTHON), "benchmarks/kill.py", *arguments])


def lint() -> int:
    return setup() or checks()


def matrix(*words: str) -> int:
    """The core alone on other Pythons, with the oldest and the newest allowed packages. It needs no set-up; `--help` lists its options."""
    if too_old():
        return 2
    os.environ["PYTHONPATH"] = str(ROOT / "src")  # of which it takes what knows version numbers
    return run([sys.executable, str(ROOT / "benchmarks" / "matrix.py"), *words])


def clean() -> int:
    """Removes what set-up and demo made inside this folder; the models in the user's cache stay."""
    for folder in (VENV, ROOT / "out"):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def too_old() -> bool:
    if old := sys.version_info[:2] < OLDEST:
        print(f"animato needs Python 3.11 or newer, and this is {sys.version.split()[0]}: call python3.11 make.py ...")
    return old


def checks() -> int:
    for title, arguments in CHECKS:
        print(f"- {title}", flush=True)
        if code := run([str(PYTHON), *arguments]):
            return code
    return 0


def fingerprint() -> str:
    """Changes when what has to be installed changes."""
    content = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    return hashlib.sha256(content + str(ROOT).encode()).hexdigest()


def module(name: str, *arguments: str) -> int:
    return run([str(PYTHON), "-m", name, *arguments])


def run(command: list[str]) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
