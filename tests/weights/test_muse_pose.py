"""MusePose's official files: the keys of Animate Anyone's with longer tables of positions, and never mistaken for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import animato
import tiny
from animato.apps.cli import main
from animato.core.errors import InputError, MissingModelError
from animato.sampling.plan import Windows
from animato.systems.load import load
from animato.systems.muse_pose import PUBLISHED, MusePose
from animato.systems.preview import Preview
from animato.systems.previews.animate_anyone import SETTINGS
from animato.systems.windows import check_window
from animato.weights.muse_pose import PUBLISHED as OWN_FORM
from animato.weights.muse_pose import convert, read
from animato.weights.referenced import open_base
from weight_files import Networks, official, plain, tiny_networks

OWN_FOUR = ("reference_unet.pth", "denoising_unet.pth", "motion_module.pth", "pose_guider.pth")

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def networks() -> Networks:
    return tiny_networks(positions=128)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, networks: Networks) -> Path:
    """As MusePose's instructions lay them out: its own four in a folder, the others beside it."""
    folder = official(tmp_path_factory.mktemp("published"), networks)
    (folder / "MusePose").mkdir()
    for name in OWN_FOUR:
        (folder / name).rename(folder / "MusePose" / name)
    return folder


@pytest.fixture(scope="module")
def animate_anyone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official(tmp_path_factory.mktemp("animate-anyone"), tiny_networks())


def assert_same(found: object, networks: Networks) -> None:
    for name, meant in networks._asdict().items():
        state = getattr(found, name).state_dict()
        assert state.keys() == meant.state_dict().keys()
        assert all(torch.equal(state[key], value) for key, value in meant.state_dict().items())


def test_official_files_in_both_layouts(published: Path, networks: Networks, tmp_path: Path) -> None:
    for folder in (published, official(tmp_path, networks)):
        found = read(folder)
        assert_same(found, networks)
        assert found.denoiser.config.temporal["positions"] == 128


def test_load(published: Path, networks: Networks, tmp_path: Path) -> None:
    convert(published, tmp_path / "own")
    for folder in (published, tmp_path / "own"):
        system = animato.load("muse-pose", weights=folder).system
        assert isinstance(system, MusePose) and system.noise.beta_schedule == "scaled_linear"
        assert_same(system, networks)


def test_neither_is_taken_for_the_other(published: Path, animate_anyone: Path, networks: Networks, tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match=r"motion_module\.pth knows 32 positions, where 128 are due: it is another system's"):
        animato.load("muse-pose", weights=animate_anyone)
    with pytest.raises(MissingModelError, match=r"motion_module\.pth knows 128 positions, where 32 are due: it is another system's"):
        animato.load("animate-anyone", weights=official(tmp_path / "flat", networks))
    with pytest.raises(MissingModelError, match=r"lacks reference_unet\.pth"):
        animato.load("animate-anyone", weights=published)
    convert(published, tmp_path / "own")
    with pytest.raises(MissingModelError, match=r"holds weights of muse-pose, not of animate-anyone"):
        animato.load("animate-anyone", weights=tmp_path / "own")


def test_a_key_less_is_refused(networks: Networks, tmp_path: Path) -> None:
    path = official(tmp_path, networks) / "motion_module.pth"
    state = torch.load(path)
    state.pop("mid_block.motion_modules.0.temporal_transformer.proj_out.weight")
    plain(state, path)
    with pytest.raises(MissingModelError, match=r"1 missing: mid_block\.motion_modules\.0\.proj_out\.weight"):
        read(tmp_path)


def test_training_begins_with_the_image_variations(networks: Networks, tmp_path: Path) -> None:
    official(tmp_path, networks)
    base = {key: value for key, value in networks.denoiser.state_dict().items() if ".motion_modules." not in key}
    unet = tmp_path / "sd-image-variations-diffusers" / "unet"
    unet.mkdir(parents=True)
    plain(base, unet / "diffusion_pytorch_model.bin")
    (unet / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')
    state = open_base(OWN_FORM, tmp_path)["denoising_unet"].state
    assert all(torch.equal(state[key], value) for key, value in base.items())


def test_what_performs(published: Path, cache: Path, tmp_path: Path) -> None:
    """The preview networks without weights; fetched or given ones with the published settings, changed where that is asked for."""
    preview = load("muse-pose", settings={"steps": 2})
    assert isinstance(preview.system, Preview) and preview.name == "muse-pose" and preview.settings.window == SETTINGS.window
    assert preview.settings.steps == 2 and "which MusePose shares" in preview.notes[0] and "fetch muse-pose" in preview.notes[0]
    given = load("muse-pose", weights=published, settings={"window": Windows(96, 8, end="open")})
    assert isinstance(given.system, MusePose) and given.settings.window.size == 96 and given.settings.canvas == PUBLISHED.canvas
    cache.mkdir()
    convert(published, cache / "muse-pose")
    assert load("auto").name == "muse-pose" and load("auto").settings == PUBLISHED
    assert load("auto", weights=cache / "muse-pose").name == "muse-pose"


def test_words(published: Path, networks: Networks, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(published), "-o", str(tmp_path / "own"), "--system", "muse-pose"]) == 0
    assert "the weights of muse-pose, every key accounted for" in capsys.readouterr().out
    assert main(["convert", str(official(tmp_path / "flat", networks)), "-o", str(tmp_path / "wrong")]) == 2
    assert "128 positions" in capsys.readouterr().err and not (tmp_path / "wrong").exists()
    assert main(["fetch", "muse-pose"]) == 2
    assert (
        f"weights of muse-pose cannot be fetched while ANIMATO_OFFLINE is set. Unset it, or put the files into {cache / 'muse-pose'}"
        in (capsys.readouterr().err)
    )
    main(["doctor"])
    assert f"Weights of muse-pose in {cache / 'muse-pose'}: none" in capsys.readouterr().out


def test_windows_beyond_the_positions(networks: Networks) -> None:
    check_window(networks.denoiser, Windows(128, 4), 300)
    with pytest.raises(InputError, match="129 frames is too long: these weights know 128 positions"):
        check_window(networks.denoiser, Windows(129, 4), 300)
    check_window(tiny.unet({**tiny.TEMPORAL, "kind": "mamba"}), Windows(129, 4), 300)
