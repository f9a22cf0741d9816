"""`torchrun ... -m animato animate`: the clip of a single process, and who speaks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from animato.apps.cli import main
from animato.core.media import open_clip
from extras import diffusion
from material import Material


def torchrun(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "animato", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)


@diffusion
@pytest.mark.skipif(sys.platform == "win32", reason="torchrun needs libuv there, which torch's wheels lack")
def test_two_processes_write_the_frames_of_one(material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["animate", str(material.character), str(material.motion), "--system", "animate-anyone", "--size", "128x192"]
    words += ["--set", "window=3,2", "-o"]
    done = torchrun(*words, str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    assert main([*words, str(tmp_path / "one")]) == 0
    one, two = (np.stack(list(open_clip(tmp_path / name))) for name in ("one", "two"))
    assert len(one) == 6 and np.abs(one.astype(int) - two).max() <= 1
    said = [text.replace("/one", "/two").splitlines()[1:] for text in (capsys.readouterr().out, done.stdout)]
    assert said[0] == said[1] and done.stderr.count("This is the preview model") == 1
