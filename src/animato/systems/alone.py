"""One system in a process of its own, where its time and its memory can be measured apart from everything else's.

`python -m animato.systems.alone SYSTEM SCENE RESULT` performs the scene of one folder into another. It reports its progress on its standard
output, one JSON list [stage, done, total] a line; the last line is an object, a report or an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil

from animato.core.errors import AnimatoError, InputError, MissingModelError, OutputError
from animato.core.media import Clip, open_clip, write_clip
from animato.core.picture import read_picture, write_picture
from animato.core.progress import Progress, silent
from animato.pose.io import load_poses, save_poses
from animato.systems.load import load
from animato.systems.scene import Scene

PICTURE, REFERENCE, MOTION, OPACITY, BACKGROUND = "picture.png", "reference.npz", "motion.npz", "opacity.png", "background.png"
KEPT = "kept.txt"  # names the folder in which what was found out about the picture is kept
_KINDS = {kind.__name__: kind for kind in (InputError, MissingModelError, OutputError)}


@dataclass(frozen=True)
class Report:
    """What a system needed, and what it says.

    load          s, from the name to a system that is ready: imports and weights
    seconds       s by the clock from there to the last finished frame; writing the frames is not counted
    cpu           s that the process computed meanwhile, on all cores together
    memory        bytes, the most that the whole process had resident at once, with interpreter and libraries
    device        bytes, the most that torch had allocated on a CUDA device; 0 without one
    fps           frames per second, as a fraction
    notes         sentences for the user
    """

    load: float
    seconds: float
    cpu: float
    memory: int
    device: int
    fps: str
    notes: list[str] = field(default_factory=list)


def hand_over(scene: Scene, folder: Path) -> None:
    """Writes what a system is given, without loss, for `perform_alone`. Raises InputError for a signal other than poses."""
    motion = scene.poses()
    write_picture(scene.picture, folder / PICTURE)
    save_poses(scene.reference, folder / REFERENCE)
    save_poses(motion, folder / MOTION)
    if scene.opacity is not None:
        write_picture(np.repeat(scene.opacity[..., None], 3, axis=2), folder / OPACITY)
    if scene.background is not None:
        write_picture(scene.background, folder / BACKGROUND)
    if scene.kept is not None:
        (folder / KEPT).write_text(str(scene.kept.absolute()), encoding="utf-8")


def perform_alone(system: str, scene: Path, result: Path, progress: Progress = silent) -> tuple[Clip, Report]:
    """The scene of a folder performed by the system of a name; its frames lie in the folder `result`, losslessly, and last as long.

    Raises what the system raises, its name put before the message, and InputError where the process was ended from outside.
    """
    words = [sys.executable, "-m", __name__, system, str(scene), str(result)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            last = _listened(process.stdout, progress)
        except BaseException:
            process.terminate()
            raise
    if "error" in last:
        raise _KINDS.get(last["kind"], AnimatoError)(f"{system}: {last['error']}")
    if not last:
        raise InputError(f"The process of {system} ended early (code {process.returncode}); if it says nothing, memory ran out.")
    report = Report(**last)
    return open_clip(result, fps=Fraction(report.fps)), report


def _listened(lines: IO[str], progress: Progress) -> dict[str, Any]:
    """Passes progress on; returns the object at the end, or an empty one if there was none."""
    last: dict[str, Any] = {}
    for line in lines:
        event = json.loads(line)
        if isinstance(event, dict):
            last = event
        else:
            progress(*event)
    return last


class _Watch:
    """Counts the time spent in what it watches."""

    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        seconds = time.perf_counter()
        cpu = time.process_time()
        yield
        self.seconds += time.perf_counter() - seconds
        self.cpu += time.process_time() - cpu

    def over(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        while True:
            with self.running():
                frame = next(frames, None)
            if frame is None:
                return
            yield frame


def _perform(system: str, scene: Path, result: Path, progress: Progress) -> Report:
    opacity = read_picture(scene / OPACITY)[..., 0] if (scene / OPACITY).exists() else None
    behind = read_picture(scene / BACKGROUND) if (scene / BACKGROUND).exists() else None
    poses = load_poses(scene / REFERENCE), load_poses(scene / MOTION)
    kept = Path((scene / KEPT).read_text(encoding="utf-8")) if (scene / KEPT).exists() else None
    given = Scene(read_picture(scene / PICTURE), *poses, opacity=opacity, background=behind, kept=kept)
    loading, working = _Watch(), _Watch()
    with loading.running():
        animator = load(system)
    with working.running():
        performance = animator.perform(given, progress)
    clip = performance.clip
    write_clip(replace(clip, open=lambda: working.over(iter(clip))), result, lambda _, *counts: progress("frames", *counts))
    return Report(loading.seconds, working.seconds, working.cpu, peak_memory(), _peak_on_device(), str(clip.fps), performance.notes)


def peak_memory() -> int:
    """Bytes, the most that this process had resident since it began; where the system keeps no such mark, what is resident now.

    Linux's getrusage would not do: it begins with what the parent process held.
    """
    status = Path("/proc/self/status")
    marks = [line.split() for line in status.read_text().splitlines() if line.startswith("VmHWM:")] if status.is_file() else []
    if marks:
        return int(marks[0][1]) * 1024
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = psutil.Process().memory_info()
    return getattr(memory, "peak_wset", memory.rss)


def _peak_on_device() -> int:
    if "torch" not in sys.modules:
        return 0
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0


def main(words: list[str]) -> int:
    """The process's own side. What others print goes to the error stream, so that it cannot get between the lines."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(what: object) -> None:
        print(json.dumps(what), file=events)

    try:
        say(asdict(_perform(words[0], Path(words[1]), Path(words[2]), lambda *where: say(where))))
    except AnimatoError as error:
        say({"error": str(error), "kind": type(error).__name__})
        return error.exit_code
    except MemoryError:
        say({"error": "The memory is not enough: ask for a smaller size or fewer frames.", "kind": InputError.__name__})
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
