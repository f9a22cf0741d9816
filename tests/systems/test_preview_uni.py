"""UniAnimate's preview models as shipped, and the training that makes such models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from animato.core.errors import InputError, MissingModelError
from animato.encoders.codec import FrameCodec
from animato.models.trunk import Kind
from animato.people.people import clip
from animato.pose.keypoints import PoseSequence
from animato.sampling.plan import Chain, Windows
from animato.systems.known import card
from animato.systems.preview import SIZE, Preview
from animato.systems.previews.uni_animate import SETTINGS, load
from animato.systems.scene import Scene
from animato.training.copying import exactly
from animato.training.objective import BegunClean
from animato.training.recipe import Data, Networks, Recipe, Run
from animato.training.trainee import Trainee
from animato.training.uni_animate_networks import uni_networks
from trainees import assert_adds_nothing, make_trainee, train

FOLDERS = card("uni-animate").previews
SHAPE = {"in_channels": 12, "block_out_channels": [32, 32], "layers_per_block": 1, "attention_levels": [False, True]}
UNET = SHAPE | {"head_dim": 16, "entrance": [32, 2], "context": [12, 2]}
RECIPE = Recipe(
    system="uni-animate",
    networks=Networks(unet=UNET, copy_head="limbs"),
    objective=BegunClean(noise_offset=0.0, same_noise=True),
    data=Data(size=[128, 128], frames=2, together=True, people=2, length=4),
    run=Run(steps=2, batch=2, checkpoint_every=1, sample_every=100, log_every=1, seed=3),
)
KINDS: tuple[Kind, ...] = ("attention", "mamba")


def recipe(kind: Kind, **changes: object) -> Recipe:
    networks = {"temporal": {"kind": kind}} | changes
    return replace(RECIPE, networks=replace(RECIPE.networks, **networks))


def trainee(kind: Kind = "attention", random: bool = False, **objective: float) -> Trainee:
    made = make_trainee(replace(recipe(kind), objective=replace(RECIPE.objective, **objective)))
    if random:
        for value in made.networks.parameters():
            torch.nn.init.normal_(value, std=0.05)
    return made


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> Preview:
    return load(FOLDERS[request.param])


def scene(length: int, size: tuple[int, int] = SIZE, seed: int = 5) -> tuple[np.ndarray, PoseSequence, PoseSequence]:
    frames, poses = clip(seed, "walk", length, size, 6.0)
    return frames, poses.frames(slice(0, 1)), poses


def test_long_video_both_ways(model: Preview) -> None:
    """A chain of one clip is the clip; of several it is told the last frame of the one before, and windows are not."""
    frames, given, poses = scene(5)

    def made(window: Windows | Chain, batch: int = 1) -> np.ndarray:
        return np.stack(list(model.animate(Scene(frames[0], given, poses), replace(SETTINGS, window=window, batch=batch))))

    whole = made(Windows(8, 2, end="last"))
    assert np.array_equal(whole, made(Chain(5)))
    chained = made(Chain(3))
    assert chained.shape == whole.shape and not np.array_equal(chained[3:], whole[3:])
    assert np.abs(made(Windows(3, 1, end="last"), 2).astype(int) - made(Windows(3, 1, end="last"))).max() <= 1


def test_what_is_handed_on_counts() -> None:
    """Of a network in which all counts the second clip depends on the anchor of the frame that it begins with, and the first does not."""
    model = replace(load(FOLDERS["attention"]))
    tiny.randomised(model.page.unet)
    frames, given, poses = scene(5)
    one, other = (
        np.stack(list(model.animate(Scene(frames[0], given, poses), replace(SETTINGS, window=Chain(3, anchor))))) for anchor in (0, 1)
    )
    assert np.array_equal(one[:3], other[:3]) and not np.array_equal(one[3:], other[3:])


def test_bad_input(model: Preview, tmp_path: Path) -> None:
    frames, given, poses = scene(2, (64, 64))
    with pytest.raises(InputError):
        model.animate(Scene(frames[0][:32], given, poses))
    with pytest.raises(InputError, match="scheduler"):
        model.animate(Scene(frames[0], given, poses), replace(SETTINGS, scheduler="Nobody"))
    with pytest.raises(MissingModelError, match="unet"):
        load(tmp_path)


def test_both_kinds_begin_alike() -> None:
    """Whatever the temporal module, all else has the same values, and before it has learned, gives the same."""
    plain, mamba = (make_trainee(recipe(kind)) for kind in KINDS)
    known, other = (one.networks.state_dict() for one in (plain, mamba))
    shared = set(known) & set(other)
    assert len(shared) > len(known) / 2 and all(torch.equal(known[name], other[name]) for name in shared)
    assert any(".module.mamba_blocks." in name for name in set(other) - shared)
    for one in (plain, mamba):
        torch.nn.init.normal_(one.networks.unet.trunk.conv_out.weight, std=0.05, generator=torch.Generator().manual_seed(1))
    batch, draw = plain.batch(0, range(2))
    with torch.no_grad():
        losses = [one.step(batch, draw)["loss"] for one in (plain, mamba)]
    torch.testing.assert_close(*losses)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_model_gives_what_was_chosen(kind: Kind) -> None:
    """Before it has learned the network adds nothing: x0 is the fetched base as noise and times make of it."""
    made = trainee(kind)
    assert_adds_nothing(made)


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_learns(kind: Kind) -> None:
    """One step against the formula of the loss, and gradients in every part, in the temporal modules, too."""
    made = trainee(kind, random=True, drop_first=0.0)
    batch, draw = made.batch(0, range(2))
    logs = made.step(batch, draw)
    copied = exactly(made.networks.copy_head, batch)
    x0 = made.step.made(batch, draw, copied)
    error = ((1 + 3 * batch.mask) * (x0 - batch.latents) ** 2).mean() + 0.5 * ((copied.base - batch.latents) ** 2).mean()
    torch.testing.assert_close(logs["loss"], error)
    logs["loss"].backward()
    still = {name for name, value in made.networks.named_parameters() if value.grad is None or not value.grad.any()}
    alone = ("to_q.weight", "to_k.weight")  # attention over a single frame, which is told for all, asks nothing
    assert not {name for name in still if not (name.startswith("unet.first_frame.over_frames.") and name.endswith(alone))}


@pytest.mark.parametrize(("share", "learns"), [(1.0, False), (0.0, True)])
def test_the_first_frame_is_told_or_not(share: float, learns: bool) -> None:
    made = trainee(random=True, drop_first=share)
    batch, draw = made.batch(0, range(2))
    assert draw.first.shape == (2, 1, 1, 1, 1) and bool(draw.first.all()) == learns == bool(draw.first.any())
    made.step(batch, draw)["loss"].backward()
    assert bool(made.networks.unet.first_frame.stem[0].weight.grad.any()) == learns


def test_the_first_frame_is_the_first_that_is_driven() -> None:
    made = trainee()
    batch, _ = made.batch(0, range(1))
    pixels = FrameCodec(made.encoders.vae).decode(batch.latents[0, :1])
    torch.testing.assert_close(batch.first_frame[0], pixels, atol=1e-6, rtol=0)


def test_a_copy_head_that_has_learned_is_taken_over(tmp_path: Path) -> None:
    """All but what it gave to another network. A head that goes by something else is refused."""
    head = tiny.randomised(uni_networks(recipe("attention").networks, 0).copy_head)
    head.save_pretrained(tmp_path / "copy_head")
    taken = uni_networks(recipe("mamba", copy_start=str(tmp_path)).networks, 1).copy_head.state_dict()
    entering = {name for name in taken if name.startswith("enter.")}
    assert entering and not any(torch.equal(taken[name], head.state_dict()[name]) for name in entering)
    assert all(torch.equal(taken[name], value) for name, value in head.state_dict().items() if name not in entering)
    with pytest.raises(InputError, match="copy_start"):
        uni_networks(recipe("mamba", copy_start=str(tmp_path), copy_head="parts").networks, 1)
    with pytest.raises(InputError, match="no copy head"):
        uni_networks(recipe("mamba", copy_start=str(tmp_path / "nowhere")).networks, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_a_preview_model(tmp_path: Path, kind: Kind) -> None:
    """And a start for the other kind of temporal module, which then changes nothing yet."""
    train(recipe(kind), tmp_path)
    frames, given, poses = scene(2, (60, 90))
    made = load(tmp_path / "networks").animate(Scene(frames[0], given, poses))
    assert np.stack(list(made)).shape == frames.shape
    other = KINDS[kind == "attention"]
    net = uni_networks(recipe(other, start=str(tmp_path / "networks")).networks, 0).unet
    known = load(tmp_path / "networks").page.unet.state_dict()
    assert net.config.temporal == other
    assert all(torch.equal(value, known[name]) for name, value in net.state_dict().items() if name in known)
