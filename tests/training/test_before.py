"""Recipes and half-done runs of before objectives were apart: then one record had the fields of every kind, and runs wrote them all."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from animato.core.errors import InputError
from animato.training import animate_anyone, magic_animate, muse_pose, uni_animate
from animato.training.check import Requirements, fitted, written
from animato.training.loop import check_same
from animato.training.objective import BegunClean, Clean, Epsilon, Fetch, Objective, SubsetVelocity, Velocity
from animato.training.recipe import Data, Networks, Recipe, Run, read_recipe
from tiny import PATCHES
from trainees import train

FETCH = """
[networks]
start = "out/animate-anyone-preview-start/networks"
copy_head = "limbs"

[objective]
kind = "fetch"
base = 0.3
noise_offset = 0.0
"""
PUBLISHED = """
system = "muse-pose"

[objective]
kind = "velocity"
noise_offset = 0.05
snr_gamma = 5.0
drop = 0.1
"""
EPSILON = """
system = "magic-animate"

[objective]
kind = "epsilon"
taus = [0.1, 0.3] # tau_1 and tau_2
drop = 0.0
noise_offset = 0.0
"""
SUBSETS = """
system = "uni-animate"

[objective]
kind = "velocity"
snr_gamma = 0.0
noise_offset = 0.1
drop_first = 0.4
drop_each = 0.5
drop_all = 0.1
keep_all = 0.1
drop = 0.1
"""
BEGUN = """
system = "uni-animate"

[networks]
copy_head = "limbs"

[objective]
kind = "clean"
pure = 0.4
person = 3.0
base = 0.0
same_noise = true
noise_offset = 0.0
drop_first = 0.5
"""
ALL = """
noise_offset = 0.05
snr_gamma = 5.0
drop = 0.1
drop_first = 0.5
drop_each = 0.5
drop_all = 0.1
keep_all = 0.1
pure = 0.4
person = 3.0
base = 0.5
same_noise = false
taus = []
"""
OBJECTIVE = (  # as a run wrote it, which had asked for the objective "velocity" and nothing else
    '{"kind": "velocity", "noise_offset": 0.05, "snr_gamma": 5.0, "drop": 0.1, "drop_first": 0.5, "drop_each": 0.5, "drop_all": 0.1, '
    '"keep_all": 0.1, "pure": 0.4, "person": 3.0, "base": 0.5, "same_noise": false, "taus": []}'
)
NETWORKS = (
    '{"start": "", "guider_start": "", "motion_start": "", "copy_start": "", "dropout": 0.0, "unet": {}, "temporal": {}, '
    '"guider": [16, 32, 96, 256], "copy_head": "", "vae": "", "clip": ""}'
)
REST = (
    '{"noise": {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear", "prediction_type": "v_prediction", '
    '"rescale_betas_zero_snr": true, "timestep_spacing": "trailing", "steps_offset": 1, "set_alpha_to_one": true, "clip_sample": false}, '
    '"optimizer": {"lr": 1e-05, "betas": [0.9, 0.999], "weight_decay": 0.01, "eps": 1e-08, "clip": 1.0, "warmup": 1, "decay": 0.0}, '
    '"data": {"index": "", "size": [768, 768], "frames": 1, "lengths": [], "together": false, "rate": 4, "margin": 30, "fast": 0.0, '
    '"cut": "whole", "scale": [0.9, 1.0], "people": 2400, "length": 12, "fps": 6.0}, '
    '"run": {"steps": 1000, "batch": 1, "accumulate": 1, "seed": 12580, "ema": 0.0, "precision": "no", "checkpointing": false, '
    '"checkpoint_every": 200, "sample_every": 200, "log_every": 10, "learn": [], "freeze": []}}'
)
ANYONE, MUSE, MAGIC, UNI = (module.NEEDS for module in (animate_anyone, muse_pose, magic_animate, uni_animate))


def read(text: str, folder: Path, needs: Requirements) -> Recipe:
    (folder / "recipe.toml").write_text(text)
    return fitted(read_recipe(folder / "recipe.toml"), needs)


@pytest.mark.parametrize(
    ("text", "needs", "objective"),
    [
        (FETCH, ANYONE, Fetch(base=0.3)),
        (PUBLISHED, MUSE, Velocity()),
        (EPSILON, MAGIC, Epsilon(noise_offset=0.0, drop=0.0, taus=[0.1, 0.3])),
        (SUBSETS, UNI, SubsetVelocity(noise_offset=0.1, snr_gamma=0.0, drop_first=0.4)),
        (BEGUN, UNI, BegunClean(noise_offset=0.0, same_noise=True, base=0.0)),
        ("", ANYONE, Velocity()),
        ('system = "uni-animate"', UNI, SubsetVelocity()),
    ],
)
def test_recipes_of_before(text: str, needs: Requirements, objective: Objective, tmp_path: Path) -> None:
    recipe = read(text, tmp_path, needs)
    assert recipe.objective == objective and recipe.system == needs.system


@pytest.mark.parametrize("needs", [ANYONE, MAGIC, UNI])
def test_every_field_written_out_at_what_it_was_by_default(needs: Requirements, tmp_path: Path) -> None:
    for record in needs.objectives:
        assert read(f'[objective]\nkind = "{record.kind}"{ALL}', tmp_path, needs).objective == record()


@pytest.mark.parametrize(
    ("text", "needs", "words"),
    [
        ('kind = "fetch"\npure = 0.7', ANYONE, "'pure' means nothing for the kind 'fetch', which has person, base"),
        ('kind = "epsilon"\nsnr_gamma = 3.0', MAGIC, "'snr_gamma' means nothing for the kind 'epsilon'"),
        ("drop_first = 0.3", ANYONE, "drop_first means nothing for animate-anyone, whose 'velocity' has noise_offset, same_noise"),
        ('kind = "clean"\ndrop_first = 0.3', MAGIC, "drop_first means nothing for magic-animate"),
        ("taus = [0.3]", ANYONE, "'taus' means nothing"),
    ],
)
def test_a_field_that_means_nothing_cannot_be_set(text: str, needs: Requirements, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read("[objective]\n" + text, tmp_path, needs)


def ran(recipe: Recipe, **objective: Any) -> dict[str, Any]:
    """What a run by this recipe wrote, and for whatever meant nothing to it the values given here."""
    asked = {"kind": recipe.objective.kind} | asdict(recipe.objective)
    return {
        "system": recipe.system,
        "networks": json.loads(NETWORKS) | asdict(recipe.networks),
        "objective": json.loads(OBJECTIVE) | objective | asked,
        **json.loads(REST),
        "data": json.loads(REST)["data"] | asdict(recipe.data),
        "run": json.loads(REST)["run"] | asdict(recipe.run),
    }


@pytest.mark.parametrize(
    ("needs", "objective"),
    [
        (ANYONE, Velocity(drop=0.2)),
        (MUSE, Velocity()),
        (ANYONE, Clean(pure=0.3)),
        (MAGIC, Epsilon(taus=[0.3])),
        (MAGIC, Fetch()),
        (UNI, SubsetVelocity(drop_first=0.3)),
        (UNI, BegunClean(drop_first=0.3)),
    ],
)
def test_what_a_run_of_before_wrote(needs: Requirements, objective: Objective, tmp_path: Path) -> None:
    """It is the recipe that it was, whatever the fields that meant nothing; a field that meant something counts."""
    recipe = Recipe(needs.system, objective=objective)
    for known in (ran(recipe), ran(recipe, taus=[0.9], noise_offset=0.7, drop_all=0.3)):
        known["networks"]["dropout" if needs is not UNI else "guider_start"] = 0.2 if needs is not UNI else "somewhere"
        assert written(known, needs, "run") == recipe
        check_same(known, recipe, needs, tmp_path)
    name, value = next(iter(asdict(objective).items()))
    known = ran(recipe)
    known["objective"][name] = value + 0.1
    with pytest.raises(InputError, match="another recipe"):
        check_same(known, recipe, needs, tmp_path)


def test_a_run_of_another_system_or_kind_is_another_one(tmp_path: Path) -> None:
    for other in (Recipe("magic-animate", objective=Epsilon()), Recipe("animate-anyone", objective=Fetch())):
        with pytest.raises(InputError, match="another recipe"):
            check_same(ran(other), Recipe("animate-anyone"), ANYONE, tmp_path)


def test_a_run_of_before_goes_on(tmp_path: Path) -> None:
    recipe = Recipe(
        networks=Networks(unet=PATCHES, guider=[4, 8], copy_head="limbs"),
        objective=Fetch(),
        data=Data(size=[16, 16], people=1, length=2),
        run=Run(steps=1, sample_every=9),
    )
    train(recipe, tmp_path)
    path = tmp_path / "checkpoints" / "000001" / "checkpoint.json"
    state = json.loads(path.read_text())
    state["recipe"] = ran(replace(recipe, system="animate-anyone", run=replace(recipe.run, steps=2)), noise_offset=0.0)
    del state["recipe"]["run"]["keep"]
    path.write_text(json.dumps(state))
    train(replace(recipe, run=replace(recipe.run, steps=2)), tmp_path)
    assert json.loads((tmp_path / "latest.json").read_text())["checkpoint"] == "000002"
