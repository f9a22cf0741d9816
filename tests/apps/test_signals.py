"""Ctrl-C, SIGTERM and SIGHUP end a command in order: nothing half done stays, whatever it was doing, and however often they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from animato.core.media import open_clip
from material import Material
from waiting import HANGS, hears_ctrl_c

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a single process cannot be sent Ctrl-C there")

ENDS = [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)]
CLEANING = """
import sys
from animato.apps.signals import Ending
with Ending() as ending:
    try:
        try:
            print("working", flush=True)
            sys.stdin.readline()
        finally:
            print("cleaning", flush=True)
            sys.stdin.readline()
            print("clean", flush=True)
    except KeyboardInterrupt:
        print(ending.code, flush=True)
"""
SWALLOWING = """
import sys
from animato.apps.signals import Ending
with Ending() as ending:
    for _ in range(2):
        try:
            print("working", flush=True)
            sys.stdin.readline()
        except KeyboardInterrupt:
            pass
    print("done", flush=True)
"""
IN_A_STRING = """
import sys
from animato.apps.signals import Ending
with Ending() as ending:
    try:
        exec("print('working', flush=True); sys.stdin.readline()")
    except KeyboardInterrupt:
        pass
sys.exit(ending.code)
"""
TORCH = """
import sys
print("torch begins", flush=True)
try:
    sys.stdin.readline()
except KeyboardInterrupt:
    raise ImportError("some part failed to import")
"""

# Runs the command line, and tells when the picture of a number is half written: Pillow writes to a file that waits once.
RUN = """
import os, sys
from animato.apps.cli import main
from PIL import Image
real = Image.Image.save
def save(image, path, **options):
    real(image, path, **options)
    if str(path).endswith("000003.png"):
        with open(path, "r+b") as file:
            file.truncate(100)
        print("picture 3", flush=True)
        sys.stdin.readline()
Image.Image.save = save
os.chdir(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""


def started(words: list[str], before: object = hears_ctrl_c, **environment: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, *words],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=before,  # type: ignore[arg-type]
        start_new_session=True,
    )


def wait_for(process: subprocess.Popen[str], word: str, stream: str = "stdout") -> None:
    """Reads on until a word has come."""
    pipe = getattr(process, stream)
    told = b""
    while word.encode() not in told:
        some = os.read(pipe.fileno(), 1 << 16)
        assert some, told.decode()
        told += some


@pytest.mark.parametrize(("name", "code"), ENDS)
def test_further_signals_do_not_disturb_the_cleaning(name: str, code: int) -> None:
    process = started(["-c", CLEANING])
    wait_for(process, "working")
    process.send_signal(getattr(signal, name))
    wait_for(process, "cleaning")
    for other, _ in ENDS:
        process.send_signal(getattr(signal, other))
    said, complaints = process.communicate("\n", timeout=HANGS)
    assert said.split() == ["clean", str(code)] and not complaints and process.returncode == 0


def test_where_a_library_swallows_one_the_next_one_counts() -> None:
    process = started(["-c", SWALLOWING])
    for _ in range(2):
        wait_for(process, "working")
        process.send_signal(signal.SIGTERM)
    said, complaints = process.communicate(timeout=HANGS)
    assert said.split() == ["done"] and not complaints


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_is_ignored_stays_ignored(name: str) -> None:
    """As nohup does with SIGHUP, and a shell with Ctrl-C for what runs in its background."""
    process = started(["-c", SWALLOWING], lambda: signal.signal(getattr(signal, name), signal.SIG_IGN))
    wait_for(process, "working")
    process.send_signal(getattr(signal, name))
    said, complaints = process.communicate("\n\n", timeout=HANGS)
    assert said.split() == ["working", "done"] and not complaints


@pytest.mark.parametrize(("name", "code"), ENDS)
def test_code_in_strings_does_not_change_the_exit_code(tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "in_a_string.py").write_text(IN_A_STRING)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = started(["-m", "in_a_string"], PYTHONPATH=path)
    wait_for(process, "working")
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=HANGS)
    assert process.returncode == code


@pytest.mark.skipif(find_spec("torch") is None, reason="a command that needs torch ends before its import where it is not installed")
@pytest.mark.parametrize(("name", "code"), ENDS)
def test_while_torch_is_imported(tmp_path: Path, name: str, code: int) -> None:
    """Libraries turn what comes while they are imported into failures of their own."""
    (tmp_path / "fake" / "torch").mkdir(parents=True)
    (tmp_path / "fake" / "torch" / "__init__.py").write_text(TORCH)
    (tmp_path / "weights").mkdir()
    path = os.pathsep.join([str(tmp_path / "fake"), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = started(["-m", "animato", "convert", str(tmp_path / "weights"), "-o", str(tmp_path / "out")], PYTHONPATH=path)
    wait_for(process, "torch begins")
    process.send_signal(getattr(signal, name))
    _, complaints = process.communicate(timeout=HANGS)
    assert process.returncode == code and complaints == "error: Stopped; nothing was written.\n"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["fake", "weights"]


@pytest.mark.parametrize(("name", "code"), ENDS)
def test_while_pictures_are_written(material: Material, tmp_path: Path, name: str, code: int) -> None:
    """Each picture that stays is whole, and the message counts exactly what is there; somebody's own .partial stays."""
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "letter.txt").write_text("dear")
    words = ["animate", str(material.character), "dance", "--size", "128x192", "--quality", "fast", "-o", "out"]
    process = started(["-c", RUN, str(tmp_path), *words])
    wait_for(process, "picture 3")
    for _ in range(3):
        process.send_signal(getattr(signal, name))
    _, complaints = process.communicate("\n" * 1000, timeout=HANGS)
    assert process.returncode == code
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out.partial", "out.partial-2"]
    assert [entry.name for entry in (tmp_path / "out.partial").iterdir()] == ["letter.txt"]
    left = open_clip(tmp_path / "out.partial-2")
    assert left.length == len(list(left)) == len(list((tmp_path / "out.partial-2").iterdir()))
    told = "1 frame that was finished is" if left.length == 1 else f"{left.length} frames that were finished are"
    assert f"error: Stopped: the {told} in out.partial-2 (out.partial was there already).\n" in complaints
