"""Recipes: read, changed, refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from animato.core.errors import InputError
from animato.training import animate_anyone, magic_animate, muse_pose, uni_animate
from animato.training.check import Requirements, check_fields, check_numbers, checked
from animato.training.recipe import build_recipe, plain, read_recipe
from trainees import make_trainee

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
NEEDS = {module.NEEDS.system: module.NEEDS for module in (animate_anyone, muse_pose, magic_animate, uni_animate)}


def needs_of(file: Path) -> Requirements:
    """Of the system that a shipped recipe's file is named after."""
    return next(needs for system, needs in NEEDS.items() if file.stem.startswith(system))


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.toml")), ids=lambda file: file.stem)
def test_shipped_recipes_can_be_read_and_written_out(file: Path) -> None:
    recipe = checked(read_recipe(file), needs_of(file))
    assert build_recipe(plain(recipe), "again") == recipe


def test_published_numbers() -> None:
    image, video = (read_recipe(RECIPES / f"animate-anyone-{stage}.toml") for stage in ("image", "video"))
    for recipe in (image, video):
        assert recipe.optimizer.lr == 1e-5 and recipe.objective.snr_gamma == 5 and recipe.objective.drop == 0.1
        assert recipe.noise.beta_schedule == "linear" and recipe.noise.rescale_betas_zero_snr
    assert (image.data.size, image.run.batch, image.run.steps) == ([768, 768], 4, 30000)
    assert (video.data.frames, video.data.rate, video.run.learn) == (24, 4, ["*.motion_modules."])


def test_published_numbers_of_musepose() -> None:
    image, video = (read_recipe(RECIPES / f"muse-pose-{stage}.toml") for stage in ("image", "video"))
    for recipe in (image, video):
        assert recipe.system == "muse-pose" and recipe.noise.beta_schedule == "scaled_linear" and recipe.noise.rescale_betas_zero_snr
        assert (recipe.data.size, recipe.data.cut, recipe.run.freeze) == ([768, 768], "squash", [])
        published = read_recipe(RECIPES / "animate-anyone-image.toml")
        assert (recipe.objective, recipe.optimizer) == (published.objective, published.optimizer)
    assert (image.data.frames, image.data.margin, image.run.batch, image.run.steps) == (1, 128, 8, 400_000)
    assert (video.data.frames, video.data.rate, video.data.fast, video.run.steps) == (48, 2, 30, 2_000_000)
    assert video.networks.temporal["positions"] == 128 and video.run.learn == ["*.motion_modules."]


def test_changes(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text("[run]\nsteps = 5\n")
    recipe = read_recipe(file, ["run.steps=7", "optimizer.lr=1", 'run.learn=["a"]', "objective.kind=clean"])
    assert (recipe.run.steps, recipe.optimizer.lr, recipe.run.learn, recipe.objective.kind) == (7, 1.0, ["a"], "clean")


@pytest.mark.parametrize(
    ("text", "change", "named"),
    [
        ("[run]\nstps = 5\n", "run.steps=1", "stps"),
        ("[run]\nsteps = 'five'\n", "run.batch=1", "steps"),
        ("", "run.steps=true", "steps"),
        ("", "nonsense", "nonsense"),
        ("run = 3", "data.frames=1", "run"),
        ("", "objective.kind=guess", "kind"),
        ("[run", "run.steps=1", "TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, change: str, named: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=named):
        read_recipe(file, [change])


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file .*none.toml"):
        read_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"\xff\xfe[run]", "not a text in UTF-8"),
        (b"x = [\n", "not a TOML file"),
        (b"x = " + b"[" * 5000, "nested too deeply"),
        (b"x = " + b"[" * 50 + b"]" * 50, "nested too deeply"),
        (b"a." * 200 + b"a = 1", "nested too deeply"),
        (b"[run]\nsteps = " + b"1" * 5000, "numbers is too long"),
        (b"#" * 30_000, "larger than 0.02 MB"),
    ],
)
def test_what_is_no_recipe_gets_a_sentence(tmp_path: Path, content: bytes, named: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=f"recipe.toml .*{named}") as caught:
        read_recipe(file)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text("[run]\nsteps = 7\n", "utf-8-sig")
    assert read_recipe(file).run.steps == 7


@pytest.mark.parametrize("value", ["[" * 5000, "[" * 50 + "]" * 50, "1" * 5000, "x" * 30_000, "1\nb = 2"])
def test_odd_values_of_a_change_get_a_sentence(tmp_path: Path, value: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text("")
    with pytest.raises(InputError, match="run: steps must be like 1000|longer than a whole recipe"):
        read_recipe(file, [f"run.steps={value}"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_no_recipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "recipe.toml")
    with pytest.raises(InputError, match="is a device or pipe"):
        read_recipe(tmp_path / "recipe.toml")


def test_mamba_takes_any_number_of_frames() -> None:
    check_numbers(build_recipe({"networks": {"temporal": {"kind": "mamba", "positions": 8}}, "data": {"frames": 9}}, "recipe"))


@pytest.mark.parametrize(
    "content",
    [
        {"objective": {"kind": "clean"}},
        {"networks": {"copy_head": "limbs"}},
        {"networks": {"temporal": {"positions": 8}}, "data": {"frames": 9}},
        {"run": {"batch": 0}},
        {"data": {"margin": -1}},
        {"data": {"fast": -30.0}},
        {"data": {"rate": 0}},
        {"networks": {"temporal": {"positions": 128}}, "data": {"frames": 129}},
    ],
)
def test_parts_that_do_not_fit(content: dict) -> None:
    with pytest.raises(InputError):
        checked(build_recipe(content, "recipe"), animate_anyone.NEEDS)


@pytest.mark.parametrize(
    ("system", "networks", "named"),
    [
        ("animate-anyone", {"dropout": 0.1}, "networks.dropout means nothing for animate-anyone, which reads start"),
        ("muse-pose", {"copy_start": "out"}, "networks.copy_start means nothing for muse-pose"),
        ("magic-animate", {"clip": "out"}, "networks.clip means nothing for magic-animate"),
        ("uni-animate", {"guider": [4, 8]}, "networks.guider means nothing for uni-animate"),
        ("uni-animate", {"motion_start": "mm.ckpt"}, "networks.motion_start means nothing for uni-animate"),
    ],
)
def test_a_field_of_another_system_cannot_be_set(system: str, networks: dict, named: str) -> None:
    with pytest.raises(InputError, match=named):
        check_fields(build_recipe({"networks": networks}, "recipe"), NEEDS[system])
    check_fields(build_recipe({}, "recipe"), NEEDS[system])


def test_a_system_that_is_not_known_or_learns_nothing() -> None:
    """Those that learn are named; a recipe of before, which names none, is of the first of them."""
    for system in ("nobody", "puppet"):
        with pytest.raises(InputError, match=f"no training of '{system}': set system to one of animate-anyone, muse-pose"):
            make_trainee(build_recipe({"system": system}, "recipe"))
    with pytest.raises(InputError, match="This recipe of animate-anyone cannot be trained yet"):
        make_trainee(build_recipe({}, "recipe"))
