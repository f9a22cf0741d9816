"""animato doctor: what is installed, which models are there, and what this machine has, each with what to do where something is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from pathlib import Path

import psutil

from animato import __version__
from animato.apps.console import say
from animato.apps.weights import found
from animato.people.shipped import characters, motions
from animato.pose.estimator.models import POSE_MODELS, missing_pose_models, pose_folder

NEEDED = ("numpy", "opencv-python-headless", "pillow", "av", "ai-edge-litert")
OPTIONAL = {
    "onnxruntime": 'DWPose, the high-quality pose estimator: pip install "animato[dwpose]"',
    "torch": 'the diffusion systems: pip install "animato[diffusion]"',
}


def examine() -> int:
    """Prints the report; 0 if the puppet can run on this machine, 1 if something it needs is missing."""
    say(f"animato {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    missing = [name for name in NEEDED if not _package(name)]
    for name, what in OPTIONAL.items():
        if not _package(name):
            say(f"  {name:<26} not installed (optional: {what})")
    absent = _models()
    for line in found():
        say(line)
    _machine()
    say(f"Shipped: characters {', '.join(characters())}; motions {', '.join(motions())}")
    if missing or absent:
        say("Not ready. " + ("Run: pip install --upgrade --force-reinstall animato" if missing else "Run: animato fetch pose"))
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
    say("Device: CPU (the puppet uses no other)")
