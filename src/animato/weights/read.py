"""From a weight file to named tensors that stay on the disk until they are used. No file is ever allowed to run code.

Every format is mapped into memory: opening takes no memory, and what is converted is read tensor by tensor. Which format a file is of, its
first bytes say, not its ending. PyTorch's own are read by one closed reader (archive.py), whatever a training has put beside the tensors.
A checkpoint in several files, as diffusers and transformers write large ones, is read by the index that says which key is in which of them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from animato.core.errors import MissingModelError
from animato.core.reading import check_file
from animato.weights.about import read_json, shown
from animato.weights.archive import Archive, Foreign, Unreadable, oddity, open_before_2020, open_zip
from animato.weights.files import ENDINGS, INDICES
from animato.weights.pickled import Described, Inert, Name, Odd

PREFIXES = ("module.", "_orig_mod.")  # what data-parallel training and torch.compile put before every key, alone or both
PLAIN = ("state_dict", "model_state_dict", "model", "module", "params")  # where training checkpoints have the weights, the first counts
MEANS = ("state_dict_ema", "ema_state_dict", "model_ema", "params_ema", "ema")  # running means of them: taken where nothing else is there
NESTED = 4  # how deep within each other such names are looked for
TENSORS = 20_000  # of the largest file that is read; the largest official one has 1,546
NAME = 300  # letters of the longest name of a tensor
HEAD = 8_000_000  # bytes of the list of tensors in a safetensors file
INDEX = 8_000_000  # bytes of an index
START = 512  # bytes that tell the format
DAMAGED = (RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError, MemoryError, struct.error)  # what libraries say


def read_state(path: Path, part: str = "") -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth, .ckpt or .bin file, or of all files of an index, by their keys, in their own types, on the CPU.

    part  only keys that begin so, and without it: one network of a checkpoint of several
    The weights of a training checkpoint are found (PLAIN, else MEANS), and what else it holds is left aside. Prefixes that all keys share
    because of the way they were trained (PREFIXES) are cut off. Raises MissingModelError for anything but named tensors.
    """
    found = _without_prefixes(_of_index(path) if path.name.endswith(INDICES) else _of_file(path))
    named = {key.removeprefix(part): value for key, value in found.items() if key.startswith(part)}
    tensors = {key: value for key, value in named.items() if isinstance(value, Tensor)}
    if strange := [key for key in named if key not in tensors]:
        raise MissingModelError(_stranger(path, strange, named[strange[0]]))
    return tensors


def _stranger(path: Path, keys: list[str], value: object) -> str:
    if isinstance(value, Odd):
        return f"{path}: {keys[0]} is {value.what}, which no network here takes. Get the weights as plain tensors of float32 or float16."
    if isinstance(value, Inert | Name):
        name = value.name if isinstance(value, Inert) else str(value)
        return f"{path} holds {shown(name)} as {keys[0]}, where a tensor is due; it was not run. Get the weights as safetensors."
    return f"{path} holds other things than tensors ({', '.join(keys[:3])}), so it is no weight file of a network. Get the right one."


def _of_index(path: Path) -> dict[str, object]:
    """The tensors of all files that an index names: exactly those keys that it names, each in the file that it names."""
    locations = read_json(path, INDEX).get("weight_map")
    if not isinstance(locations, dict) or not locations or len(locations) > TENSORS or not all(map(_beside, locations.values())):
        raise MissingModelError(f"{path} does not say which tensor is in which file beside it. Get it again.")
    names = sorted(set(locations.values()))
    if missing := [name for name in names if not (path.parent / name).is_file()]:
        raise MissingModelError(f"{path} names {', '.join(missing[:3])}, not there beside it. Get what is missing.")
    found = dict[str, str]()
    state = dict[str, object]()
    for name in names:
        for key, value in _of_file(path.parent / name).items():
            if key in found:
                raise MissingModelError(f"{key} is in {found[key]} as well as in {name}, beside {path}. Get the files again.")
            found[key] = name
            state[key] = value
    if odd := sorted(key for key in locations.keys() | found.keys() if locations.get(key) != found.get(key)):
        location = found.get(odd[0], "no file")
        named = locations.get(odd[0], "no file")
        raise MissingModelError(
            f"{shown(odd[0])} is in {location}, but in {named} by {path}, {len(odd)} such keys in all. Get the files again."
        )
    return state


def _beside(name: object) -> bool:
    """Whether an index names a weight file that can only lie beside it."""
    plain = isinstance(name, str) and name == Path(name).name and name.isprintable() and len(name) <= NAME
    return plain and str(name).endswith(ENDINGS) and not str(name).endswith(INDICES)


def _of_file(path: Path) -> dict[str, object]:
    """Keys and tensors, or what stands where a tensor is due. Raises MissingModelError."""
    size = check_file(path, MissingModelError)
    try:
        return _content(path)
    except Foreign as error:
        raise MissingModelError(f"{path} is no weight file: {error}. Get the weights as safetensors, or save the tensors alone.") from error
    except OSError as error:
        raise MissingModelError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    except (SafetensorError, *DAMAGED) as error:
        why = str(error) if isinstance(error, Unreadable | SafetensorError) else "it is not what it claims to be"
        raise MissingModelError(f"{path} is cut short or damaged ({shown(why)}; {size:,} bytes). Get it again.") from error


def _content(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        start = file.read(START)
    if start[8:9] == b"{":
        _check_head(path)
        return _checked(path, load_file(path))
    if start.startswith(b"PK"):
        return _of_archive(open_zip(path))
    if start.startswith(b"\x80"):
        return _of_archive(open_before_2020(path))
    raise MissingModelError(f"{path} is no weight file: {_appearance(start)}. Get it again.")


def _of_archive(archive: Archive) -> dict[str, object]:
    named = _checked(archive.path, _weights(archive.content))
    values = {key: Odd(words) if (words := oddity(value)) else value for key, value in named.items()}
    described = {key: value for key, value in values.items() if isinstance(value, Described)}
    return values | archive.tensors(described)


def _weights(content: object, depth: int = NESTED) -> object:
    """The weights of a training checkpoint: what stands under the first of PLAIN or, without those, of MEANS; else what there is."""
    if isinstance(content, dict) and depth:
        for name in (*PLAIN, *MEANS):
            if isinstance(content.get(name), dict) and content[name]:
                return _weights(content[name], depth - 1)
    return content


def _checked(path: Path, content: object) -> dict[str, Any]:
    """That there are names, and names that can be told. Raises MissingModelError."""
    if isinstance(content, Inert | Name):
        name = content.name if isinstance(content, Inert) else str(content)
        raise MissingModelError(f"{path} holds {shown(name)} and no named tensors; it was not run. Get the weights as safetensors.")
    if not isinstance(content, dict) or not content:
        raise MissingModelError(f"{path} holds no named tensors, so it is no weight file of a network. Get the right one.")
    if len(content) > TENSORS:
        raise MissingModelError(f"{path} holds {len(content):,} things, more than any network has tensors. Get the right one.")
    if odd := [key for key in content if not isinstance(key, str) or len(key) > NAME or not key.isprintable()]:
        raise MissingModelError(f"{path} holds something named {shown(odd[0])}, which is no name of a tensor. Get the right file.")
    return content


def _check_head(path: Path) -> None:
    """That the list of tensors of a safetensors file is of a sane length, and names each of them once. Raises Unreadable."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > HEAD:
            raise Unreadable("its list of tensors is longer than any network's")
        head = file.read(length)
    try:
        json.loads(head, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, Unreadable) else Unreadable("its list of tensors cannot be read") from error


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found = dict[str, Any]()
    for key, value in pairs:
        if key in found:
            raise Unreadable("its list of tensors has one name twice")
        found[key] = value
    return found


def _appearance(start: bytes) -> str:
    signs: tuple[tuple[Callable[[bytes], bool], str], ...] = (
        (lambda data: not data, "it is empty"),
        (lambda data: data.startswith(b"version https://git-lfs"), "it is only git's pointer to one (git lfs pull gets the file itself)"),
        (lambda data: data.lstrip().startswith(b"<"), "it is a web page, perhaps a download that failed"),
        (
            lambda data: data[257:262] == b"ustar",
            "it is a tar file, as PyTorch wrote them before 2017: let a PyTorch of then save it anew",
        ),
        (lambda data: data.startswith(b"\x08") and b"onnx" in data.lower(), "it is an ONNX file, and a PyTorch or safetensors file is due"),
    )
    return next((words for fits, words in signs if fits(start)), "it is neither safetensors nor PyTorch's format")


def _without_prefixes(state: Mapping[str, object]) -> dict[str, object]:
    """The same, without what stands before every key; in whatever order several of them do."""
    named = dict(state)
    while prefix := next((one for one in PREFIXES if named and all(key.startswith(one) for key in named)), None):
        named = {key.removeprefix(prefix): value for key, value in named.items()}
    return named
