"""The model files of the embedded pose estimator: what they are, where they are kept, and how they are fetched once.

They travel inside a published wheel of MediaPipe (Apache-2.0), which is downloaded, opened and thrown away; it is never installed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from animato.core.archive import find_member, open_archive, unpack
from animato.core.cache import cache_folder
from animato.core.errors import InputError, MissingModelError, OutputError
from animato.core.output import put_in_place, temporary_beside
from animato.core.progress import Progress, silent
from animato.core.reading import read_bytes

WHEEL = "mediapipe==0.10.21"
WHEEL_BYTES = 35_622_638
LICENCE = "Apache-2.0"
PIP_OPTIONS = ("--no-deps", "--only-binary=:all:", "--platform", "manylinux_2_28_x86_64", "--python-version", "3.11")
PIP_SECONDS = 600


@dataclass(frozen=True)
class ModelFile:
    """One model file: its path in the wheel, its length and its sha256. It is kept under the last part of the path."""

    member: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return PurePosixPath(self.member).name


DETECTOR = ModelFile(
    "mediapipe/modules/pose_detection/pose_detection.tflite",
    2_959_046,
    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
)
LANDMARKS = ModelFile(
    "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
    6_440_512,
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
)
HAND_REGION = ModelFile(
    "mediapipe/modules/holistic_landmark/hand_recrop.tflite",
    123_792,
    "67d996ce96f9d36fe17d2693022c6da93168026ab2f028f9e2365398d8ac7d5d",
)
HAND = ModelFile(
    "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
    5_478_917,
    "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
)
FACE = ModelFile(
    "mediapipe/modules/face_landmark/face_landmark.tflite",
    1_242_398,
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
)
POSE_MODELS = (DETECTOR, LANDMARKS, HAND_REGION, HAND, FACE)


def pose_folder() -> Path:
    """The folder of the pose models inside the cache."""
    return cache_folder() / "pose"


def matches(path: Path, model: ModelFile) -> bool:
    """Whether a file is there, can be read and is, byte for byte, the model that it should be."""
    try:
        content = read_bytes(path, model.size)
    except InputError:
        return False
    return len(content) == model.size and hashlib.sha256(content).hexdigest() == model.sha256


def missing_pose_models(folder: Path | None = None) -> list[str]:
    """Names of the pose models that are absent from the folder (default: the cache) or are damaged."""
    folder = folder or pose_folder()
    return [model.name for model in POSE_MODELS if not matches(folder / model.name, model)]


def find_model(model: ModelFile, folder: Path | None = None) -> Path:
    """Path of a model file, checked. Raises MissingModelError when it is absent or damaged."""
    path = (folder or pose_folder()) / model.name
    if matches(path, model):
        return path
    state = "is damaged or of another version" if path.exists() else "is not on this machine"
    raise MissingModelError(f"The pose model {path} {state}. Run `animato fetch pose` once.")


def fetch_notice() -> str:
    """What a fetch will download, for telling the user beforehand."""
    kept = sum(model.size for model in POSE_MODELS)
    return (
        f"Pose models: {len(POSE_MODELS)} files, {kept / 1e6:.0f} MB kept in {pose_folder()}, taken from the wheel {WHEEL} "
        f"({WHEEL_BYTES / 1e6:.0f} MB, licence {LICENCE}), which is deleted afterwards."
    )


def fetch_pose_models(wheel: Path | None = None, folder: Path | None = None, progress: Progress = silent) -> Path:
    """Put the pose models into the folder (default: the cache) unless they are there, and return it.

    wheel   a local copy of the wheel, for machines without a network
    Raises MissingModelError when they cannot be had, InputError for another wheel, OutputError when the folder cannot be written.
    """
    folder = folder or pose_folder()
    if missing_pose_models(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with temporary_beside(folder / "models") as scratch:
                scratch.mkdir()
                _store(_models_in(wheel or _download(scratch, progress)), scratch, folder)
        except OSError as error:
            raise OutputError(f"The pose models cannot be kept in {folder}: {error}. Choose another folder with ANIMATO_CACHE.") from error
    progress("pose models", len(POSE_MODELS), len(POSE_MODELS))
    return folder


def _download(into: Path, progress: Progress) -> Path:
    """The wheel, fetched by the pip of this Python. Raises MissingModelError with pip's own last words."""
    if os.environ.get("ANIMATO_OFFLINE", "0") not in ("", "0"):
        raise MissingModelError(
            f"The pose models are not on this machine and ANIMATO_OFFLINE is set. Unset it, or use a local {WHEEL} wheel."
        )
    progress(f"downloading {WHEEL}", 0, 0)
    command = [sys.executable, "-m", "pip", "download", *PIP_OPTIONS, "--disable-pip-version-check", "--quiet", "--dest", str(into), WHEEL]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _download_failed(str(error)) from error
    found = sorted(into.glob("*.whl"))
    if done.returncode or not found:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise _download_failed(lines[-1] if lines else "it said nothing")
    return found[0]


def _download_failed(why: str) -> MissingModelError:
    return MissingModelError(
        f"pip could not download {WHEEL}: {why.rstrip('.')}. Check the network and pip, then run `animato fetch pose`."
    )


def _models_in(wheel: Path) -> dict[str, bytes]:
    """Name -> bytes of the model files in the wheel, checked. Raises InputError when the wheel is another file."""
    with open_archive(wheel, f"wheel of {WHEEL}") as archive:
        found = {model: _unpacked(archive, model, wheel) for model in POSE_MODELS}
    for model, data in found.items():
        if hashlib.sha256(data).hexdigest() != model.sha256:
            raise _not_expected(model, wheel)
    return {model.name: data for model, data in found.items()}


def _unpacked(archive: zipfile.ZipFile, model: ModelFile, wheel: Path) -> bytes:
    """As many bytes of one model as it should have; whether they are the right ones is not yet known."""
    info = find_member(archive, model.member, wheel)
    if info is None:
        raise InputError(f"{wheel} is no wheel of {WHEEL}: {model.name} is not in it. Download it again.")
    if info.file_size != model.size:
        raise _not_expected(model, wheel)
    return unpack(archive, info, wheel, model.size)


def _not_expected(model: ModelFile, wheel: Path) -> InputError:
    return InputError(f"{model.name} in {wheel} is not the expected file (its sha256 differs). Use the wheel {WHEEL}.")


def _store(files: dict[str, bytes], scratch: Path, folder: Path) -> None:
    """Write the files beside their place first, so that no half-written one is ever found there."""
    for name, data in files.items():
        (scratch / name).write_bytes(data)
        put_in_place(scratch / name, folder / name)
