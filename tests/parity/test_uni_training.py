"""The loss of UniAnimate's training is the one left in the published code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from animato.sampling.ddim import alphas
from animato.training.loss import levels, velocity_loss
from animato.training.uni_animate import noised
from moore import assert_near, frames_second, tensors

TOLERANCE = 1e-5


@pytest.mark.parity("loss_*.safetensors")
def test_loss(fixture_file: Path) -> None:
    """Of every sample, for the recorded prediction and for one that is zero; at the last time nothing of the clip is left."""
    recorded = tensors(fixture_file)
    clean, noise, output = (frames_second(recorded[f"inputs.{name}"]) for name in ("x0", "noise", "model_out"))
    x, v = noised(clean, noise, *levels(alphas().float(), recorded["inputs.t"]))
    assert_near(frames_second(x), recorded["outputs.xt"], TOLERANCE)
    assert_near(losses(output, v), recorded["outputs.loss_per_sample"], TOLERANCE)
    assert_near(losses(torch.zeros_like(v), v), recorded["outputs.loss_if_out_zero"], TOLERANCE)


def losses(output: Tensor, v: Tensor) -> Tensor:  # B F C h w -> B
    return torch.stack([velocity_loss(output[row : row + 1], v[row : row + 1], torch.ones(1)) for row in range(len(v))])
