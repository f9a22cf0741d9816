"""animato doctor tries what it calls ready: a broken, crashing, half-built or wrong package is a line with what to do, not its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from animato.apps import trial
from animato.apps.doctor import carried
from animato.apps.trial import BASIS, FILES, PACKAGES, Failure, failures, models, written
from animato.core.errors import OutputError
from seen import needs_models
from waiting import HANGS

NO_X264 = """
import av
from av.codec.codec import UnknownCodecError

real = av.open


def without_x264(file, mode="r", *rest, **options):
    if mode == "w" and options.get("format") == "mp4":
        raise UnknownCodecError("libx264")
    return real(file, mode, *rest, **options)


av.open = without_x264
"""


def doctor(first: Path) -> subprocess.CompletedProcess[str]:
    """As on a machine where a folder comes before all packages, and no pose models are."""
    path = os.pathsep.join([str(first), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "ANIMATO_CACHE": str(first / "cache")}
    command = [sys.executable, "-m", "animato", "doctor"]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=HANGS)


def package(folder: Path, name: str, code: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)


def version(folder: Path, name: str, number: str, *lines: str) -> None:
    info = folder / f"{name}-{number}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {number}", *lines, "", ""]))


def found(monkeypatch: pytest.MonkeyPatch, first: Path, trials: tuple[trial.Trial, ...]) -> list[tuple[str, str]]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(first), *sys.path]))
    return [(one.trial.name, one.reason) for one in failures(trials)]


def test_a_broken_package_is_named_with_what_to_do(tmp_path: Path) -> None:
    package(tmp_path, "av", 'raise ImportError("libva.so.2: cannot open shared object file")')
    done = doctor(tmp_path)
    assert done.returncode == 1 and not done.stderr, done.stderr
    assert "  av fails: ImportError: libva.so.2: cannot open shared object file\n" in done.stdout
    assert "Not ready.\n" in done.stdout and "Run: pip install --force-reinstall --only-binary :all: av\n" in done.stdout
    assert "mp4 (H.264) fails" not in done.stdout and "Machine:" in done.stdout and "Ready:" not in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="processes end by no signal there")
def test_a_crash_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "PIL", "")
    (tmp_path / "PIL" / "Image.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)")
    assert found(monkeypatch, tmp_path, (*PACKAGES, *FILES)) == [("PIL", f"it crashes ({signal.strsignal(signal.SIGILL)})")]


def test_a_build_without_h264_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_X264)
    [(name, reason)] = found(monkeypatch, tmp_path, FILES)
    assert name == "mp4 (H.264)" and "libx264" in reason


def test_what_needs_a_failed_one_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "numpy", 'raise ImportError("numpy was built for another Python")')
    assert [name for name, _ in found(monkeypatch, tmp_path, (*PACKAGES, *FILES))] == ["numpy"]


def test_frames_that_come_back_different_are_a_failure() -> None:
    with pytest.raises(OutputError, match="differ by"):
        written(".gif", 0)()
    written("", 0)()


@needs_models
def test_a_model_that_is_no_model_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from animato.pose.estimator.models import FACE, HAND_REGION, pose_folder

    (tmp_path / "pose").mkdir()
    (tmp_path / "pose" / FACE.name).write_bytes((pose_folder() / FACE.name).read_bytes())
    (tmp_path / "pose" / HAND_REGION.name).write_bytes(b"TFL3")
    monkeypatch.setenv("ANIMATO_CACHE", str(tmp_path))
    [(name, reason)] = found(monkeypatch, tmp_path, models([HAND_REGION.name, FACE.name]))
    assert name == HAND_REGION.name and "is damaged" in reason


def test_versions_outside_the_bounds_are_named(tmp_path: Path) -> None:
    version(tmp_path, "animato", "0.1.0", "Requires-Dist: pillow<14,>=12", "Requires-Dist: av<20,>=18")
    version(tmp_path, "pillow", "11.3.0")
    version(tmp_path, "av", "99.0.0")
    done = doctor(tmp_path)
    assert "11.3.0 is too old: animato was made for <14,>=12\n" in done.stdout
    assert "99.0.0 is too new: animato was made for <20,>=18\n" in done.stdout
    steps = done.stdout.split("Not ready.")[1]
    assert done.returncode == 1 and 'Run: pip install --upgrade "pillow<14,>=12"\n' in steps and "av<20" not in steps


def test_a_windowed_opencv_without_libgl_has_its_own_advice() -> None:
    from animato.apps.doctor import _step

    opencv = next(one for one in PACKAGES if one.name == "cv2")
    assert "pip uninstall -y opencv-python" in _step(Failure(opencv, "ImportError: libGL.so.1: cannot open shared object file"))
    assert "another processor" in _step(Failure(opencv, "it crashes (Illegal instruction)", crashed=True))


def test_licences_are_read_off_the_files_that_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version(tmp_path, "av", "18.1.0")
    (tmp_path / "av-18.1.0.dist-info" / "RECORD").write_text("av.libs/libx264-d6533a8d.so.165,,\n")
    (tmp_path / "av.libs").mkdir()
    (tmp_path / "av.libs" / "libx264-d6533a8d.so.165").touch()  # from Python 3.12 on, files that are not there are left out
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "Licences: av as installed here brings libx264 (GPL-2.0-or-later); see" in "\n".join(carried())


def test_every_need_is_a_trial() -> None:
    names = {one.name for one in PACKAGES}
    assert set(BASIS) <= names and all(set(one.needs) <= names for one in (*PACKAGES, *FILES, *models(["x"])))
