"""MagicAnimate's preview model as shipped, and the training that makes such models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from animato.core.errors import InputError, MissingModelError
from animato.core.media import Clip
from animato.people.people import clip
from animato.sampling.plan import Windows
from animato.systems.known import ATTENTION, card
from animato.systems.preview import Preview
from animato.systems.previews.magic_animate import SETTINGS, load
from animato.systems.scene import BodyParts, Scene
from animato.training.copying import exactly
from animato.training.magic_animate import MagicCleanStep
from animato.training.objective import Clean
from animato.training.recipe import Data, Networks, Recipe, Run
from trainees import assert_adds_nothing, make_trainee, train

FOLDER = card("magic-animate").previews[ATTENTION]
UNET = {"in_channels": 12, "out_channels": 12, "block_out_channels": [32, 32], "layers_per_block": 1}
SHAPE = UNET | {"attention_levels": [False, True], "heads": 2, "cross_attention_dim": 12}
TEMPORAL = {"kind": "attention", "heads": 2, "positions": 24, "middle": False, "norm": "clip"}
RECIPE = Recipe(
    system="magic-animate",
    networks=Networks(unet=SHAPE, temporal=TEMPORAL, guider=[4, 8], copy_head="parts"),
    objective=Clean(same_noise=True, noise_offset=0.0),
    data=Data(size=[128, 128], frames=2, people=2, length=4),
    run=Run(steps=1, batch=2),
)


@pytest.fixture(scope="module")
def model() -> Preview:
    return load(FOLDER)


def test_bad_input(model: Preview, tmp_path: Path) -> None:
    frames, poses = clip(5, "walk", 2, (64, 64), 6.0)
    with pytest.raises(InputError):
        model.animate(Scene(frames[0][:32], poses.frames(slice(0, 1)), poses))
    with pytest.raises(InputError, match="DensePose video"):
        model.animate(Scene(frames[0], poses.frames(slice(0, 1)), BodyParts(Clip.of(frames, 6))))
    with pytest.raises(InputError, match="24 positions"):
        long = poses.frames(np.resize([0, 1], 30))
        model.animate(Scene(frames[0], poses.frames(slice(0, 1)), long), replace(SETTINGS, window=Windows(30, 2)))
    with pytest.raises(MissingModelError, match="denoising_unet"):
        load(tmp_path)


def test_a_new_model_gives_what_was_chosen() -> None:
    """Before it has learned the U-Net adds nothing: x0 is the fetched base as noise and times make of it, for each sample at its time."""
    trainee = make_trainee(RECIPE)
    assert isinstance(trainee.step, MagicCleanStep)
    assert_adds_nothing(trainee)


def test_every_network_learns() -> None:
    """One step against the formula of the loss, and gradients wherever the output is reached."""
    trainee = make_trainee(RECIPE)
    for value in trainee.networks.parameters():
        torch.nn.init.normal_(value, std=0.05)
    batch, draw = trainee.batch(0, range(2))
    logs = trainee.step(batch, draw)
    copied = exactly(trainee.networks.copy_head, batch)
    made = trainee.step.made(batch, draw, copied)
    error = ((1 + 3 * batch.mask) * (made - batch.latents) ** 2).mean() + 0.5 * ((copied.base - batch.latents) ** 2).mean()
    torch.testing.assert_close(logs["loss"], error)
    logs["loss"].backward()
    for part in (part for name, part in trainee.networks.named_children() if name != "prompt"):
        assert any(value.grad is not None and value.grad.abs().max() > 0 for value in part.parameters())


def test_a_run_is_a_preview_model(tmp_path: Path) -> None:
    train(RECIPE, tmp_path)
    frames, poses = clip(5, "walk", 2, (60, 90), 6.0)
    made = load(tmp_path / "networks").animate(Scene(frames[0], poses.frames(slice(0, 1)), poses))
    assert np.stack(list(made)).shape == frames.shape
    with pytest.raises(InputError, match="goes by parts"):
        make_trainee(replace(RECIPE, networks=replace(RECIPE.networks, copy_head="limbs")))
