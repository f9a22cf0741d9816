"""What a training needs to go on as if it had never stopped, as tensors and plain values.

Samples and noise are drawn by (seed, step, row) and need no state; torch's own chance, which dropout draws, does, of every process.
The rate of learning, and how far the average of weights has come, follow from the number of steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from animato.training.ema import EMA
from animato.training.finite import check_tensors
from animato.training.several import of_all

Tensors = dict[str, Tensor]
PARTS = ("networks", "average", "optimizer", "chance")  # a file each
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # AdamW's, of a tensor that has learned
SCALER = ("scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker")


class Unfit(Exception):
    """Tensors or values are not those of this training; the message says which."""


@dataclass(eq=False)
class State:
    """Of one process. The networks are the same in all of them."""

    networks: nn.Module
    average: EMA[Any]
    optimizer: Any  # torch's AdamW, or what Accelerate made of it
    accelerator: Accelerator

    def check(self, step: int) -> None:
        """Raises InputError where a number is not finite."""
        check_tensors(self.networks.state_dict().items(), "the network's", step)
        check_tensors(self.average.module.state_dict().items(), "the average of the network's", step)
        check_tensors(self._moments().items(), "the optimizer's", step)

    def parts(self) -> dict[str, Tensors]:
        """Every part's tensors by name. All processes must call it together."""
        return {
            "networks": dict(self.networks.state_dict()),
            "average": dict(self.average.module.state_dict()),
            "optimizer": self._moments(),
            "chance": self._chance(),
        }

    def values(self) -> dict[str, Any]:
        """What is no tensor: the scale of fp16."""
        scaler = self.accelerator.scaler
        return {"scaler": scaler.state_dict() if scaler else {}}

    def load(self, parts: Mapping[str, Tensors], values: Mapping[str, Any], step: int) -> None:
        """Raises Unfit, before or after some of it has been taken: then this state is no use any more."""
        _fill(self.networks, parts["networks"], "networks")
        _fill(self.average.module, parts["average"], "average")
        self.average.steps = step
        self._load_moments(parts["optimizer"])
        self._load_scaler(values.get("scaler"))
        self._load_chance(parts["chance"])

    def size(self) -> int:
        """Bytes that its tensors come to once everything has learned."""
        learning = sum(_size(value) for value in self.networks.parameters() if value.requires_grad)
        return sum(_size(value) for value in self.networks.state_dict().values()) * 2 + 2 * learning

    def _learning(self) -> Iterator[tuple[str, Tensor]]:
        """What learns, by name, in the optimizer's order."""
        names = {id(value): name for name, value in self.networks.named_parameters()}
        for group in self.optimizer.param_groups:
            for value in group["params"]:
                yield names[id(value)], value

    def _moments(self) -> Tensors:
        state = self.optimizer.state
        return {f"{name}.{key}": state[value][key] for name, value in self._learning() if value in state for key in MOMENTS}

    def _load_moments(self, tensors: Tensors) -> None:
        left = dict(tensors)
        known = dict[int, Tensors]()
        for index, (name, value) in enumerate(self._learning()):
            found = {key: left.pop(f"{name}.{key}") for key in MOMENTS if f"{name}.{key}" in left}
            if found:
                known[index] = _fitting(found, name, value)
        if left:
            raise Unfit(f"optimizer holds {next(iter(left))}, which does not learn here")
        self.optimizer.load_state_dict({"state": known, "param_groups": self.optimizer.state_dict()["param_groups"]})

    def _load_scaler(self, values: Any) -> None:
        scaler = self.accelerator.scaler
        if scaler is None:
            return
        if not isinstance(values, dict) or set(values) != set(SCALER) or not all(type(value) in (int, float) for value in values.values()):
            raise Unfit("the scale of fp16 is missing")
        scaler.load_state_dict(values)

    def _chance(self) -> Tensors:
        states = {"cpu": of_all(self.accelerator, torch.get_rng_state())}
        if self.accelerator.device.type == "cuda":
            states["cuda"] = of_all(self.accelerator, torch.cuda.get_rng_state(self.accelerator.device))
        return states

    def _load_chance(self, states: Tensors) -> None:
        """A process that was not there before, or on another kind of device, keeps the chance that it has."""
        mine = {kind: rows[self.accelerator.process_index] for kind, rows in states.items() if self.accelerator.process_index < len(rows)}
        try:
            if "cpu" in mine:
                torch.set_rng_state(mine["cpu"])
            if "cuda" in mine and self.accelerator.device.type == "cuda":
                torch.cuda.set_rng_state(mine["cuda"], self.accelerator.device)
        except (RuntimeError, TypeError) as error:
            raise Unfit(f"chance is none that torch knows: {error}") from error


def _fill(network: nn.Module, tensors: Tensors, kind: str) -> None:
    wanted = network.state_dict()
    odd = next((name for name in wanted.keys() ^ tensors.keys()), None)
    if odd is not None:
        raise Unfit(f"{kind} {'lacks' if odd in wanted else 'holds'} {odd}")
    for name, value in wanted.items():
        _check_like(tensors[name], value, f"{kind}: {name}")
    network.load_state_dict(tensors)


def _fitting(found: Tensors, name: str, value: Tensor) -> Tensors:
    if set(found) != set(MOMENTS):
        raise Unfit(f"optimizer holds only a part of {name}")
    for key in MOMENTS[1:]:
        _check_like(found[key], value, f"optimizer: {name}")
    _check_like(found["step"], torch.zeros(()), f"optimizer: {name}")
    return found


def _check_like(found: Tensor, wanted: Tensor, name: str) -> None:
    if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
        raise Unfit(f"{name} is {list(found.shape)} {found.dtype} instead of {list(wanted.shape)} {wanted.dtype}")


def _size(value: Tensor) -> int:
    return value.numel() * value.element_size()
