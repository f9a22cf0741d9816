"""The Pose Guider is the conditioning stem of a ControlNet, frame by frame."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding

import tiny
from animato.models.pose_guider import PoseGuider


@torch.no_grad()
def test_as_diffusers() -> None:
    mine = tiny.randomised(PoseGuider(32, (4, 8, 12, 16)))
    other = ControlNetConditioningEmbedding(32, block_out_channels=(4, 8, 12, 16))
    other.load_state_dict(mine.state_dict())
    skeletons = torch.rand(2, 3, 3, 48, 40, generator=torch.Generator().manual_seed(0))
    features = mine(skeletons)
    assert features.shape == (2, 3, 32, 6, 5)
    torch.testing.assert_close(features.flatten(0, 1), other(skeletons.flatten(0, 1)), atol=1e-6, rtol=0)


def test_begins_without_a_pose() -> None:
    assert not PoseGuider(32, (4, 8))(torch.rand(1, 2, 3, 16, 16)).any()


@torch.no_grad()
def test_saved_and_loaded(tmp_path: Path) -> None:
    guider = tiny.randomised(PoseGuider(32, (4, 8, 12)))
    guider.save_pretrained(tmp_path)
    skeletons = torch.rand(1, 2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(PoseGuider.from_pretrained(tmp_path)(skeletons), guider(skeletons), atol=1e-6, rtol=0)
