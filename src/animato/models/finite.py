"""Numbers that stopped being finite end the work at once: otherwise they would come out as a black video that looks like a success."""

from __future__ import annotations

import torch
from torch import Tensor

from animato.core.errors import NotFiniteError

TRY = {
    torch.float16: "float16 holds no number above 65504: choose float32 or bfloat16",
}
OTHERWISE = "the weights are damaged or do not fit, or a setting is far from what they were trained for: get them again, or set it back"


def check_finite(values: Tensor, what: str, dtype: torch.dtype) -> Tensor:
    """The same values. what: whose they are, such as "the VAE's picture"; dtype: in which they were computed. Raises NotFiniteError."""
    if torch.isfinite(values).all():
        return values
    advice = TRY.get(dtype, OTHERWISE)
    name = str(dtype).removeprefix("torch.")
    raise NotFiniteError(f"Values stopped being finite: {what}, computed in {name}. Nothing was written; {advice}.")
