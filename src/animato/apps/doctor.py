"""animato doctor: what is installed, which models are there, and what this machine has, each with what to do where something is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from animato import __version__
from animato.apps import trial
from animato.apps.console import say
from animato.apps.trial import Failure
from animato.apps.weights import beside, found
from animato.core.packages import DIFFUSION, missing
from animato.core.versions import number, split, within
from animato.pose.estimator.models import POSE_MODELS, missing_pose_models, pose_folder
from animato.sampling.settings import Settings
from animato.systems.known import KNOWN

NEEDED = ("numpy", "opencv-python-headless", "pillow", "av", "ai-edge-litert")
SAMPLING = 'the diffusion systems: pip install "animato[diffusion]"'
OPTIONAL = {
    "onnxruntime": 'DWPose, the high-quality pose estimator: pip install "animato[dwpose]"',
    "torch": SAMPLING,
    "diffusers": SAMPLING,
    "transformers": SAMPLING,
    "accelerate": SAMPLING,
    "gradio": 'the web page: pip install "animato[web]"',
    "tensorboard": 'training: pip install "animato[train]"',
}
LITTLE = 2**30  # bytes, of memory and of disk: a long video may need more
CARRIED = {"x264": "libx264 (GPL-2.0-or-later)", "x265": "libx265 (GPL-2.0-or-later)", "avcodec": "FFmpeg (LGPL)"}


def examine() -> int:
    """Prints the report; 0 if the puppet can run on this machine, 1 if something it needs is missing or fails when it is tried."""
    say(f"animato {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    bounds = _bounds()
    steps = [step for name in NEEDED for step in _needed(name, bounds.get(name, []))]
    for name, what in OPTIONAL.items():
        _optional(name, what, bounds.get(name, []))
    absent = _models()
    failed = _tried(absent)
    steps += [_step(one) for one in failed if not one.trial.optional]
    for line in (*found(), *beside()):
        say(line)
    _machine()
    _rest({one.trial.name for one in failed})
    for line in carried():
        say(line)
    steps += ["Run: animato fetch pose"] if absent else []
    if steps:
        say("\n".join(["Not ready.", *dict.fromkeys(steps)]))
        return 1
    say("Ready: animato animate PICTURE DRIVING -o result.mp4")
    return 0


def _bounds() -> dict[str, list[str]]:
    """The versions that this animato was made for, by package."""
    try:
        lines = importlib.metadata.requires("animato") or []
    except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
        return {}
    return dict(map(split, (line for line in lines if "[" not in line)))


def _needed(name: str, bounds: list[str]) -> Iterator[str]:
    """Says what is there of a package; what to do, if it is missing or too old."""
    version = _version(name)
    if version is None:
        say(f"  {name:<26} missing")
    else:
        say(f"  {name:<26} {version}{_outside(version, bounds)}")
    if version is None or too_old(version, bounds):
        yield f'Run: pip install --upgrade "{name}{",".join(bounds)}"'


def _optional(name: str, what: str, bounds: list[str]) -> None:
    version = _version(name)
    say(f"  {name:<26} " + (f"not installed (optional: {what})" if version is None else f"{version}{_outside(version, bounds)}"))


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def too_old(version: str, bounds: list[str]) -> bool:
    return not within(version, [bound for bound in bounds if bound.startswith(">")])


def _outside(version: str, bounds: list[str]) -> str:
    """What to say of a version that nobody has tried with this animato."""
    if not number(version) or within(version, bounds):
        return ""
    return f" is too {'old' if too_old(version, bounds) else 'new'}: animato was made for {','.join(bounds)}"


def _tried(absent: list[str]) -> list[Failure]:
    """What fails of all that can be tried here, each in a line; the pose models that are there are run once."""
    here = [model.name for model in POSE_MODELS if model.name not in absent]
    trials = (*trial.PACKAGES, *trial.FILES, *trial.models(here), *([] if _version("torch") is None else [trial.TORCH]))
    failed = list(trial.failures(trials))
    say(
        "Tried: "
        + ("some of it fails" if failed else f"all packages start, mp4, gif, webp and png are written and read, {len(here)} models run")
    )
    for one in failed:
        say(f"  {one.trial.name} fails: {one.reason}")
    return failed


def _step(failure: Failure) -> str:
    """What to do about it."""
    if "libGL" in failure.reason:
        return "Run: pip uninstall -y opencv-python opencv-contrib-python; pip install --force-reinstall opencv-python-headless"
    if failure.crashed:
        return (
            f"{failure.trial.package} was built for another processor or system, or is damaged. Install it anew, or another version of it."
        )
    return f"Run: pip install --force-reinstall --only-binary :all: {failure.trial.package}"


def _models() -> list[str]:
    absent = missing_pose_models()
    state = "all found and intact" if not absent else f"missing or damaged: {', '.join(absent)}"
    say(f"Pose models ({len(POSE_MODELS)} files, {sum(model.size for model in POSE_MODELS) / 1e6:.0f} MB) in {pose_folder()}: {state}")
    return absent


def _machine() -> None:
    memory = psutil.virtual_memory().available
    free = shutil.disk_usage(Path.cwd()).free
    say(f"Machine: {os.cpu_count()} cores, {memory / 2**30:.1f} GiB of memory available, {free / 2**30:.1f} GiB of disk free here")
    for amount, what in ((memory, "memory: choose a smaller --size"), (free, "disk: long videos may not fit")):
        if amount < LITTLE:
            say(f"  that is little {what}")


def _rest(failed: set[str]) -> None:
    """Devices, systems and what is shipped, so far as what they need can be imported."""
    if trial.TORCH.name not in failed:
        for line in (*devices(), *systems()):
            say(line)
    if not failed & set(trial.BASIS):
        from animato.people.shipped import characters, motions

        say(f"Shipped: characters {', '.join(characters())}; motions {', '.join(motions())}")


def carried() -> Iterator[str]:
    """A line for each needed package whose wheel brings libraries under licences that ask something of whoever hands them on."""
    for name in NEEDED:
        try:
            files = [file.name for file in importlib.metadata.files(name) or []]
        except importlib.metadata.PackageNotFoundError:
            continue
        if brought := [licence for part, licence in CARRIED.items() if any(part in file for file in files)]:
            yield f"Licences: {name} as installed here brings {', '.join(brought)}; see docs/security.md before you hand it on"


def devices() -> Iterator[str]:
    """A line for each device that networks could run on; torch is asked, if it is there."""
    yield f"Device: cpu ({platform.processor() or platform.machine()}, {os.cpu_count()} cores)"
    if missing(DIFFUSION[:1]):
        return
    import torch

    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        yield f"Device: cuda:{index} ({torch.cuda.get_device_name(index)}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free)"
    if torch.backends.mps.is_available():
        yield f"Device: mps ({torch.mps.recommended_max_memory() / 2**30:.1f} GiB)"


def systems() -> Iterator[str]:
    """A line for each system: what it would take if it were asked for by name, and where it would run."""
    for one in KNOWN:
        if one.make:
            yield f"  {one.name:<26} ready, on the CPU"
        elif absent := missing():
            yield f"  {one.name:<26} cannot run: {', '.join(absent)} not installed"
        elif one.fetched:
            yield f"  {one.name:<26} official weights, on {best_device()}"
        else:
            yield f"  {one.name:<26} shipped preview model ({', '.join(one.previews)}), on the CPU"


def best_device() -> str:
    """Where networks run that nobody places, in words. Torch is asked."""
    import torch

    from animato.systems.memory import choose

    return str(choose(Settings(), torch.nn.Linear(1, 1))[0])
