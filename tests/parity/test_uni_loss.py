"""The error of UniAnimate's training gives what the published code's loss gave."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from animato.sampling.ddim import alphas
from animato.training.loss import levels, velocity_loss
from moore import assert_near, tensors

LOSS = 1e-5


@pytest.mark.parity("loss_*.safetensors")
def test_loss_of_every_sample(fixture_file: Path) -> None:
    """Against the velocity of the noise and the clean latents at each sample's own level; also that of a network that says nothing."""
    recorded = tensors(fixture_file)
    clean, noise, output, t = (recorded[f"inputs.{name}"] for name in ("x0", "noise", "model_out", "t"))
    a, s = levels(alphas().float(), t)
    velocity = a * noise - s * clean
    for row, target in enumerate(velocity.split(1)):
        for name, said in (("loss_per_sample", output), ("loss_if_out_zero", torch.zeros_like(output))):
            assert_near(velocity_loss(said[row : row + 1], target, torch.ones(1)), recorded[f"outputs.{name}"][row], LOSS)
