"""Training UniAnimate: which conditions samples have, a step against an independent formula, clips of several lengths, whole runs."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from animato.core.errors import InputError
from animato.data.sample import Sample
from animato.models.unified import Given, UnifiedUNet
from animato.training.batch import Batch
from animato.training.conditions import Kept, condition, keep
from animato.training.loop import Training
from animato.training.objective import SubsetVelocity
from animato.training.recipe import Data, Networks, Optimizer, Recipe, Run, read_recipe
from animato.training.uni_animate import SubsetDraw, SubsetStep, draw_subsets
from animato.training.uni_animate_networks import UniNetworks, uni_networks
from tiny import normal, randomised
from trainees import make_trainee, train

RECIPE = read_recipe(Path(__file__).resolve().parents[2] / "recipes" / "uni-animate.toml")
UNET = {
    "in_channels": 12,
    "block_out_channels": [32, 32],
    "attention_levels": [True, False],
    "layers_per_block": 1,
    "context": [12, 2],
    "head_dim": 16,
    "entrance": [32, 2],
}
FRAMES, SIZE = 3, (8, 4)
TINY = replace(
    RECIPE,
    networks=Networks(unet=UNET, dropout=0.1),
    optimizer=Optimizer(lr=2e-3),
    data=Data(size=[16, 16], frames=FRAMES, lengths=[2, 3], people=1, length=4, together=True),
    run=Run(steps=4, batch=2, ema=0.9, checkpoint_every=2, sample_every=100, log_every=1),
)
ALONE = ("reference.over_frames", "reference_pose.over_frames", "first_frame.over_frames")  # attention to a single frame
Kind = Literal["attention", "mamba"]


def of_kind(kind: Kind, recipe: Recipe = TINY) -> Recipe:
    return replace(recipe, networks=replace(recipe.networks, temporal={"kind": kind}))


def samples(rows: int = 2) -> Batch:
    pictures = torch.Generator().manual_seed(3)
    nothing = torch.zeros(0)
    return Batch(
        normal(rows, FRAMES, 12, *SIZE),
        normal(rows, 1, 12, *SIZE, seed=2),
        normal(rows, 1, 12, seed=4),
        torch.rand(rows, FRAMES, 3, 32, 16, generator=pictures),
        *[nothing] * 3,
        torch.rand(rows, 1, 3, 32, 16, generator=pictures),
        torch.rand(rows, 1, 3, 16, 8, generator=pictures),
    )


def networks(kind: Kind = "attention") -> UniNetworks:
    made = randomised(uni_networks(of_kind(kind).networks, 1)).train()
    made.unet.drop(0.0)
    made.prompt.tokens = normal(1, 3, 12, seed=9)
    return made


def flags(*rows: str) -> Kept:
    """Of every row the conditions that it has, by their first letters."""
    return Kept(*(torch.tensor([letter in row for row in rows]) for letter in "ipfr"))


def of(batch: Batch, row: int, letters: str) -> Given:
    """The conditions of one row that these letters name, and no others."""
    one = slice(row, row + 1)
    return Given(
        batch.token[one] if "i" in letters else None,
        batch.reference[one] if "r" in letters else None,
        batch.given_skeleton[one] if "r" in letters else None,
        batch.skeletons[one] if "p" in letters else None,
        batch.first_frame[one] if "f" in letters else None,
    )


@torch.no_grad()
@pytest.mark.parametrize("rows", [("", "ipfr"), ("ip", "fr"), ("i", "p"), ("f", "r"), ("pfr", "ipf")])
def test_a_row_has_the_condition_of_what_it_keeps(rows: tuple[str, str]) -> None:
    """Also the null of guidance: without any, a row has the condition of an empty `Given`."""
    net, batch, prompt = networks().unet, samples(), normal(1, 3, 12, seed=9)
    whole = Given(batch.token, batch.reference, batch.given_skeleton, batch.skeletons, batch.first_frame)
    made = net(batch.latents, 500, condition(net, whole, flags(*rows), prompt))
    for row, letters in enumerate(rows):
        alone = net.condition(net.encode(of(batch, row, letters), prompt, SIZE), range(FRAMES))
        torch.testing.assert_close(made[row : row + 1], net(batch.latents[row : row + 1], 500, alone), rtol=1e-4, atol=1e-5)


def step(networks: UniNetworks, recipe: Recipe) -> SubsetStep:
    assert isinstance(recipe.objective, SubsetVelocity)
    return SubsetStep(networks, recipe.objective, recipe.noise)


def many(objective: SubsetVelocity, count: int = 4000) -> Kept:
    return keep(objective, [torch.Generator().manual_seed(seed) for seed in range(count)])


def test_shares_of_what_is_left_out() -> None:
    """A tenth has nothing, a tenth of the others all, and of the rest every condition its own share, one apart from the other."""
    drawn = torch.stack(many(replace(RECIPE.objective, drop=0.3)), dim=1)
    count = drawn.sum(1)
    mixed = 0.9 * 0.9
    assert float((count == 0).float().mean()) == pytest.approx(0.1 + mixed * 0.5**3 * 0.3, abs=0.02)
    assert float((count == 4).float().mean()) == pytest.approx(0.09 + mixed * 0.5**3 * 0.7, abs=0.02)
    assert drawn.float().mean(0).tolist() == pytest.approx([0.09 + mixed * 0.5] * 3 + [0.09 + mixed * 0.7], abs=0.025)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        both = float((drawn[:, one] & drawn[:, other]).float().mean())
        assert both == pytest.approx(0.09 + mixed * 0.25, abs=0.025)


def test_every_share_is_of_its_own_condition() -> None:
    none = replace(RECIPE.objective, drop_all=0.0, keep_all=0.0, drop_first=0.0, drop_each=0.0, drop=0.0)
    assert all(bool(part.all()) for part in many(none, 50))
    for name, letters in (("drop_first", "f"), ("drop_each", "ip"), ("drop", "r"), ("drop_all", "ipfr")):
        left = many(replace(none, **{name: 1.0}), 50)
        assert [bool(part.any()) for part in left] == [letter not in letters for letter in "ipfr"], name
    assert all(bool(part.all()) for part in many(replace(none, keep_all=1.0, drop_each=1.0), 50))


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 6), st.integers(0, 100))
def test_chance_does_not_depend_on_the_batch(rows: int, seed: int) -> None:
    """However samples are spread over batches and processes, each has its own time, noise and conditions."""
    latents = torch.zeros(rows, 2, 3, 2, 2)
    make = [torch.Generator().manual_seed(seed + row) for row in range(rows)]
    together = draw_subsets(RECIPE.objective, latents, make)
    for row in range(rows):
        alone = draw_subsets(RECIPE.objective, latents[:1], [torch.Generator().manual_seed(seed + row)])
        assert torch.equal(together.t[row], alone.t[0]) and torch.equal(together.noise[row], alone.noise[0])
        assert all(torch.equal(one[row], other[0]) for one, other in zip(together.kept, alone.kept, strict=True))


def test_noise_and_times() -> None:
    """Offsets are drawn for every channel of every frame; of 400 times none is more likely than another."""
    make = [torch.Generator().manual_seed(seed) for seed in range(400)]
    draw = draw_subsets(replace(RECIPE.objective, noise_offset=3.0), torch.zeros(400, 4, 3, 8, 8), make)
    means = draw.noise.mean((3, 4))  # B F C
    assert float(means.std()) == pytest.approx(3.0, abs=0.15)
    assert abs(float((means[:, 0] * means[:, 1]).mean())) < 1.0 and abs(float((means[:, :, 0] * means[:, :, 1]).mean())) < 1.0
    assert 440 < draw.t.float().mean() < 560 and draw.t.min() < 20 and draw.t.max() > 980


def test_noise_levels_are_those_of_the_published_schedule() -> None:
    """In double precision as published; diffusers' table of single precision is near."""
    levels = step(networks(), RECIPE).alphas_cumprod
    options = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "rescale_betas_zero_snr": True}
    torch.testing.assert_close(levels, DDIMScheduler(**options).alphas_cumprod, rtol=0, atol=1e-6)
    assert levels[-1] == 0 and float(levels[0]) == pytest.approx(0.99915, abs=1e-6) and levels.dtype == torch.float32


@pytest.mark.parametrize("kind", ["attention", "mamba"])
def test_a_step(kind: Kind) -> None:
    """Row by row: two rows at two times that have different conditions. All learns but queries and keys of attention to a single frame."""
    made, batch = networks(kind), samples()
    draw = SubsetDraw(torch.tensor([3, 999]), normal(2, FRAMES, 12, *SIZE, seed=5), flags("ip", "fr"))
    one = step(made, TINY)
    loss = one(batch, draw)["loss"]
    loss.backward()
    torch.testing.assert_close(loss.detach(), formula(made, batch, draw, ("ip", "fr")), rtol=1e-4, atol=1e-5)
    idle = {name for name, value in made.unet.named_parameters() if value.grad is None or not value.grad.any()}
    assert idle == {name for name in idle if name.startswith(ALONE) and name.endswith(("to_q.weight", "to_k.weight"))}
    assert not any(value.requires_grad for value in made.prompt.parameters())


@torch.no_grad()
def formula(made: UniNetworks, batch: Batch, draw: SubsetDraw, rows: tuple[str, ...]) -> Tensor:
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    root = (1 - betas).cumprod(0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    errors = []
    for row, letters in enumerate(rows):
        a = root[draw.t[row]].float()
        s = (1 - root[draw.t[row]] ** 2).sqrt().float()
        clean, noise = batch.latents[row : row + 1], draw.noise[row : row + 1]
        known = made.unet.condition(made.unet.encode(of(batch, row, letters), made.prompt.tokens, SIZE), range(FRAMES))
        errors.append((made.unet(a * clean + s * noise, int(draw.t[row]), known) - (a * noise - s * clean)).square().mean())
    return torch.stack(errors).mean()


@pytest.mark.parametrize("kind", ["attention", "mamba"])
def test_checkpointing_changes_no_gradient(kind: Kind) -> None:
    """With dropout, which is drawn alike the second time."""
    draw = SubsetDraw(torch.tensor([3, 700]), normal(2, FRAMES, 12, *SIZE, seed=5), flags("ipfr", "ip"))
    one = networks(kind)
    one.unet.drop(0.3)
    other = copy.deepcopy(one)
    other.unet.enable_gradient_checkpointing()
    for made in (one, other):
        torch.manual_seed(8)
        step(made, TINY)(samples(), draw)["loss"].backward()
    for (name, value), again in zip(one.named_parameters(), other.parameters(), strict=True):
        assert value.grad is not None and again.grad is not None
        torch.testing.assert_close(value.grad, again.grad, rtol=1e-4, atol=1e-5 * float(value.grad.abs().max()), msg=name)


def test_clips_of_several_lengths() -> None:
    """One length for all of a batch, each of the recipe's about as often; the first frames of the sample that would have been drawn."""
    trainee = make_trainee(TINY)
    lengths = list[int]()
    for step in range(60):
        drawn = trainee.samples([np.random.default_rng([step, row]) for row in range(2)])
        assert len({frames_of(one) for one in drawn}) == 1
        lengths.append(len(drawn[0].frames))
    assert set(lengths) == {2, 3} and 0.3 < np.mean(np.array(lengths) == 2) < 0.7
    whole = trainee.source.draw(np.random.default_rng(5))
    assert np.array_equal(whole.begun(2).frames, whole.frames[:2]) and frames_of(whole.begun(2)) == (2, 2)
    batch, draw = trainee.batch(0, range(2))
    assert batch.skeletons.shape[1] == batch.latents.shape[1] == draw.noise.shape[1]


def frames_of(sample: Sample) -> tuple[int, int]:
    return len(sample.frames), len(sample.poses)


def test_the_network_sees_pictures_as_when_it_is_used() -> None:
    """CLIP by the published filter, the first frame and skeletons in the VAE's size; the reference's, where it is drawn."""
    trainee = make_trainee(TINY)
    assert trainee.encoders.fit == "bilinear"
    sample = trainee.source.draw(np.random.default_rng(5))
    batch = trainee.encoders.batch([sample], [torch.Generator().manual_seed(0)])
    assert torch.equal(batch.first_frame[0, 0].permute(1, 2, 0), torch.from_numpy(sample.frames[0]) / 255)
    assert batch.given_skeleton.shape[:3] == (1, 1, 3) and batch.given_skeleton.any()
    white = replace(sample, standing=np.full((1, 16, 16, 3), 255, np.uint8))
    assert bool((trainee.encoders.batch([white], [torch.Generator()]).given_skeleton == 1).all())


class Stopped(Exception):
    pass


def stop(stage: str, done: int, total: int) -> None:
    if done == 3:
        raise Stopped


@pytest.mark.parametrize("kind", ["attention", "mamba"])
def test_a_run_goes_on_exactly(kind: Kind, tmp_path: Path) -> None:
    """With dropout and clips of several lengths: stopped after its checkpoint, the same losses and weights as without."""
    recipe = of_kind(kind)
    train(recipe, tmp_path / "whole")
    with pytest.raises(Stopped):
        train(recipe, tmp_path / "stopped", stop)
    train(recipe, tmp_path / "stopped")
    once, again = (written(tmp_path / name) for name in ("whole", "stopped"))
    assert all(torch.equal(again[name], value) for name, value in once.items())
    assert losses(tmp_path / "stopped")[-2:] == losses(tmp_path / "whole")[-2:]
    assert json.loads((tmp_path / "whole" / "networks" / "animato.json").read_text())["system"] == "uni-animate"
    assert (tmp_path / "whole" / "samples" / "000004.png").is_file()


def written(folder: Path) -> dict[str, Tensor]:
    files = sorted((folder / "networks").glob("*/*.safetensors"))
    return {f"{path.parent.name}.{name}": value for path in files for name, value in load_file(path).items()}


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "curve.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["attention", "mamba"])
def test_it_learns_a_batch(kind: Kind, tmp_path: Path) -> None:
    """By heart, with the loop's own optimizer. What begins as the identity has learned as well."""
    recipe = of_kind(kind, replace(TINY, networks=replace(TINY.networks, dropout=0.0), optimizer=Optimizer(lr=4e-3)))
    trainee = make_trainee(recipe)
    training = Training(trainee, tmp_path)
    batch, curve = trainee.batch(0, range(2)), []
    for _ in range(30):
        loss = training.step(*batch)["loss"]
        training.accelerator.backward(loss)
        training.optimizer.step()
        training.optimizer.zero_grad()
        curve.append(float(loss.detach()))
    assert np.mean(curve[-3:]) < 0.6 * np.mean(curve[:3])
    ends = [value for name, value in trainee.networks.named_parameters() if name.endswith("proj_out.weight") and "temp" in name]
    assert ends and all(bool(value.any()) for value in ends)


def test_a_network_goes_on_with_the_other_temporal_module(tmp_path: Path) -> None:
    """A folder that a run has left: what is not temporal stays, Mamba begins anew and changes nothing before it learns."""
    train(replace(TINY, run=replace(TINY.run, steps=1)), tmp_path)
    before = written(tmp_path)
    after = uni_networks(Networks(start=str(tmp_path / "networks"), temporal={"kind": "mamba"}), 1)
    assert isinstance(after.unet, UnifiedUNet) and after.unet.config.temporal == "mamba"
    state = after.state_dict()
    kept = {name for name in before if name in state}
    assert kept and all(torch.equal(before[name], state[name]) for name in kept)
    assert any("mamba" in name for name in state.keys() - kept)


def test_published_numbers() -> None:
    assert RECIPE.data.size == [512, 768] and RECIPE.data.lengths == [16, 32] and RECIPE.data.frames == 32
    assert (RECIPE.networks.dropout, RECIPE.objective.noise_offset, RECIPE.objective.snr_gamma) == (0.1, 0.1, 0.0)
    shown = RECIPE.objective
    assert isinstance(shown, SubsetVelocity)
    assert (shown.drop_first, shown.drop_each, shown.drop_all, shown.keep_all) == (0.5, 0.5, 0.1, 0.1)
    assert RECIPE.noise.rescale_betas_zero_snr and RECIPE.noise.beta_schedule == "scaled_linear" and not RECIPE.run.learn


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (replace(TINY, data=replace(TINY.data, lengths=[2, 4])), "must be from 1 to data.frames, which is 3"),
        (replace(TINY, data=replace(TINY.data, lengths=[0])), "must be from 1"),
        (Recipe(data=replace(TINY.data)), "does not learn from clips of several lengths"),
        (replace(TINY, objective=replace(TINY.objective, drop_all=1.5)), "objective.drop_all = 1.5 is no share"),
        (replace(TINY, networks=Networks(start="nowhere")), "nowhere has no unet, prompt"),
    ],
)
def test_recipes_that_cannot_be_trained(recipe: Recipe, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_trainee(recipe)
