"""UniAnimate's timesteps, noise and loops give what the published sampler gave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from animato.models.unified import Given
from animato.sampling.ddim import DDIM, LONG, SHORT, Prior, alphas
from animato.sampling.guidance import guided
from animato.sampling.model import unified_model
from animato.sampling.plan import Plan, ending
from animato.sampling.run import blend, sample
from moore import assert_near, frames_second, sidecar, tensors
from uni import given, network

LOOP, TABLE = 1e-3, 1e-12


@pytest.mark.parity("ddim_tables*.safetensors")
def test_timesteps(fixture_file: Path) -> None:
    recorded = tensors(fixture_file)
    assert_near(alphas(), recorded["outputs.zsnr.alphas_cumprod"], TABLE)
    for steps in sidecar(fixture_file)["config"]["ddim_timesteps"]:
        schedule = DDIM(steps)
        assert schedule.timesteps.tolist() == recorded[f"outputs.timesteps.{steps}"].tolist()
        assert [schedule.before(int(t)) for t in schedule.timesteps] == recorded[f"outputs.prev_index.{steps}"].tolist()


@pytest.mark.parity("ddim_loop_*.safetensors", "ddim_long_*.safetensors")
def test_loop(fixture_file: Path) -> None:
    """Every step of a whole clip, in each of its modes; long clips in windows."""
    meta, recorded = sidecar(fixture_file)["config"], tensors(fixture_file)
    prior = replace(LONG if "windows" in meta else SHORT, level=meta["noise_prior_value"])
    noise, shift, reference = (frames_second(recorded[f"inputs.{name}"])[0] for name in ("noise", "offset_noise", "randomref"))
    start = prior.begin(reference[:1], noise, shift)
    assert_near(frames_second(start[None]), recorded["outputs.noise_after_prior"], LOOP / 100)
    plan = ending(len(noise), meta.get("context_size", len(noise)), meta.get("context_overlap", 0))
    assert [list(window.frames) for window in plan] == meta.get("windows", [list(range(len(noise)))])
    for mode, keys in meta["partial_keys"].items():
        final, visited = run(fixture_file, start, plan, given(recorded, keys))
        assert [one.t for one in visited] == recorded[f"outputs.{mode}.timesteps"].tolist()
        assert_near(frames_second(torch.stack([one.left for one in visited])), recorded[f"outputs.{mode}.xt"][:, 0], LOOP)
        if f"outputs.{mode}.x0" in recorded:  # not of long clips
            assert_near(frames_second(torch.stack([one.clean for one in visited])), recorded[f"outputs.{mode}.x0"][:, 0], LOOP)
        assert_near(frames_second(final[None]), recorded[f"outputs.{mode}.final"], LOOP)


class Visited(NamedTuple):
    """A step of a loop: its time, what it takes the clean latents to be, and those that it leaves."""

    t: int
    clean: Tensor
    left: Tensor


@torch.no_grad()
def run(file: Path, start: Tensor, plan: Plan, told: Given) -> tuple[Tensor, list[Visited]]:
    meta, net, prompt = sidecar(file)["config"], network(file), tensors(file)["inputs.zero_y"]
    halves = [net.encode(one, prompt, start.shape[-2:]) for one in (Given(), told)]
    null = net.condition(halves[0], plan[0].frames)
    conditions = {window: net.condition(halves[1], window.frames) for window in plan}
    predict = guided(unified_model(net, null, conditions), meta["guide_scale"])
    predict, steps, clean, visited = blend(plan, predict), DDIM(meta["ddim_timesteps"]), list[Tensor](), list[Visited]()

    def watched(x: Tensor, t: Tensor) -> Tensor:
        output = predict(x, t)
        clean.append(steps.step(output, t, x).pred_original_sample)
        return output

    final = sample(start, watched, steps, [], lambda _, t, x: visited.append(Visited(t, clean[-1], x)))
    return final, visited


@pytest.mark.parity("windows_*.safetensors")
def test_windows(fixture_file: Path) -> None:
    """As published wherever the clip is no shorter than a window; a shorter one is one window, which the published code wraps around."""
    recorded = tensors(fixture_file)
    for frames, size, overlap, stride in sidecar(fixture_file)["config"]["cases"]:
        plan = [list(window.frames) for window in ending(frames, size, overlap)]
        if frames >= size:
            assert plan == recorded[f"outputs.n{frames}_size{size}_overlap{overlap}_stride{stride}"].tolist()
        else:
            assert plan == [list(range(frames))]


@pytest.mark.parity("loss_*.safetensors")
def test_levels(fixture_file: Path) -> None:
    """Noise put on at any level, and what a prediction says of the clean latents."""
    recorded = tensors(fixture_file)
    for row, t in enumerate(recorded["inputs.t"].tolist()):
        clean, noise, output = (recorded[f"inputs.{name}"][row] for name in ("x0", "noise", "model_out"))
        noisy = Prior(level=t, offset=0).begin(clean, noise, torch.zeros(1))
        assert_near(noisy, recorded["outputs.xt"][row], 1e-5)
        assert_near(DDIM().step(output, t, noisy).pred_original_sample, recorded["outputs.x0_from_v"][row], 1e-5)
