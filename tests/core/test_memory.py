"""Clips stream: a long one needs no more memory than a short one."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "media.py"


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in other units elsewhere")
def test_memory_does_not_grow_with_the_length():
    """Ten times the frames, written with sound, read and written again; kept in memory they would take 30 MiB more."""
    command = [sys.executable, str(BENCHMARK), "--size", "96x128", "--frames", "100", "1000", "--kinds", "mp4", "folder"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
