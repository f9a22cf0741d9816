"""The preview model as shipped: it is there, small, better than copying, and runs through the same call as every system."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from animato.core.errors import InputError, MissingModelError
from animato.encoders.codec import FrameCodec
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


def test_it_is_small() -> None:
    files = list(FOLDER.rglob("*.safetensors"))
    assert len(files) == 4 and sum(file.stat().st_size for file in FOLDER.rglob("*")) < 16e6
    assert all(json.loads(path.read_text())["_class_name"] for path in FOLDER.rglob("config.json"))


def test_a_person_it_has_not_seen(model: Preview) -> None:
    """Every frame of two motions is nearer the truth than the reference is, by 2 dB at least in the mean."""
    gains = []
    for seed, motion in ((3, "wave"), (8, "kick")):
        frames, poses = clip(seed, motion, 6, SIZE, 6.0, turn=0)
        copied, _ = model.copier(frames[0], poses.frames(slice(0, 1))).copy(limbs(poses))
        latents = model.denoise(frames[0], poses.frames(slice(0, 1)), poses, copied)
        made = (FrameCodec(model.page.vae).decode(latents).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
        gains += [psnr(made[k], frames[k]) - psnr(frames[0], frames[k]) for k in range(1, 6)]
    assert np.mean(gains) > 2


def test_it_is_sharper_than_what_it_sees(model: Preview) -> None:
    """In a picture twice as large, detail comes along: the result is nearer the truth than its own enlarged small frames."""
    frames, poses = clip(3, "wave", 4, (2 * SIZE[0], 2 * SIZE[1]), 6.0, turn=0)
    whole = np.stack(list(model.animate(Scene(frames[0], poses.frames(slice(0, 1)), poses))))
    soft = [cv2.resize(cv2.resize(f, SIZE, interpolation=cv2.INTER_AREA), f.shape[1::-1], interpolation=cv2.INTER_CUBIC) for f in whole]
    assert np.mean([psnr(whole[k], frames[k]) - psnr(soft[k], frames[k]) for k in range(1, 4)]) > 0.5


def test_the_call_of_every_system(model: Preview) -> None:
    """A portrait picture comes back in its size, the same for the same seed, as many frames as the motion."""
    frames, poses = clip(5, "walk", 5, (60, 90), 6.0)
    result = model.animate(Scene(frames[0], poses.frames(slice(0, 1)), poses))
    assert result.size == (60, 90) and result.length == 5 and float(result.fps) == 6
    one, two = (np.stack(list(clip)) for clip in (result, model.animate(Scene(frames[0], poses.frames(slice(0, 1)), poses))))
    assert one.shape == frames.shape and np.array_equal(one, two)
    assert psnr(one[2], frames[2]) > 18


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
