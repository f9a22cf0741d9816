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
from animato.apps.console import say
from animato.apps.weights import beside, found
from animato.core.packages import DIFFUSION, missing
from animato.people.shipped import characters, motions
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


def examine() -> int:
    """Prints the report; 0 if the puppet can run on this machine, 1 if something it needs is missing."""
    say(f"animato {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    lacking = [name for name in NEEDED if not _package(name)]
    for name, what in OPTIONAL.items():
        if not _package(name):
            say(f"  {name:<26} not installed (optional: {what})")
    absent = _models()
    for line in (*found(), *beside()):
        say(line)
    _machine()
    for line in (*devices(), *systems()):
        say(line)
    say(f"Shipped: characters {', '.join(characters())}; motions {', '.join(motions())}")
    if lacking or absent:
        say("Not ready. " + ("Run: pip install --upgrade --force-reinstall animato" if lacking else "Run: animato fetch pose"))
        return 1
    say("Ready: animato animate PICTURE DRIVING -o result.mp4")
    return 0


def _package(name: str) -> bool:
    try:
        say(f"  {name:<26} {importlib.metadata.version(name)}")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _models() -> list[str]:
    absent = missing_pose_models()
    state = "all found and intact" if not absent else f"missing or damaged: {', '.join(absent)}"
    say(f"Pose models ({len(POSE_MODELS)} files, {sum(model.size for model in POSE_MODELS) / 1e6:.0f} MB) in {pose_folder()}: {state}")
    return absent


def _machine() -> None:
    memory = psutil.virtual_memory().available
    free = shutil.disk_usage(Path.cwd()).free
    say(f"Machine: {os.cpu_count()} cores, {memory / 2**30:.1f} GiB of memory available, {free / 2**30:.1f} GiB of disk free here")


def devices() -> Iterator[str]:
    """A line for each device that networks could run on; torch is asked, if it is there."""
    yield f"Device: cpu ({platform.processor() or platform.machine()}, {os.cpu_count()} cores)"
    if missing(DIFFUSION[:1]):
        return
    import torch

    for number in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(number)
        yield f"Device: cuda:{number} ({torch.cuda.get_device_name(number)}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free)"
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
