"""Processes that are killed while they write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from waiting import HANGS

WRITER = """
import sys
from pathlib import Path
from animato.core.output import temporary_beside
with temporary_beside(Path(sys.argv[1])) as temporary:
    if sys.argv[2] == "folder":
        (temporary / "unet").mkdir(parents=True)
        (temporary / "unet" / "weights").write_bytes(bytes(5000))
    else:
        temporary.write_bytes(bytes(5000))
    print(temporary, flush=True)
    sys.stdin.read()
"""


def writer(target: Path, kind: str = "file") -> tuple[subprocess.Popen[str], Path]:
    """A process that is in the midst of writing, and what it writes."""
    words = [sys.executable, "-c", WRITER, str(target), kind]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def killed(target: Path, kind: str = "file") -> Path:
    """What a process left that was killed while it wrote."""
    process, left = writer(target, kind)
    process.kill()
    process.communicate(timeout=HANGS)
    assert left.exists()
    return left
