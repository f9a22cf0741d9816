"""All preview models as shipped: small, better than copying, and with the call of every system."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from animato.encoders.codec import FrameCodec
from animato.evaluation.frames import psnr
from animato.people.people import clip
from animato.systems.known import with_weights
from animato.systems.preview import SIZE, Preview
from animato.systems.scene import Scene


class Shipped(NamedTuple):
    folder: Path
    model: Preview


FOLDERS = {f"{one.name} {kind}": (one, folder) for one in with_weights() if not one.preview_of for kind, folder in one.previews.items()}


@pytest.fixture(scope="module", params=FOLDERS)
def shipped(request: pytest.FixtureRequest) -> Shipped:
    one, folder = FOLDERS[request.param]
    assert one.doors is not None
    return Shipped(folder, one.doors().preview(folder))


def test_it_is_small(shipped: Shipped) -> None:
    assert sum(file.stat().st_size for file in shipped.folder.rglob("*")) < 16e6
    configs = list(shipped.folder.rglob("config.json"))
    assert len(configs) == len(list(shipped.folder.rglob("*.safetensors"))) >= 2
    assert all(json.loads(path.read_text())["_class_name"] for path in configs)


def test_a_person_it_has_not_seen(shipped: Shipped) -> None:
    """Every frame of two motions is nearer the truth than the reference is, by 2 dB at least in the mean."""
    model, gains = shipped.model, []
    for seed, motion in ((3, "wave"), (8, "kick")):
        frames, poses = clip(seed, motion, 6, SIZE, 6.0, turn=0)
        given = poses.frames(slice(0, 1))
        driving = replace(poses, mask=None)
        copied, _ = model.copier(frames[0], given).copy(model.hints(driving))
        latents = model.denoise(frames[0], given, driving, copied)
        made = (FrameCodec(model.page.vae).decode(latents).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
        gains += [psnr(made[k], frames[k]) - psnr(frames[0], frames[k]) for k in range(1, 6)]
    assert np.mean(gains) > 2


def test_the_call_of_every_system(shipped: Shipped) -> None:
    """A portrait picture comes back in its size, the same for the same seed, as many frames as the motion. Precision is not used."""
    frames, poses = clip(5, "walk", 5, (60, 90), 6.0)
    scene = Scene(frames[0], poses.frames(slice(0, 1)), poses)
    result = shipped.model.animate(scene)
    assert result.size == (60, 90) and result.length == 5 and float(result.fps) == 6
    again = shipped.model.animate(scene, replace(shipped.model.published, dtype="float16"))
    one, two = (np.stack(list(made)) for made in (result, again))
    assert one.shape == frames.shape and np.array_equal(one, two) and psnr(one[2], frames[2]) > 18
