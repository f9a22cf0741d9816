"""MagicAnimate's windows, DDIM, DensePose colours and sizes are those of the published code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animato.core.fit import stretched
from animato.encoders.codec import FrameCodec
from animato.pose.surface.densepose import PALETTE, coloured
from animato.sampling.plan import overlapping
from animato.sampling.schedule import advance, make_scheduler
from animato.systems.magic_animate import NOISE, fitted
from magic import vae
from moore import assert_near, sidecar, tensors

CHAIN, LATENTS, PIXELS = 2e-5, 1e-5, 1e-4


@pytest.mark.parity("magic.context_tables*.safetensors")
def test_windows(fixture_file: Path) -> None:
    """How often a frame is covered: by every window that it stands in, at the last of its places there."""
    for case in sidecar(fixture_file)["tables"]:
        stated = (case[name] for name in ("num_frames", "context_size", "context_overlap", "context_stride"))
        plan = overlapping(*stated, closed=case["closed_loop"], step=case["step"])
        assert [list(window.frames) for window in plan] == case["windows"]
        covered = np.zeros(case["num_frames"], int)
        for window in plan:
            covered[list(window.kept)] += 1
        if not any(len(set(window.frames)) < len(window.frames) for window in plan):
            assert covered.tolist() == case["counts"]


@pytest.mark.parity("magic.ddim*.safetensors")
def test_ddim(fixture_file: Path) -> None:
    """Timesteps, chains of steps fed with recorded predictions, and the last step."""
    meta, recorded = sidecar(fixture_file), tensors(fixture_file)
    for steps in meta["steps"]:
        scheduler = make_scheduler(NOISE, "DDIM", steps)
        assert {name: scheduler.config[name] for name in meta["effective_config"]} == meta["effective_config"]
        assert scheduler.timesteps.tolist() == recorded[f"outputs.{steps}.timesteps"].tolist()
        x, i = recorded[f"inputs.{steps}.sample"], 0
        while f"inputs.{steps}.eps{i}" in recorded:
            x = advance(scheduler, recorded[f"inputs.{steps}.eps{i}"], scheduler.timesteps[i], x, [])
            assert_near(x, recorded[f"outputs.{steps}.x{i}"], CHAIN * float(x.abs().max()))
            i += 1
        x = advance(scheduler, recorded[f"inputs.{steps}.eps_last"], scheduler.timesteps[-1], x, [])
        assert_near(x, recorded[f"outputs.{steps}.x_last"], CHAIN * float(x.abs().max()))
        assert i == min(6, steps)


@pytest.mark.parity("magic.preprocess*.safetensors")
def test_body_parts_in_colour(fixture_file: Path) -> None:
    recorded = tensors(fixture_file)
    assert np.array_equal(coloured(recorded["inputs.labels"].numpy()), recorded["outputs.labels_rgb"])
    assert np.array_equal(PALETTE, recorded["outputs.palette_rgb"])


@pytest.mark.parity("magic.preprocess*.safetensors")
def test_sizes(fixture_file: Path) -> None:
    """The published code squashes body parts as well as the picture; here they are squashed as the picture is, whatever shape it has."""
    recorded, side = tensors(fixture_file), sidecar(fixture_file)["config"]["size"]
    video, meant = recorded["inputs.video"].numpy(), recorded["outputs.video_resized_padded"].numpy()
    mine = [fitted(frame, frame.shape[1::-1], (side, side)) for frame in video]
    assert np.array_equal(mine, meant[: len(video)])
    assert (meant[len(video) :] == meant[len(video) - 1]).all()
    picture = stretched(recorded["inputs.source"].numpy(), (side, side), Image.Resampling.BICUBIC)
    assert np.array_equal(picture, recorded["outputs.source_resized"])


@pytest.mark.parity("magic.preprocess*.safetensors")
def test_latents_of_the_picture(fixture_file: Path) -> None:
    """There and back; the file tells no configuration of its VAE, but that of the same model stands beside it."""
    recorded = tensors(fixture_file)
    beside = next(fixture_file.parent.glob(f"magic_{sidecar(fixture_file)['model']}.pipeline*.safetensors"), None)
    if beside is None:
        pytest.skip("no pipeline of the same model is there")
    codec = FrameCodec(vae(beside))
    latents = codec.encode(recorded["outputs.source_resized"][None].numpy())
    assert_near(latents, recorded["outputs.source_latents"], LATENTS)
    assert_near(codec.decode(latents), (recorded["outputs.source_decoded"] / 2 + 0.5).clamp(0, 1), PIXELS)
