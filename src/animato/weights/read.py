"""From a weight file to named tensors that stay on the disk until they are used. No file is ever allowed to run code.

safetensors and PyTorch's zip format are mapped into memory: opening takes no memory, and what is converted is read tensor by tensor.
PyTorch's format of before 2020 is read whole. Which one a file is, its first bytes say, not its ending. A checkpoint in several files,
as diffusers and transformers write large ones, is read by the index that says which key is in which of them.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from animato.core.errors import MissingModelError
from animato.weights.about import read_json
from animato.weights.files import INDICES

PREFIXES = ("module.", "_orig_mod.")  # what data-parallel training and torch.compile put before every key
DAMAGED = (RuntimeError, EOFError, LookupError, ValueError, TypeError, AssertionError, struct.error)  # what torch.load meets in cut files


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth, .ckpt or .bin file, or of all files of an index, by their keys, in their own types, on the CPU.

    A `state_dict` wrapped into a training checkpoint is found, and what else the checkpoint holds is left aside. Prefixes that all keys
    share because of the way they were trained (PREFIXES) are cut off. Raises MissingModelError for anything but named tensors.
    """
    return _without_prefixes(_of_index(path) if path.name.endswith(INDICES) else _of_file(path))


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """As `read_state`, of a training checkpoint in PyTorch's zip format that may hold more than tensors, as PyTorch Lightning writes it.

    Whatever it names beside what PyTorch itself takes for harmless becomes an `Inert`: it is neither imported nor called. Names of modules
    that PyTorch blocks (os, sys and the like) are refused all the same.
    """
    with safe_globals([(Inert, name) for name in _strangers(path)]):
        return read_state(path)


class Inert:
    """Stands for anything that a checkpoint holds and nobody here wants. It takes all that a pickle gives it, and keeps nothing."""

    def __new__(cls, *args: object, **kwargs: object) -> Inert:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _strangers(path: Path) -> list[str]:
    """Names in a checkpoint that PyTorch does not know as harmless; none of a file that cannot be read, which is for others to tell."""
    try:
        return get_unsafe_globals_in_checkpoint(path) if zipfile.is_zipfile(path) else []
    except (*DAMAGED, UnpicklingError, OSError):
        return []


def _of_index(path: Path) -> dict[str, Tensor]:
    """The tensors of all files that an index names: exactly those keys that it names, each in the file that it names."""
    locations = read_json(path).get("weight_map")
    if not isinstance(locations, dict) or not all(isinstance(name, str) and name == Path(name).name for name in locations.values()):
        raise MissingModelError(f"{path} does not say which tensor is in which file beside it. Get it again.")
    names = sorted(set(locations.values()))
    if missing := [name for name in names if not (path.parent / name).is_file()]:
        raise MissingModelError(f"{path} names {', '.join(missing)}, not there beside it. Get what is missing.")
    found = dict[str, str]()
    state = dict[str, Tensor]()
    for name in names:
        for key, value in _of_file(path.parent / name).items():
            if key in found:
                raise MissingModelError(f"{key} is in {found[key]} as well as in {name}, beside {path}. Get the files again.")
            found[key] = name
            state[key] = value
    if odd := sorted(key for key in locations.keys() | found.keys() if locations.get(key) != found.get(key)):
        location = found.get(odd[0], "no file")
        named = locations.get(odd[0], "no file")
        raise MissingModelError(f"{odd[0]} is in {location}, but in {named} by {path}, {len(odd)} such keys in all. Get the files again.")
    return state


def _of_file(path: Path) -> Mapping[str, Tensor]:
    try:
        return _tensors(_content(path), path)
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise MissingModelError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from error


def _content(path: Path) -> object:
    with path.open("rb") as file:
        start = file.read(64)
    if start[8:9] == b"{":
        return load_file(path)
    if start.startswith(b"PK"):
        if not zipfile.is_zipfile(path):
            raise _damaged(path, "its end is missing")
        return _unpickle(path, mapped=True)
    if start.startswith(b"\x80"):
        return _unpickle(path, mapped=False)
    raise MissingModelError(f"{path} is no weight file: {_appearance(start)}. Get it again.")


def _unpickle(path: Path, mapped: bool) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except UnpicklingError as error:
        stranger = re.search(r"GLOBAL (\S+)", str(error))
        if stranger is None:
            raise _damaged(path, "its list of tensors cannot be read") from error
        raise MissingModelError(
            f"{path} holds {stranger[1]} beside tensors, and such a file could run code: it is not opened. Get the weights as "
            "safetensors, or save the tensors alone."
        ) from error
    except DAMAGED as error:
        raise _damaged(path, "it ends too early or is not what it claims to be") from error


def _damaged(path: Path, why: str) -> MissingModelError:
    return MissingModelError(f"{path} is cut short or damaged ({why}; {path.stat().st_size:,} bytes). Get it again.")


def _appearance(start: bytes) -> str:
    if not start:
        return "it is empty"
    if start.startswith(b"version https://git-lfs"):
        return "it is only git's pointer to one (git lfs pull gets the file itself)"
    if start.lstrip().startswith(b"<"):
        return "it is a web page, perhaps a download that failed"
    return "it is neither safetensors nor PyTorch's format"


def _tensors(content: object, path: Path) -> Mapping[str, Tensor]:
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise MissingModelError(f"{path} holds no named tensors, so it is no weight file of a network. Get the right one.")
    strange = [str(key) for key, value in content.items() if not isinstance(value, Tensor) or not isinstance(key, str)]
    if strange:
        raise MissingModelError(f"{path} holds other things than tensors ({', '.join(strange[:3])}), so it is no weight file of a network.")
    return content


def _without_prefixes(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        while all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return dict(state)
