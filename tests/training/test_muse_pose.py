"""MusePose trains on the loop of Animate Anyone: its own drawing and squashed pictures, and what it leaves is MusePose's."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from animato.core.media import Clip, write_clip
from animato.people.people import clip
from animato.pose.draw import skeletons
from animato.pose.io import save_poses
from animato.pose.styles import muse_pose
from animato.sampling.schedule import NoiseSchedule
from animato.training.batch import row_generator
from animato.training.recipe import Data, Networks, Recipe, Run
from animato.weights.own import trained_noise
from tiny import PATCHES
from trainees import make_trainee, train

TEMPORAL = {"kind": "attention", "heads": 2, "positions": 128, "middle": True, "norm": "frame"}
NOISE = NoiseSchedule(beta_schedule="scaled_linear")


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """The second stage on one video of a wide shape, at the size of a thumbnail."""
    frames, poses = clip(1, "wave", 6, (64, 48), 6.0)
    write_clip(Clip.of(frames, Fraction(6)), tmp_path / "a.mp4")
    save_poses(poses, tmp_path / "a.npz")
    (tmp_path / "index.json").write_text(json.dumps([{"video_path": "a.mp4", "kps_path": "a.npz"}]))
    data = Data(index=str(tmp_path / "index.json"), size=[16, 16], frames=3, together=True, rate=1, fast=5.0, cut="squash")
    run = Run(steps=2, learn=["*.motion_modules."], checkpoint_every=2, sample_every=100)
    return Recipe("muse-pose", Networks(unet=PATCHES, temporal=TEMPORAL, guider=[4, 8]), noise=NOISE, data=data, run=run)


def test_the_batch_of_a_step(recipe: Recipe) -> None:
    trainee = make_trainee(recipe)
    batch, _ = trainee.batch(3, range(1))
    sample = trainee.source.draw(row_generator(recipe.run.seed, 3, 0)[0])
    drawn = np.stack(list(skeletons(sample.poses, muse_pose.STYLE, (16, 16))))
    assert sample.poses.size == (64, 48) and drawn.any()
    assert torch.equal(batch.skeletons, torch.from_numpy(drawn).permute(0, 3, 1, 2)[None] / 255)
    assert batch.latents.shape == (1, 3, 12, 8, 8)


def test_what_a_run_leaves(recipe: Recipe, tmp_path: Path) -> None:
    train(recipe, tmp_path / "run")
    said = json.loads((tmp_path / "run" / "networks" / "animato.json").read_text())
    assert said["system"] == "muse-pose" and trained_noise(tmp_path / "run" / "networks", NoiseSchedule()) == NOISE
    assert json.loads((tmp_path / "run" / "networks" / "denoising_unet" / "config.json").read_text())["temporal"]["positions"] == 128
