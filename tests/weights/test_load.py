"""animato.load: a system by its name, with its weights; torch is imported for those that need it and for no other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import animato
from animato.core.errors import InputError, MissingModelError
from animato.systems.animate_anyone import AnimateAnyone
from animato.systems.preview import Preview
from animato.weights.animate_anyone import convert
from weight_files import official, tiny_networks

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official(tmp_path_factory.mktemp("official"), tiny_networks())


@pytest.mark.parametrize("given", [str, Path])
def test_official_files(given: type, weights: Path) -> None:
    system = animato.load("animate-anyone", weights=given(weights)).system
    assert isinstance(system, AnimateAnyone) and system.denoiser.config.temporal["positions"] == 32
    for name, meant in tiny_networks()._asdict().items():
        state = getattr(system, name).state_dict()
        assert all(torch.equal(state[key], value) for key, value in meant.state_dict().items())


def test_converted_weights_stay_as_they_are_stored(weights: Path, tmp_path: Path) -> None:
    convert(weights, tmp_path / "half", torch.float16)
    assert animato.load("animate-anyone", weights=tmp_path / "half").system.denoiser.dtype == torch.float16


def test_fetched_weights_are_found(cache: Path, weights: Path) -> None:
    """Until then the preview model is taken, by Python as by the command line; and auto takes the puppet."""
    assert isinstance(animato.load("animate-anyone").system, Preview) and animato.load().name == "puppet"
    convert(weights, cache / "animate-anyone")
    assert isinstance(animato.load("animate-anyone").system, AnimateAnyone)
    assert animato.load("auto").name == "animate-anyone"


def test_words_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no system 'animate-nobody': choose auto, puppet, animate-anyone, muse-pose"):
        animato.load("animate-nobody")
    with pytest.raises(InputError, match="puppet has no weights"):
        animato.load("puppet", weights=tmp_path)


def test_what_is_not_installed_is_said(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animato.core.packages.find_spec", lambda name: None if name == "diffusers" else object())
    with pytest.raises(MissingModelError, match=r'not installed here \(diffusers\)\. Run: pip install "animato\[diffusion\]"'):
        animato.load("animate-anyone", weights=weights)
    assert animato.load("puppet").name == "puppet"


def test_the_puppet_needs_no_torch() -> None:
    code = "import sys, animato; animato.load('auto'); import animato.apps.doctor; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
