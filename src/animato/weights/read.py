"""From a weight file to named tensors that stay on the disk until they are used. No file is ever allowed to run code.

safetensors and PyTorch's zip format are mapped into memory: opening takes no memory, and what is converted is read tensor by tensor.
PyTorch's format of before 2020 is read whole. Which one a file is, its first bytes say, not its ending.
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

from animato.core.errors import MissingModelError

PREFIXES = ("module.", "_orig_mod.")  # what data-parallel training and torch.compile put before every key
DAMAGED = (RuntimeError, EOFError, LookupError, ValueError, TypeError, AssertionError, struct.error)  # what torch.load meets in cut files


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth, .ckpt or .bin file by their keys, in the file's own types, on the CPU.

    A `state_dict` wrapped into a training checkpoint is found, and what else the checkpoint holds is left aside. Prefixes that all keys
    share because of the way they were trained (PREFIXES) are cut off. Raises MissingModelError for anything but named tensors.
    """
    try:
        content = _content(path)
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise MissingModelError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    return _without_prefixes(_tensors(content, path))


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
