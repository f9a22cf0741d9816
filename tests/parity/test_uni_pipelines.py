"""UniAnimate's own loop, with everything that it encodes once, gives the latents of the published sampler in every step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import animators
from animato.encoders.text import EmptyPrompt
from animato.models.unified import Given
from animato.sampling.clip import denoise
from animato.sampling.plan import Windows
from animato.sampling.settings import Settings
from animato.systems.memory import Placement
from animato.systems.uni_animate import Encoded, UniAnimate
from moore import assert_near, frames_second, sidecar, tensors
from uni import given, network

LOOP = 1e-3


@pytest.mark.parity("ddim_loop_*.safetensors", "ddim_long_*.safetensors")
def test_the_system_s_loop(fixture_file: Path) -> None:
    """In each of its modes, from the recorded start; long clips in windows, two of them in a pass."""
    meta, recorded = sidecar(fixture_file)["config"], tensors(fixture_file)
    start = frames_second(recorded["outputs.noise_after_prior"])[0]
    for mode, keys in meta["partial_keys"].items():
        visited = steps_of(fixture_file, start, given(recorded, keys))
        assert_near(frames_second(torch.stack(visited)), recorded[f"outputs.{mode}.xt"][:, 0], LOOP)
        assert_near(frames_second(visited[-1][None]), recorded[f"outputs.{mode}.final"], LOOP)


@torch.no_grad()
def steps_of(file: Path, start: Tensor, conditions: Given) -> list[Tensor]:
    """The latents that each step leaves."""
    meta, net, tokens, size = sidecar(file)["config"], network(file), tensors(file)["inputs.zero_y"], (start.shape[2], start.shape[3])
    prompt = EmptyPrompt(tokens.shape[2], tokens.shape[1])
    prompt.tokens = tokens
    assert conditions.poses is not None
    stems, null = (net.encode(one, tokens, size) for one in (replace(conditions, poses=None), Given()))
    encoded = Encoded(torch.zeros(1, 1, 3, 8, 8), start[:1], stems, null, net.pose.each(conditions.poses, size))
    window = Windows(meta.get("context_size", len(start)), meta.get("context_overlap", 0), end="last")
    settings = Settings(meta["ddim_timesteps"], meta["guide_scale"], scheduler="published", window=window, batch=2)
    visited = list[Tensor]()
    system = UniAnimate(net, animators.vae(), animators.clip(), prompt)
    task = system.denoising(encoded, settings, Placement(torch.device("cpu"), torch.float32))
    denoise(task, settings, callback=lambda step, t, x: visited.append(x), latents=start)
    return visited
