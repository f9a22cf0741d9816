"""A recipe says at once, and all together, what it lacks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from animato.apps.cli import main
from animato.core.errors import InputError
from animato.training import animate_anyone, magic_animate, uni_animate
from animato.training.check import Requirements, checked
from animato.training.lacking import check_there
from animato.training.recipe import Data, Networks, Recipe, read_recipe
from animato.training.referenced import referenced_networks
from tiny import PATCHES

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def lacks(recipe: Recipe, needs: Requirements = animate_anyone.NEEDS) -> list[str]:
    """The fields that are named, in their order."""
    try:
        check_there(checked(recipe, needs), needs)
    except InputError as error:
        return [line.removeprefix("- ").split()[0].rstrip(":") for line in str(error).splitlines() if line.startswith("- ")]
    return []


def test_a_full_size_recipe_says_it_on_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Before networks are built, which begins with the recipe's seed."""
    seed = torch.initial_seed()
    torch.manual_seed(1)
    assert main(["train", str(RECIPES / "animate-anyone-image.toml"), "--out", str(tmp_path / "run")]) == 2
    assert torch.initial_seed() == 1 and not (tmp_path / "run").exists()
    torch.manual_seed(seed)
    said = capsys.readouterr().err
    for name in ("networks.vae is empty", "networks.clip is empty", "data.index is empty", "networks.start is empty"):
        assert said.count(name) == 1
    assert "networks.vae=FOLDER" in said


@pytest.mark.parametrize(
    ("file", "needs", "names"),
    [
        ("animate-anyone-video", animate_anyone.NEEDS, ["networks.start", "networks.vae", "networks.clip", "data.index"]),
        ("animate-anyone-preview-start", animate_anyone.NEEDS, []),
        ("animate-anyone-preview-fetch", animate_anyone.NEEDS, ["networks.start"]),
        ("magic-animate-image", magic_animate.NEEDS, ["networks.start", "networks.vae", "data.index"]),
        ("uni-animate", uni_animate.NEEDS, ["networks.start", "networks.vae", "networks.clip", "data.index"]),
        ("uni-animate-preview", uni_animate.NEEDS, ["networks.copy_start"]),
    ],
)
def test_what_shipped_recipes_lack(
    file: str, needs: Requirements, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder in which nothing was trained."""
    monkeypatch.chdir(tmp_path)
    assert lacks(read_recipe(RECIPES / f"{file}.toml"), needs) == names


def test_every_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    paths = {name: str(tmp_path / "nowhere") for name in ("guider_start", "motion_start")}
    networks = Networks(unet=PATCHES, **paths, vae=str(tmp_path / "empty"), clip=str(tmp_path / "nowhere"))
    recipe = Recipe(networks=networks, data=Data(size=[64, 64], index=str(tmp_path / "index.json")))
    assert lacks(recipe) == ["networks.guider_start", "networks.motion_start", "networks.vae", "networks.clip", "data.index"]


def test_a_folder_to_begin_from_says_what_its_networks_see(tmp_path: Path) -> None:
    """Of latents a VAE is due, of patches none; a copy head must be there as well."""
    data = Data(size=[512, 512])
    for channels, missing in ((4, ["networks.vae", "data.index"]), (12, [])):
        folder = tmp_path / str(channels)
        made = referenced_networks(Networks(unet=PATCHES | {"in_channels": channels}, guider=[4, 8]), 0)
        for name, network in made.named():
            network.save_pretrained(folder / name)
        recipe = Recipe(networks=Networks(start=str(folder)), data=data)
        assert lacks(recipe) == missing
    with pytest.raises(InputError, match="has no copy_head"):
        check_there(replace(recipe, networks=replace(recipe.networks, copy_head="limbs")), animate_anyone.NEEDS)


def test_a_package_that_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the recipe is read. None in the place of a module is how Python marks one that is not to be found."""
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert main(["train", "nowhere.toml"]) == 2
    assert 'Training needs packages that are not installed here (tensorboard). Run: pip install "animato[train]"' in capsys.readouterr().err
