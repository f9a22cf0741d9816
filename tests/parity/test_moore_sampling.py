"""Windows, DDIM, interpolation and CLIP's pixels are those of the published code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from animato.encoders.clip import clip_pixels
from animato.sampling.interpolate import interpolate
from animato.sampling.plan import overlapping
from animato.sampling.run import sample
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from moore import assert_near, sidecar, tensors

EXACT, CHAIN = 1e-6, 5e-5


@pytest.mark.parity("moore_context_uniform*.safetensors", "musepose_context_uniform*.safetensors")
def test_windows(fixture_file: Path) -> None:
    meta, recorded = sidecar(fixture_file), tensors(fixture_file)
    for case in meta["cases"]:
        stated = (case[name] for name in ("num_frames", "context_size", "context_overlap", "context_stride"))
        plan = overlapping(*stated, closed=meta["closed_loop_default"], step=case["step"])
        assert [list(window.frames) for window in plan] == recorded[f"outputs.case{case['case']:02d}"].tolist()


@pytest.mark.parity("moore_ddim*.safetensors", "musepose_ddim*.safetensors")
def test_ddim(fixture_file: Path) -> None:
    """Tables, timesteps, and chains of steps fed with seeded predictions."""
    meta, recorded = sidecar(fixture_file), tensors(fixture_file)
    noise = NoiseSchedule(**meta["scheduler_kwargs"])
    for steps, told in ((int(steps), told) for steps, told in meta["steps"].items()):
        scheduler, latents = make_scheduler(noise, "DDIM", steps), []
        assert_near(scheduler.alphas_cumprod, recorded["outputs.alphas_cumprod"], EXACT)
        assert scheduler.timesteps.tolist() == recorded[f"outputs.timesteps_{steps}"].tolist()
        start, seed = recorded[f"inputs.start_{steps}"], first_seed(told["model_output_seed_rule"])
        given = iter([torch.randn(start.shape, generator=torch.manual_seed(seed + k))[0].transpose(0, 1) for k in range(steps)])
        frames = start[0].transpose(0, 1)
        sample(frames, lambda x, t, given=given: next(given), scheduler, [], lambda step, t, x, latents=latents: latents.append(x))
        chosen = torch.stack([*latents[:3], *latents[-2:]]).transpose(1, 2).unsqueeze(1)
        assert_near(chosen, recorded[f"outputs.first3_last2_{steps}"], CHAIN)
    clean, added, t = recorded["inputs.x0"], recorded["inputs.noise"], recorded["inputs.t"]
    assert_near(scheduler.add_noise(clean, added, t), recorded["outputs.add_noise"], EXACT)
    assert_near(scheduler.get_velocity(clean, added, t), recorded["outputs.velocity"], EXACT)


def first_seed(rule: str) -> int:
    """Of "step k uses ... seeded 7919 + 31*5 + k; start ..." the number that k is added to."""
    found = re.search(r"seeded (\d+) \+ (\d+)\*(\d+) \+ k", rule)
    assert found, rule
    base, factor, steps = map(int, found.groups())
    return base + factor * steps


@pytest.mark.parity("moore_interpolate_latents*.safetensors", "musepose_interpolate_latents*.safetensors")
def test_interpolation(fixture_file: Path) -> None:
    """Outputs are named by method and factor: linear_x2, slerp_parallel_x2."""
    recorded = tensors(fixture_file)
    for name, value in recorded.items():
        if name.startswith("outputs."):
            method, *parallel, factor = name.removeprefix("outputs.").split("_")
            latents = recorded["_".join(["inputs.latents", *parallel])]
            mine = interpolate(latents[0].transpose(0, 1), int(factor.removeprefix("x")), method)
            assert_near(mine.transpose(0, 1)[None], value, EXACT * 5)


@pytest.mark.parity("moore_preprocess_clip*.safetensors", "musepose_preprocess_clip*.safetensors")
def test_clip_pixels(fixture_file: Path) -> None:
    meta, recorded = sidecar(fixture_file), tensors(fixture_file)
    for name, fit in (("squashed", "squash"), ("shortest_edge_crop", "crop")):
        pixels = clip_pixels(recorded["inputs.ref_image_uint8"].numpy(), meta["clip_config"]["image_size"], fit)
        mean, std = (torch.tensor(meta[key]).view(3, 1, 1) for key in ("mean", "std"))
        assert_near((pixels[0] * std + mean) * 255, recorded[f"outputs.{name}_uint8"].permute(2, 0, 1).float(), 1e-3)
        assert_near(pixels[..., :8, :], recorded[f"outputs.{name}_pixel_values_rows0_8"], EXACT)
