"""A system in a process of its own: the same frames, what it costs, and how it fails."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from animato.api import perform, prepare
from animato.core.errors import InputError
from animato.systems.alone import MOTION, hand_over, peak_memory, perform_alone
from animato.systems.puppet import Puppet
from animato.systems.scene import Scene
from material import make_material


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    files = make_material(tmp_path_factory.mktemp("material"))
    return prepare(files.character, files.motion, size=(128, 192), frames=3).scene


def test_the_frames_are_those_of_the_system_here(scene: Scene, tmp_path: Path) -> None:
    hand_over(scene, tmp_path)
    told: list[tuple[str, int, int]] = []
    clip, report = perform_alone("puppet", tmp_path, tmp_path / "frames", lambda *where: told.append(where))
    here = perform(scene, Puppet("good"))
    assert np.array_equal(np.stack(list(clip)), np.stack(list(here.clip)))
    assert (clip.fps, clip.length, report.notes) == (here.clip.fps, 3, here.notes)
    assert told[-1] == ("frames", 3, 3) and ("take apart", 1, 1) in told
    assert 0 < report.cpu < 60 and report.cpu / 4 < report.seconds and 50 << 20 < report.memory < 2 << 30 and report.device == 0


def test_what_is_kept_of_a_rough_background_is_found_again_there(scene: Scene, tmp_path: Path) -> None:
    rough = np.random.default_rng(0).integers(0, 255, scene.picture.shape).astype(np.uint8)
    opacity = np.zeros(scene.picture.shape[:2], np.uint8)
    opacity[20:180, 40:90] = 255
    picture = np.where(opacity[..., None] > 0, scene.picture, rough)
    folder, kept = tmp_path / "scene", tmp_path / "kept"
    folder.mkdir()
    hand_over(replace(scene, picture=picture, opacity=opacity, background=None, kept=kept), folder)
    perform_alone("puppet", folder, tmp_path / "frames")
    assert list(kept.iterdir())


def test_what_goes_wrong_there_is_raised_here(scene: Scene, tmp_path: Path) -> None:
    hand_over(scene, tmp_path)
    with pytest.raises(InputError, match="nobody: There is no system 'nobody'"):
        perform_alone("nobody", tmp_path, tmp_path / "frames")
    (tmp_path / MOTION).write_text("no archive")
    with pytest.raises(InputError, match=f"puppet: .*{MOTION}"):
        perform_alone("puppet", tmp_path, tmp_path / "frames")


def test_a_process_that_is_ended_is_told_as_such(scene: Scene, tmp_path: Path) -> None:
    """Ended from outside while it works, as a system ends what takes too much memory."""
    hand_over(scene, tmp_path)

    def end(*_: object) -> None:
        for child in psutil.Process().children():
            if "animato.systems.alone" in child.cmdline():
                child.kill()

    with pytest.raises(InputError, match="puppet ended early"):
        perform_alone("puppet", tmp_path, tmp_path / "frames", end)


def test_the_peak_is_of_this_process_and_stays() -> None:
    """Memory that was held and given back counts; the parent's memory does not."""
    code = (
        "from animato.systems.alone import peak_memory; a = peak_memory(); b = bytearray(200 << 20); b[::4096] = b[::4096]; "
        "del b; print(a, peak_memory())"
    )
    ballast = np.ones(100 << 20, np.uint8)
    before, after = map(int, subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert after - before > 150 << 20 and before < peak_memory() and len(ballast)
