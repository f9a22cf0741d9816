"""The preview model as shipped: it is there, small, better than copying, and runs through the same call as every system."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from animato.core.errors import InputError, MissingModelError
from animato.evaluation.frames import psnr
from animato.people.people import clip
from animato.systems.hints import limbs
from animato.systems.known import ATTENTION, card
from animato.systems.preview import SIZE, Preview
from animato.systems.previews.animate_anyone import SETTINGS, load
from animato.systems.scene import Scene

FOLDER = card("animate-anyone").previews[ATTENTION]


@pytest.fixture(scope="module")
def model() -> Preview:
    return load(FOLDER)


def test_it_is_sharper_than_what_it_sees(model: Preview) -> None:
    """In a picture twice as large, detail comes along: the result is nearer the truth than its own enlarged small frames."""
    frames, poses = clip(3, "wave", 4, (2 * SIZE[0], 2 * SIZE[1]), 6.0, turn=0)
    whole = np.stack(list(model.animate(Scene(frames[0], poses.frames(slice(0, 1)), poses))))
    soft = [cv2.resize(cv2.resize(f, SIZE, interpolation=cv2.INTER_AREA), f.shape[1::-1], interpolation=cv2.INTER_CUBIC) for f in whole]
    assert np.mean([psnr(whole[k], frames[k]) - psnr(soft[k], frames[k]) for k in range(1, 4)]) > 0.5


def test_windows_cover_a_long_clip(model: Preview) -> None:
    frames, poses = clip(5, "walk", 11, SIZE, 6.0)
    copied, _ = model.copier(frames[0], poses.frames(slice(0, 1))).copy(limbs(poses))
    latents = model.denoise(frames[0], poses.frames(slice(0, 1)), poses, copied, replace(SETTINGS, steps=2))
    assert latents.shape == (11, 12, SIZE[1] // 2, SIZE[0] // 2) and torch.isfinite(latents).all()


def test_bad_input(model: Preview, tmp_path: Path) -> None:
    frames, poses = clip(5, "walk", 2, (64, 64), 6.0)
    with pytest.raises(InputError):
        model.animate(Scene(frames[0][:32], poses.frames(slice(0, 1)), poses))
    with pytest.raises(MissingModelError, match="denoising_unet"):
        load(tmp_path)


def test_a_preview_model_with_a_missing_tensor_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "model")
    path = tmp_path / "model" / "copy_head" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    lost = sorted(tensors)[0]
    save_file({name: value for name, value in tensors.items() if name != lost}, path)
    with pytest.raises(MissingModelError, match=lost.replace(".", r"\.")):
        load(tmp_path / "model")
