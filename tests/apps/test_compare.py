"""`animato compare`: the grid, the table, the same from Python, and what it leaves when it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

import animato
from animato.apps.cli import main
from animato.core.media import Clip, open_clip, write_clip
from animato.evaluation.frames import psnr
from animato.pose.io import load_poses, save_poses
from extras import diffusion
from material import Material
from waiting import HANGS, hears_ctrl_c

BOTH = ("puppet", "animate-anyone")


@pytest.fixture(scope="module")
def spoken(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The video with a second of sound."""
    path = tmp_path_factory.mktemp("spoken") / "spoken.mp4"
    clip = open_clip(material.video)
    return write_clip(Clip(clip.open, clip.size, clip.fps, clip.length, material / "sound.mp4"), path)


@diffusion
def test_grid_and_table_of_two_systems(material: Material, spoken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, table = tmp_path / "grid.mp4", tmp_path / "table.json"
    truth = animato.animate(material.character, spoken, system="puppet", size=(128, 192))
    write_clip(truth, tmp_path / "truth")
    words = ["compare", str(material.character), str(spoken), "--systems", ",".join(BOTH), "-o", str(out), "--size", "128x192"]
    assert main([*words, "--json", str(table), "--truth", str(tmp_path / "truth")]) == 0

    grid = open_clip(out)
    assert grid.length == 4 and grid.size[0] > 3 * 128 and grid.sound == out
    with av.open(str(out)) as container:
        assert len(container.streams.audio) == 1
    measured = json.loads(table.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert measured["frames"] == 4 and measured["size"] == [128, 192]
    puppet, network = measured["systems"]
    assert (puppet["system"], network["system"]) == BOTH
    assert puppet["psnr"] is None and puppet["ssim"] == pytest.approx(1)  # it is the truth: its PSNR is infinite
    assert 10 < network["psnr"] < 40 and network["ssim"] < 0.99 and network["notes"]
    for row in (puppet, network):
        assert row["memory"] > 50 << 20 and row["seconds"] > 0 and row["cpu"] > 0
        assert 0 <= row["background"] < 20 and 0 <= row["flicker"] < 50 and 0 <= row["pck"] <= 1
    printed = capsys.readouterr()
    assert (
        "4 frames of 128x192" in printed.out and "memory MiB" in printed.out and "note: animate-anyone: This is the preview" in printed.err
    )


def test_from_python_the_first_cells_are_the_inputs(material: Material, tmp_path: Path) -> None:
    prepared = animato.prepare(material.character, material.motion, size=(128, 192), frames=3)
    told: list[str] = []
    comparison = animato.compare(prepared, ["puppet"], tmp_path / "grid", progress=lambda stage, done, total: told.append(stage))
    first = next(iter(open_clip(tmp_path / "grid")))
    assert psnr(first[28:220, :128], prepared.scene.picture) > 50
    assert comparison.frames == 3 and np.isnan(comparison.rows[0].values["psnr"]) and comparison.rows[0].report.memory
    assert "puppet  " in comparison.table().text() and {"puppet: take apart", "puppet: frames", "puppet: measure", "write"} <= set(told)


@pytest.mark.skipif(sys.platform == "win32", reason="a single process cannot be sent Ctrl-C there")
@pytest.mark.parametrize(("end", "name", "code"), [(os.killpg, "SIGINT", 130), (os.kill, "SIGTERM", 143)])
def test_stopped_it_leaves_the_older_result(
    material: Material, out: Path, tmp_path_factory: pytest.TempPathFactory, end: Callable[[int, int], None], name: str, code: int
) -> None:
    """Stopped while a system works: the whole group of processes, as by a terminal, or the first alone. The work cannot end before."""
    poses = load_poses(material.motion)
    long = replace(poses, points=np.tile(poses.points, (2000, 1, 1, 1)), score=np.tile(poses.score, (2000, 1, 1)))
    motion = tmp_path_factory.mktemp("long") / "long.npz"
    save_poses(long, motion)
    words = [sys.executable, "-m", "animato", "compare", str(material.character), str(motion), "--systems", "puppet"]
    waiting = tmp_path_factory.mktemp("temporary")
    environment = {**os.environ, "FORCE_COLOR": "1", "TMPDIR": str(waiting)}  # the progress of a terminal
    process = subprocess.Popen(
        [*words, "-o", str(out), "--json", str(out.with_suffix(".json"))],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    )
    try:
        assert process.stderr is not None
        told = b""
        while b"puppet:" not in told:  # the system's own process reports
            some = os.read(process.stderr.fileno(), 1 << 16)
            assert some, told.decode()
            told += some
        end(process.pid, getattr(signal, name))
        printed = process.communicate(timeout=HANGS)[1].decode()
    finally:
        process.kill()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nobody of them is left
    assert list(waiting.iterdir()) == []
    assert process.returncode == code and "Stopped; nothing was written." in printed and "Traceback" not in printed
    assert out.read_bytes() == b"an older result" and [path.name for path in out.parent.iterdir()] == ["result.mp4"]
