"""The project's own form of weights: a folder with one subfolder for each network, as `save_pretrained` writes it, and animato.json.

animato.json says which system it is, where the values come from and which version wrote it. Nothing is renamed, all is safetensors.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError
from torch import Tensor

from animato.core.errors import MissingModelError, OutputError
from animato.core.output import check_target, explained, put_in_place, temporary_beside
from animato.core.shapes import Size
from animato.sampling.schedule import NoiseSchedule
from animato.weights.about import FORMAT, OWN, About, about, is_own, shown
from animato.weights.blank import Waiting, configured, wanted
from animato.weights.configs import FIELDS, taken
from animato.weights.files import find_weights, in_words
from animato.weights.keymap import IDENTITY, translate
from animato.weights.numbers import is_finite
from animato.weights.read import read_state


class Saved(Protocol):
    """A network of diffusers' or transformers' making."""

    def save_pretrained(self, save_directory: Path, *, safe_serialization: bool) -> Any: ...

    def state_dict(self) -> Mapping[str, Tensor]: ...


def open_own(folder: Path, system: str, classes: Mapping[str, type[Any]]) -> dict[str, Waiting]:
    """The networks of a folder of the project's form, checked and not yet read. `classes`: name of a network -> its class.

    Raises MissingModelError.
    """
    found = about(folder).system
    if found != system:
        raise MissingModelError(f"{folder} holds weights of {found}, not of {system}. Use --system {found}, or other weights.")
    missing = [name for name in classes if not (folder / name).is_dir()]
    if missing:
        raise MissingModelError(f"{folder} lacks {', '.join(missing)}: it is not complete, a preview model, or for training to go on from.")
    return {name: open_network(folder / name, kind) for name, kind in classes.items()}


def open_network(folder: Path, kind: type[Any]) -> Waiting:
    """One network's folder (config.json and a weight file), every key and shape checked, not yet read. Raises MissingModelError."""
    path = find_weights(folder)
    if path is None:
        raise MissingModelError(f"{folder} has no weight file: the folder above it is not complete. Convert or fetch it again.")
    network = configured(folder, kind)
    return Waiting(network, translate(read_state(path), wanted(network), IDENTITY, f"{path} does not fit its config.json"), path)


def check_folder(folder: Path, names: Iterable[str], size: int) -> Path:
    """The folder to write `size` bytes of networks into: new, empty, or of the same form, to be replaced. Raises OutputError."""
    pattern = re.compile("|".join(map(re.escape, (OWN, *names))))
    target = check_target(f"{folder}/", (), pattern)
    free = shutil.disk_usage(next(parent for parent in target.absolute().parents if parent.exists())).free
    if free < size:
        raise OutputError(f"{folder} needs {in_words(size)}, and {in_words(free)} are free on its disk: free some, or write elsewhere.")
    return target


def save(folder: Path, networks: Iterable[tuple[str, Saved | Path]], description: About) -> None:
    """Writes networks, in the type they have, one after the other as they come; the folder appears when all are written.

    A network that is written already may be given as its folder: its files then have both names (or copies, where a disk has no links).
    Raises MissingModelError for numbers that are not finite, OutputError.
    """
    said = {"format": FORMAT, "system": description.system, "source": description.source, "version": version("animato")}
    said["options"] = dict(description.options)
    with temporary_beside(folder) as temporary, explained(folder):
        for name, network in networks:
            if isinstance(network, Path):
                shutil.copytree(network, temporary / name, copy_function=_linked)
            else:
                _check_finite(name, network)
                _save_network(network, temporary / name)
        (temporary / OWN).write_text(json.dumps(said, indent=1) + "\n", "utf-8")
        put_in_place(temporary, folder, re.compile("|".join(re.escape(path.name) for path in temporary.iterdir())))


def _save_network(network: Saved, folder: Path) -> None:
    """Raises OSError: safetensors has words of its own for a full disk, and the system's number in brackets."""
    try:
        network.save_pretrained(folder, safe_serialization=True)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code), str(folder)) from error


def trained_noise(folder: Path, published: NoiseSchedule) -> NoiseSchedule:
    """The noise that a folder's networks were trained on: the published one unless animato.json tells other. Raises MissingModelError."""
    said = about(folder).options.get("noise", {}) if is_own(folder) else {}
    if not isinstance(said, dict) or (unknown := [name for name in said if name not in FIELDS[NoiseSchedule]]):
        what = shown(unknown[0] if isinstance(said, dict) else said)
        raise MissingModelError(f"{folder / OWN} tells of a noise that is unknown here: {what}. Get it again.")
    return replace(published, **taken(NoiseSchedule, said, folder / OWN))


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _check_finite(name: str, network: Saved) -> None:
    for key, value in network.state_dict().items():
        if not is_finite(value):
            raise MissingModelError(f"{key} of {name} holds numbers that are not finite as {value.dtype}: nothing was written.")


def networks_of(folder: Path, kinds: Mapping[str, Any], size: Size) -> dict[str, Any]:
    """A preview model's networks, by their folders. Raises MissingModelError where a tensor is missing or odd, or of another size."""
    missing = [name for name in kinds if not (folder / name / "config.json").is_file()]
    if missing:
        raise MissingModelError(f"The preview model in {folder} lacks {missing[0]}: install animato again, or train it to its end.")
    learned = about(folder).options.get("size", list(size)) if is_own(folder) else list(size)
    if learned != list(size):
        raise MissingModelError(
            f"The preview model in {folder} was trained on {shown(learned)} pixels, and this page runs at {list(size)} alone."
        )
    return {name: open_network(folder / name, kind).fill() for name, kind in kinds.items()}
