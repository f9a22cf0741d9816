"""A synthetic file for each quirk of real weight files: what is read of it, or which tensor it is refused for."""

from __future__ import annotations

import collections
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from animato.core.errors import MissingModelError
from animato.weights.blank import Waiting
from animato.weights.keymap import IDENTITY, shapes, translate
from animato.weights.read import read_state

WEIGHTS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.0, -2.0])}
MEAN = {key: value + 1 for key, value in WEIGHTS.items()}
ADAM = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(2, 3)}}, "param_groups": [{"lr": 1e-3, "params": [0, 1]}]}


def under(prefix: str) -> dict[str, Tensor]:
    return {prefix + key: value for key, value in WEIGHTS.items()}


READ: dict[str, Any] = {
    "plain": WEIGHTS,
    "ordered": collections.OrderedDict(WEIGHTS),
    "in state_dict": {"state_dict": WEIGHTS, "epoch": 3, "global_step": 9},
    "nested": {"model": {"state_dict": WEIGHTS}},
    "data-parallel": under("module."),
    "compiled": under("_orig_mod."),
    "both": under("module._orig_mod."),
    "both, the other way round": under("_orig_mod.module."),
    "beside an optimizer": {"state_dict": WEIGHTS, "optimizer_states": [ADAM], "lr_schedulers": []},
    "beside a mean": {"state_dict_ema": MEAN, "state_dict": WEIGHTS},
    "beside numpy's numbers": {"state_dict": WEIGHTS, "best": np.float64(0.5)},
}
READ |= {f"beside {name}": {name: MEAN, "model": WEIGHTS} for name in ("ema_state_dict", "model_ema", "params_ema", "ema")}


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 2020"])
@pytest.mark.parametrize("quirk", READ)
def test_the_weights_are_found(quirk: str, old: bool, tmp_path: Path) -> None:
    torch.save(READ[quirk], tmp_path / "x.pth", _use_new_zipfile_serialization=not old)
    found = read_state(tmp_path / "x.pth")
    assert found.keys() == WEIGHTS.keys() and all(torch.equal(found[key], WEIGHTS[key]) for key in WEIGHTS)


def test_a_mean_alone_is_taken(tmp_path: Path) -> None:
    torch.save({"state_dict_ema": MEAN, "step": 5}, tmp_path / "x.ckpt")
    assert torch.equal(read_state(tmp_path / "x.ckpt")["weight"], MEAN["weight"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype, tmp_path: Path) -> None:
    torch.save({key: value.to(dtype) for key, value in WEIGHTS.items()}, tmp_path / "x.bin")
    filled = loaded(tmp_path / "x.bin")
    assert filled.weight.dtype == torch.float32 and torch.equal(filled.weight, WEIGHTS["weight"])


def test_whole_numbers_beside_weights(tmp_path: Path) -> None:
    """As CLIP's position_ids, which come in an IntStorage or a LongStorage of their own."""
    torch.save(WEIGHTS | {"a.position_ids": torch.arange(4), "b.position_ids": torch.arange(4, dtype=torch.int32)}, tmp_path / "x.bin")
    found = read_state(tmp_path / "x.bin")
    assert found["a.position_ids"].tolist() == found["b.position_ids"].tolist() == [0, 1, 2, 3]


def loaded(path: Path) -> Any:
    network = torch.nn.Linear(3, 2, device="meta")
    return Waiting(network, translate(read_state(path), shapes(network.state_dict()), IDENTITY, str(path)), path).fill()


def nan(value: Tensor) -> Tensor:
    return value.clone().index_fill_(0, torch.tensor([1]), float("nan"))


REFUSED: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "int8": (lambda value: value.to(torch.int8), "weight holds int8 numbers"),
    "uint8": (lambda value: value.to(torch.uint8), "weight holds uint8 numbers"),
    "bool": (lambda value: value.bool(), "weight holds bool numbers"),
    "complex": (lambda value: value.to(torch.complex64), "weight holds complex64 numbers"),
    "float8": (lambda value: value.to(torch.float8_e4m3fn), "weight holds float8_e4m3fn numbers"),
    "sparse": (lambda value: value.to_sparse(), "weight"),
    "nan": (nan, "weight holds NaN or infinite numbers"),
    "infinite": (lambda value: value / 0, "weight holds NaN or infinite numbers"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_odd_numbers_are_refused_by_the_name_of_their_tensor(kind: str, tmp_path: Path) -> None:
    change, words = REFUSED[kind]
    torch.save(WEIGHTS | {"weight": change(WEIGHTS["weight"])}, tmp_path / "x.pth")
    with pytest.raises(MissingModelError, match=words) as raised:
        loaded(tmp_path / "x.pth")
    assert str(tmp_path / "x.pth") in str(raised.value) and "\n" not in str(raised.value)


def test_numbers_too_large_for_a_precision(tmp_path: Path) -> None:
    torch.save(WEIGHTS | {"bias": torch.tensor([1e6, 0.0])}, tmp_path / "x.pth")
    network = torch.nn.Linear(3, 2, device="meta")
    waiting = Waiting(network, read_state(tmp_path / "x.pth"), tmp_path / "x.pth")
    with pytest.raises(MissingModelError, match=r"bias holds numbers that torch\.float16 cannot hold"):
        waiting.fill(torch.float16)
