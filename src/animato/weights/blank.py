"""Networks that wait for their values: built without memory, all their keys matched, filled only when everything has been checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

from animato.core.errors import MissingModelError
from animato.weights.about import read_json, shown
from animato.weights.configs import taken
from animato.weights.keymap import Shapes, shapes
from animato.weights.numbers import check_claims, check_finite, is_finite

CLIP: dict[type[Any], Any] = {CLIPVisionModelWithProjection: CLIPVisionConfig, CLIPTextModel: CLIPTextConfig}
UNUSABLE = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    StrictDataclassError,
)  # what constructors say to odd configurations


@dataclass(frozen=True, eq=False)
class Waiting:
    """A network on the meta device, and the tensors that it will take: under its own keys, in the files' types, still on the disk."""

    network: nn.Module
    state: dict[str, Tensor]
    where: object = "what was given"  # the file or files, for messages

    def fill(self, dtype: torch.dtype | None = torch.float32, device: torch.device | str = "cpu") -> Any:
        """The network, ready to be used. Can be called once: tensors are converted one by one and let go.

        Those that need no conversion stay mapped to their file: all of them, on a CPU, with `dtype` None. Each is looked at once.
        Raises MissingModelError for numbers that are not finite, or that a file claims to have and has not.
        """
        check_claims(self.state, self.where)
        ready = {key: self._ready(key, dtype, device) for key in list(self.state)}
        self.network.load_state_dict(ready, strict=True, assign=True)
        return self.network.to(device).eval()

    def _ready(self, key: str, dtype: torch.dtype | None, device: torch.device | str) -> Tensor:
        given = self.state.pop(key)
        value = given.to(device, dtype)
        if not is_finite(value):
            check_finite({key: given}, self.where)
            raise MissingModelError(f"{self.where}: {key} holds numbers that {dtype} cannot hold: choose float32 or bfloat16.")
        return value


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


def built(where: Path, kind: type[Any], fields: Mapping[str, Any]) -> Any:
    """A network without values, of a class and its fields, as the file `where` tells them. Raises MissingModelError."""
    checked = taken(kind, fields, where)
    try:
        return blank(lambda: kind(CLIP[kind](**checked)) if kind in CLIP else kind(**checked))
    except UNUSABLE as error:
        raise MissingModelError(
            f"{where} describes no network that can be built: {shown(str(error)).rstrip('.')}. Get it again."
        ) from error


def configured(folder: Path, kind: type[Any]) -> Any:
    """A network without values, of a class of diffusers' or transformers' making, by a folder's config.json. Raises MissingModelError."""
    config = read_json(folder / "config.json")
    named = class_names(config)
    if named and not {one.__name__ for one in kind.__mro__} & set(named):
        raise MissingModelError(f"{folder} holds {shown(' or '.join(named))}, not {kind.__name__}.")
    return built(folder / "config.json", kind, config)


def class_names(config: dict[str, Any]) -> list[str]:
    """The classes that a configuration names, if any: one in diffusers' form, a list in transformers'."""
    named = config.get("_class_name") or config.get("architectures") or []
    return [str(name) for name in (named if isinstance(named, list) else [named])]
