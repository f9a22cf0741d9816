"""Networks that wait for their values: built without memory, all their keys matched, filled only when everything has been checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.weights.about import read_json
from animato.weights.keymap import Shapes, shapes

CLIP: dict[type[Any], Any] = {CLIPVisionModelWithProjection: CLIPVisionConfig, CLIPTextModel: CLIPTextConfig}
UNUSABLE = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)  # what constructors say to odd configurations


@dataclass(frozen=True, eq=False)
class Waiting:
    """A network on the meta device, and the tensors that it will take: under its own keys, in the files' types, still on the disk."""

    network: nn.Module
    state: dict[str, Tensor]

    def fill(self, dtype: torch.dtype | None = torch.float32, device: torch.device | str = "cpu") -> Any:
        """The network, ready to be used. Can be called once: tensors are converted one by one and let go.

        Those that need no conversion stay mapped to their file, and are read when they are used: all of them, on a CPU, with `dtype` None.
        """
        ready = {key: self.state.pop(key).to(device, dtype) for key in list(self.state)}
        self.network.load_state_dict(ready, strict=True, assign=True)
        return self.network.to(device).eval()


def blank(build: Callable[[], nn.Module]) -> Any:
    """A network without values. What it computes for itself and no file holds is there."""
    with torch.device("meta"):
        network = build()
    for module in network.modules():
        if isinstance(positions := getattr(module, "position_ids", None), Tensor):  # CLIP's
            module.position_ids = torch.arange(positions.shape[-1]).unsqueeze(0)
    return network


def wanted(network: nn.Module) -> Shapes:
    """Keys and shapes of all that a network must be given."""
    return shapes(network.state_dict())


def built(where: Path, build: Callable[[], nn.Module]) -> Any:
    """A network without values, by what the file or folder `where` says. Raises MissingModelError when that makes no network."""
    try:
        return blank(build)
    except UNUSABLE as error:
        raise MissingModelError(f"{where} describes no network that can be built: {str(error).rstrip('.')}. Get it again.") from error


def configured(folder: Path, kind: type[Any]) -> Any:
    """A network without values, of a class of diffusers' or transformers' making, by a folder's config.json. Raises MissingModelError."""
    config = read_json(folder / "config.json")
    named = class_names(config)
    if named and not {one.__name__ for one in kind.__mro__} & set(named):
        raise MissingModelError(f"{folder} holds {' or '.join(named)}, not {kind.__name__}.")
    if kind in CLIP:
        return built(folder / "config.json", lambda: kind(CLIP[kind].from_dict(config)))
    return built(folder / "config.json", lambda: kind.from_config(config))


def class_names(config: dict[str, Any]) -> list[str]:
    """The classes that a configuration names, if any: one in diffusers' form, a list in transformers'."""
    named = config.get("_class_name") or config.get("architectures") or []
    return [str(name) for name in (named if isinstance(named, list) else [named])]
