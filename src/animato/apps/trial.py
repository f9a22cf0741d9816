"""What `animato doctor` tries in a process of its own, which a library that crashes ends alone: python -m animato.apps.trial NAME ...

Each trial says its name before it begins, and ends the process where it fails. So the last name is the one that failed, however it failed.
"""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120  # a process that takes longer hangs; all trials together take two seconds
DONE = "done"


@dataclass(frozen=True)
class Trial:
    """One thing that is tried.

    name      what it is called in the report
    run       does it; whatever it raises is its failure
    needs     trials that must have gone well; otherwise this one says nothing new
    package   what to install anew if it fails
    optional  whether the puppet does without
    """

    name: str
    run: Callable[[], None]
    needs: tuple[str, ...]
    package: str
    optional: bool = False


@dataclass(frozen=True)
class Failure:
    """A trial that failed, and its reason in a few words."""

    trial: Trial
    reason: str
    crashed: bool = False


def imported(module: str) -> Callable[[], None]:
    def run() -> None:
        importlib.import_module(module)

    return run


def written(ending: str, most: float) -> Callable[[], None]:
    """Six frames are written, and read back; their mean error is `most` levels at most. An empty ending is a folder of pictures."""

    def run() -> None:
        import numpy as np

        from animato.core.errors import OutputError
        from animato.core.media import Clip, open_clip, write_clip

        y, x = np.mgrid[:48, :64]
        frames = [np.stack([x * 3 + shift * 8, y * 4, x * 0 + 90], axis=2).astype(np.uint8) for shift in range(6)]
        with tempfile.TemporaryDirectory() as folder:
            back = list(open_clip(write_clip(Clip.of(frames, 12), Path(folder) / f"trial{ending}")))
        if [frame.shape for frame in back] != [frame.shape for frame in frames]:
            raise OutputError(f"{len(frames)} frames of 64x48 were written, and {len(back)} of another kind were read.")
        error = float(np.abs(np.stack(back).astype(float) - np.stack(frames)).mean())
        if not error <= most:
            raise OutputError(f"The frames that are read are not those that were written: they differ by {error:.0f} levels.")

    return run


def performed(name: str) -> Callable[[], None]:
    """A pose model looks at a shipped picture once."""

    def run() -> None:
        import cv2
        import numpy as np

        from animato.core.errors import OutputError
        from animato.core.picture import read_picture
        from animato.people.shipped import ASSETS
        from animato.pose.estimator.models import POSE_MODELS, find_model
        from animato.pose.estimator.network import Network

        network = Network(find_model(next(model for model in POSE_MODELS if model.name == name)))
        picture = read_picture(ASSETS / "characters" / "mara.png")
        outputs = network(cv2.resize(picture, (network.size, network.size)))
        if not all(np.isfinite(output).all() for output in outputs):
            raise OutputError("It gives values that are no numbers.")

    return run


def _torch() -> None:
    import torch

    (torch.zeros(2, 2) @ torch.zeros(2, 2)).sum().item()


PACKAGES = (
    Trial("numpy", imported("numpy"), (), "numpy"),
    Trial("cv2", imported("cv2"), ("numpy",), "opencv-python-headless"),
    Trial("PIL", imported("PIL.Image"), (), "pillow"),
    Trial("av", imported("av"), (), "av"),
    Trial("ai_edge_litert", imported("ai_edge_litert.interpreter"), ("numpy",), "ai-edge-litert"),
)
BASIS = ("numpy", "cv2", "PIL", "av")
FILES = (
    Trial("mp4 (H.264)", written(".mp4", 6), BASIS, "av"),
    Trial("gif", written(".gif", 12), BASIS, "av"),
    Trial("webp", written(".webp", 8), BASIS, "av"),
    Trial("png", written("", 0), BASIS, "pillow"),
)
TORCH = Trial("torch", _torch, (), "torch", optional=True)


def models(names: list[str]) -> tuple[Trial, ...]:
    """A trial for each of these pose models."""
    return tuple(Trial(name, performed(name), (*BASIS, "ai_edge_litert"), "ai-edge-litert") for name in names)


def failures(trials: tuple[Trial, ...]) -> Iterator[Failure]:
    """Those that fail. All run in one process; after a failure the rest gets another. What needs a failed one is not tried."""
    left = list(trials)
    while left:
        done = _process([one.name for one in left])
        begun = [one for one in left if one.name in done.stdout.splitlines()]
        if DONE in done.stdout.splitlines():
            return
        failed = begun[-1] if begun else left[0]
        yield Failure(failed, _reason(done), done.returncode < 0)
        left = [one for one in left[left.index(failed) + 1 :] if failed.name not in one.needs]


def _process(names: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "animato.apps.trial", *names]
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        told = late.stdout or b""
        said = told.decode(errors="replace") if isinstance(told, bytes) else told
        return subprocess.CompletedProcess(command, 1, said, f"It did not end within {SECONDS} s.")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last words of a process: of its traceback, or the signal that ended it."""
    if done.returncode < 0:
        return f"it crashes ({signal.strsignal(-done.returncode) or f'signal {-done.returncode}'})"
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip() and not line.startswith(" ")]
    named = [line for line in lines if "Error: " in line] or lines
    return named[-1].removeprefix("animato.core.errors.OutputError: ") if named else f"it ends with code {done.returncode}"


def main(names: list[str]) -> None:
    from animato.pose.estimator.models import POSE_MODELS

    known = {one.name: one for one in (*PACKAGES, *FILES, TORCH, *models([model.name for model in POSE_MODELS]))}
    for name in names:
        print(name, flush=True)
        known[name].run()
    print(DONE)


if __name__ == "__main__":
    main(sys.argv[1:])
