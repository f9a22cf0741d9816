"""What the weights of several systems share: names, tables of positions, a VAE, an empty prompt; how networks are read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from animato.core.errors import MissingModelError
from animato.core.progress import Progress
from animato.encoders.text import EmptyPrompt
from animato.models.temporal import sinusoid
from animato.weights import own
from animato.weights.about import About, about, is_own
from animato.weights.blank import Waiting, configured, wanted
from animato.weights.keymap import Dropped, KeyMap, translate
from animato.weights.read import read_state

DType = torch.dtype | None  # what tensors become; None: each stays as its file has it
Device = torch.device | str
HEADS = 8  # at every level; no shape tells
MODULES, TABLE = ".motion_modules.", ".pos_encoder.pe"


def is_sinusoid(table: Tensor) -> bool:  # 1 F C
    """Whether a table of positions is the formula's, as exactly as its type can tell."""
    tolerance = max(5e-5, torch.finfo(table.dtype).eps if table.is_floating_point() else 0)
    return (
        table.ndim == 3
        and table.is_floating_point()
        and torch.allclose(table[0].float(), sinusoid(*table.shape[1:]), rtol=0, atol=tolerance)
    )


def is_count(numbers: Tensor) -> bool:  # 1 L
    return not numbers.is_complex() and torch.equal(numbers.flatten().long(), torch.arange(numbers.numel()))


MOTION = KeyMap(
    renames=(
        (".temporal_transformer.", "."),
        (".attention_blocks.0.", ".attn1."),
        (".attention_blocks.1.", ".attn2."),
        (".norms.0.", ".norm1."),
        (".norms.1.", ".norm2."),
        (".ff_norm.", ".norm3."),
    ),
    dropped=(Dropped(TABLE, "positions are computed when they are used", is_sinusoid),),
)
OLD_NAMES = (("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0"))  # before and since diffusers 0.17
VAE = KeyMap(
    renames=tuple((f".attentions.0.{old}.", f".attentions.0.{new}.") for old, new in OLD_NAMES),
    flattened=tuple(f".attentions.0.{old}." for old, _ in OLD_NAMES),
)
COUNTED = Dropped(".position_ids", "they are 0, 1, 2, ...", is_count)  # in what older versions of transformers have written
IMAGE_ENCODER = KeyMap(dropped=(COUNTED,))


@dataclass(frozen=True, eq=False)
class Speaking(Waiting):
    """A text encoder that says the empty prompt when it is filled, and is let go. filler: as EmptyPrompt.by takes it."""

    filler: int | None = None

    def fill(self, dtype: torch.dtype | None = torch.float32, device: torch.device | str = "cpu") -> EmptyPrompt:
        prompt = EmptyPrompt.by(super().fill(torch.float32), self.filler)
        nn.Module.to(prompt, torch.device(device), dtype)  # ModelMixin.to warns of what concerns no network here
        return prompt


def check_positions(motion: Mapping[str, Tensor], path: Path, positions: int) -> None:
    """Tells another system's motion module, of the same keys, by the one thing that differs. Raises MissingModelError."""
    lengths = {value.shape[1] for key, value in motion.items() if TABLE in key and value.ndim == 3}
    if other := lengths - {positions}:
        raise MissingModelError(
            f"{path} knows {max(other)} positions, where {positions} are due: it is another system's, with the same keys. Name the system "
            "that it belongs to, or give the right file."
        )


def open_folder(path: Path, kind: type[nn.Module], keymap: KeyMap) -> Waiting:
    """The network of a weight file and of the config.json beside it, every key matched, not yet read. Raises MissingModelError."""
    network = configured(path.parent, kind)
    return Waiting(network, translate(read_state(path), wanted(network), keymap, f"{path} does not fit its config.json"), path)


def fill(waiting: Mapping[str, Waiting], dtype: torch.dtype | None, device: torch.device | str, progress: Progress) -> list[Any]:
    """All networks, read."""
    filled = list[Any]()
    for one in waiting.values():
        progress("loading weights", len(filled), len(waiting))
        filled.append(one.fill(dtype, device))
    progress("loading weights", len(filled), len(waiting))
    return filled


def write(waiting: Mapping[str, Waiting], out: Path, description: About, dtype: torch.dtype, progress: Progress) -> None:
    """All networks in the project's form, one after the other. Raises MissingModelError, OutputError."""
    values = sum(value.numel() for one in waiting.values() for value in one.state.values())
    own.check_folder(out, waiting, values * dtype.itemsize)
    own.save(out, _filled(waiting, dtype, progress), description)


def write_converted(opened: Mapping[str, Waiting], folder: Path, out: Path, system: str, dtype: torch.dtype, progress: Progress) -> None:
    """The networks of a folder in the project's form, with what a folder of that form said of itself. Raises as `write`."""
    write(opened, out, about(folder) if is_own(folder) else About(system, "official files"), dtype, progress)


def _filled(waiting: Mapping[str, Waiting], dtype: torch.dtype, progress: Progress) -> Iterator[tuple[str, Any]]:
    for done, (name, one) in enumerate(waiting.items()):
        progress("converting", done, len(waiting))
        yield name, one.fill(dtype)
        one.network.to("meta")  # gives its memory back before the next one takes its own
    progress("converting", len(waiting), len(waiting))


def check_pairs(folder: Path, pairs: tuple[tuple[str, object, object], ...]) -> None:
    """That what one network makes fits the next one: (what, of the one, of the other). Raises MissingModelError."""
    for what, one, other in pairs:
        if one != other:
            raise MissingModelError(f"The networks in {folder} do not belong together: {what} are {one} and {other}.")
