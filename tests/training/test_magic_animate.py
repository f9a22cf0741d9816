"""Training MagicAnimate: a step of both stages against an independent formula, joint training, both stages one after the other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import tiny
from animato.core.errors import InputError
from animato.data.mixture import People
from animato.encoders.text import EmptyPrompt
from animato.models.condition import Residuals
from animato.models.plain import plain_unet
from animato.pose.surface.densepose import densepose_frames
from animato.sampling.schedule import NoiseSchedule
from animato.training.batch import Batch
from animato.training.chance import Draw, draw_evenly
from animato.training.loop import select
from animato.training.magic_animate import EpsilonStep, MagicNetworks, joint, magic_networks
from animato.training.objective import Epsilon, Velocity
from animato.training.recipe import Data, Networks, Optimizer, Recipe, Run, read_recipe
from magic_files import denoiser_file, only
from trainees import make_trainee, train
from weight_files import plain

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
NOISE = NoiseSchedule(prediction_type="epsilon", rescale_betas_zero_snr=False, timestep_spacing="leading")
UNET = {
    "in_channels": 12,
    "out_channels": 12,
    "block_out_channels": [32, 32],
    "layers_per_block": 1,
    "attention_levels": [True, False],
    "heads": 2,
    "cross_attention_dim": 12,
}
TEMPORAL = {"kind": "attention", "heads": 2, "positions": 4, "middle": False, "norm": "clip"}
IMAGE = Recipe(
    system="magic-animate",
    networks=Networks(unet=UNET, guider=[4, 8]),
    objective=Epsilon(noise_offset=0.0, drop=0.0, taus=[0.3]),
    noise=NOISE,
    optimizer=Optimizer(lr=1e-3),
    data=Data(size=[16, 16], frames=1, people=2, length=4),
    run=Run(steps=2, batch=2, checkpoint_every=2, sample_every=2, log_every=1, learn=["appearance_encoder.", "densepose_controlnet."]),
)
VIDEO = replace(
    IMAGE,
    objective=replace(IMAGE.objective, taus=[0.1, 0.3]),
    data=replace(IMAGE.data, frames=3, together=True),
    run=replace(IMAGE.run, learn=["*.motion_modules."]),
)


@pytest.mark.parametrize(("recipe", "frames"), [("magic-animate-image", 1), ("magic-animate-video", 3)])
def test_a_step(recipe: str, frames: int) -> None:
    """Loss and what learns, by the published recipe's choice of networks: the formula has two rows at two times, one after the other.

    Of 64 channels: with one channel in each group of a norm the time would make no difference.
    """
    options = read_recipe(RECIPES / f"{recipe}.toml")
    temporal = TEMPORAL | dict(options.networks.temporal) | {"heads": 2, "positions": 4} if options.networks.temporal else {}
    networks = magic_networks(Networks(unet=UNET | {"block_out_channels": [64, 64]}, guider=[4, 8], temporal=temporal), 1)
    networks = tiny.randomised(networks).train()
    networks.prompt.tokens = tiny.normal(1, 3, 12, seed=9)
    select(networks, options.run.learn, options.run.freeze)
    batch, draw = samples(frames), Draw(torch.tensor([3, 801]), tiny.normal(2, frames, 12, 8, 8, seed=4), False)
    loss = EpsilonStep(networks, Epsilon(), options.noise)(batch, draw)["loss"]
    loss.backward()
    torch.testing.assert_close(loss.detach(), formula(networks, batch, draw), rtol=1e-4, atol=1e-5)
    learned = {name for name, value in networks.named_parameters() if value.grad is not None and value.grad.any()}
    begins = ("appearance_encoder.", "densepose_controlnet.")
    assert learned and all((".motion_modules." in name) if temporal else name.startswith(begins) for name in learned)
    if not temporal:
        assert {name.split(".")[0] for name in learned} == {"appearance_encoder", "densepose_controlnet"}


@torch.no_grad()
def formula(networks: MagicNetworks, batch: Batch, draw: Draw) -> Tensor:
    """Row by row, in diffusers' terms and with the plain U-Net; the published linear betas."""
    level, errors = torch.cumprod(1 - torch.linspace(0.00085, 0.012, 1000), 0), []
    tokens, frames = networks.prompt.tokens, batch.latents.shape[1]
    for row, t in enumerate(draw.t.tolist()):
        x = level[t].sqrt() * batch.latents[row : row + 1] + (1 - level[t]).sqrt() * draw.noise[row : row + 1]
        skips, middle = networks.densepose_controlnet(x[0], t, tokens.expand(frames, -1, -1), batch.skeletons[row], return_dict=False)
        encoder = networks.appearance_encoder
        written = encoder.reference(batch.reference[row : row + 1], t, encoder.project_context(tokens))
        read = {name: torch.cat([value, value]) for name, value in written.items() if not name.startswith("down_blocks")}
        both = Residuals(tuple(torch.stack([skip, skip]) for skip in skips), torch.stack([middle, middle]))
        prediction = plain_unet(networks.denoising_unet, torch.cat([x, x]), t, torch.cat([tokens, tokens]), read, residuals=both)[1]
        errors.append((prediction - draw.noise[row]).square().mean())
    return torch.stack(errors).mean()


def samples(frames: int) -> Batch:
    nothing = torch.zeros(0)
    parts = torch.rand(2, frames, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    return Batch(tiny.normal(2, frames, 12, 8, 8), tiny.normal(2, 1, 12, 8, 8, seed=2), nothing, parts, *[nothing] * 5)


def test_joint_training() -> None:
    """A picture by itself, a single frame of another pose, a clip: by the thresholds, ends included."""
    sample = People(2, 4, 6.0, (32, 32), 3, together=True).draw(np.random.default_rng(1))
    taus = [0.25, 0.5]
    for r in (0.0, 0.25):
        alone = joint(sample, r, taus)
        assert len(alone.frames) == len(alone.poses) == 1
        assert np.array_equal(alone.reference, alone.frames[0]) and np.array_equal(alone.given.points, alone.poses.points)
        assert np.array_equal(alone.frames[0], sample.frames[0]) and np.array_equal(alone.poses.points, sample.poses.points[:1])
    ready = joint(replace(sample, drawn=sample.frames, standing=sample.reference[None]), 0.0, taus)
    assert ready.drawn is not None and ready.drawn is ready.standing and np.array_equal(ready.drawn, sample.frames[:1])
    for r in (0.26, 0.5):
        single = joint(sample, r, taus)
        assert len(single.frames) == len(single.poses) == 1 and np.array_equal(single.reference, sample.reference)
    assert joint(sample, 0.51, taus) is sample and joint(sample, 0.26, [0.25]) is sample and joint(sample, 0.0, []) is sample


def test_shares_of_joint_training() -> None:
    """Over many steps, as often as the recipe says, and all rows of a batch alike."""
    trainee = make_trainee(VIDEO)
    lengths = [
        [len(one.frames) for one in trainee.samples([np.random.default_rng([step, row]) for row in range(2)])] for step in range(120)
    ]
    assert all(len(set(row)) == 1 for row in lengths)
    assert 0.2 < np.mean([row[0] == 1 for row in lengths]) < 0.42


def test_body_parts_are_what_the_stem_sees() -> None:
    """In the size that it brings down to that of latents: patches halve once, this stem does so, too."""
    trainee = make_trainee(replace(IMAGE, objective=replace(IMAGE.objective, taus=[])))
    sample = trainee.samples([np.random.default_rng(5)])[0]
    batch = trainee.encoders.batch([sample], [torch.Generator().manual_seed(0)])
    parts = batch.skeletons[0].permute(0, 2, 3, 1) * 255
    assert torch.equal(parts.round().to(torch.uint8), torch.from_numpy(densepose_frames(replace(sample.poses, mask=None), (16, 16))))
    assert batch.latents.shape == (1, 1, 12, 8, 8)


def test_chance_has_even_times_and_drops_as_often_as_it_should() -> None:
    objective = replace(IMAGE.objective, drop=0.25)
    draws = [draw_evenly(objective, torch.zeros(1, 1, 1, 1, 1), [torch.Generator().manual_seed(seed)]) for seed in range(400)]
    times = torch.cat([draw.t for draw in draws]).float()
    assert 440 < times.mean() < 560 and times.min() < 20 and times.max() > 980
    assert 0.18 < np.mean([draw.dropped for draw in draws]) < 0.32


def test_both_stages(tmp_path: Path) -> None:
    """What learns is written with what does not; the second stage begins with the first one's networks and new motion modules."""
    train(IMAGE, tmp_path / "image")
    start = magic_networks(IMAGE.networks, IMAGE.run.seed).state_dict()
    first = written(tmp_path / "image" / "networks")
    moved = {name.split(".")[0] for name, value in first.items() if not torch.equal(value, start[name])}
    assert moved == {"appearance_encoder", "densepose_controlnet"} and first.keys() == start.keys()
    assert (tmp_path / "image" / "samples" / "000002.png").is_file()
    video = replace(VIDEO, networks=Networks(start=str(tmp_path / "image" / "networks"), temporal=TEMPORAL))
    train(video, tmp_path / "video")
    second = written(tmp_path / "video" / "networks")
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert any(value.any() for name, value in second.items() if ".proj_out.weight" in name and ".motion_modules." in name)
    assert json.loads((tmp_path / "video" / "networks" / "animato.json").read_text())["system"] == "magic-animate"
    assert isinstance(EmptyPrompt.from_pretrained(tmp_path / "video" / "networks" / "prompt"), EmptyPrompt)


def test_motion_modules_begin_as_animatediffs_first(tmp_path: Path) -> None:
    """Under the published names, with tables of positions and nothing in the middle block."""
    options = Networks(unet=UNET, guider=[4, 8], temporal=TEMPORAL)
    other = tiny.randomised(magic_networks(options, 1)).denoising_unet
    plain(only(denoiser_file(other, 4), True), tmp_path / "mm_sd_v15.ckpt")
    begun = magic_networks(replace(options, motion_start=str(tmp_path / "mm_sd_v15.ckpt")), 1).denoising_unet
    for name, value in begun.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]) == (".motion_modules." in name), name


def written(folder: Path) -> dict[str, Tensor]:
    return {
        f"{path.parent.name}.{name}": value
        for path in folder.glob("*/diffusion_pytorch_model.safetensors")
        for name, value in load_file(path).items()
    }


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (replace(IMAGE, system="animate-anyone"), "animate-anyone learns by the objective velocity or clean or fetch, not 'epsilon'"),
        (replace(IMAGE, objective=Velocity()), "magic-animate learns by the objective epsilon or clean or fetch, not 'velocity'"),
        (replace(IMAGE, objective=replace(IMAGE.objective, taus=[1.2])), "must be one or two rising numbers"),
        (replace(VIDEO, objective=replace(IMAGE.objective, taus=[0.5, 0.3])), "must be one or two rising numbers"),
        (replace(IMAGE, objective=replace(IMAGE.objective, taus=[0.1, 0.3])), "which are for clips"),
        (replace(IMAGE, networks=Networks(start="nowhere")), "nowhere has no denoising_unet"),
    ],
)
def test_recipes_that_cannot_be_trained(recipe: Recipe, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_trainee(recipe)
