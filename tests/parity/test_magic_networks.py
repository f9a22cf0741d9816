"""MagicAnimate's denoiser, appearance encoder, ControlNet and guided step give what the published networks gave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from animato.models.condition import Features, Residuals, UNetCondition
from animato.models.temporal import TemporalAttention
from magic import appearance_encoder, controlnet, denoiser, near
from moore import bank_name, frames_second, sidecar, tensors


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    torch.set_grad_enabled(False)
    yield
    torch.set_grad_enabled(True)


@pytest.mark.parity("magic_*.unet3d*.safetensors")
def test_denoiser(fixture_file: Path) -> None:
    """Without a reference, with words for each row."""
    recorded, net = tensors(fixture_file), denoiser(fixture_file)
    told = UNetCondition(net.project_context(recorded["inputs.encoder_hidden_states"]))
    prediction = net(frames_second(recorded["inputs.sample"]), recorded["inputs.timestep"], told)
    near(fixture_file, "noise_pred", frames_second(prediction), recorded["outputs.noise_pred"])


@pytest.mark.parity("magic_*.unet3d*.safetensors")
def test_motion_modules(fixture_file: Path) -> None:
    recorded, modules = tensors(fixture_file), dict(denoiser(fixture_file).named_modules())
    names = [name.removeprefix("outputs.motion_module.") for name in recorded if name.startswith("outputs.motion_module.")]
    assert names
    for name in names:
        level, number = name.rsplit(".", 1)
        module = modules[f"{level}.motion_modules.{number}"]
        assert isinstance(module, TemporalAttention)
        output = frames_second(module(frames_second(recorded["inputs.motion_input"])))
        near(fixture_file, f"motion_module.{name}", output, recorded[f"outputs.motion_module.{name}"])


@pytest.mark.parity("magic_*.appearance_encoder*.safetensors")
def test_appearance_encoder(fixture_file: Path) -> None:
    """Every bank. What the published encoder returns beyond them is meaningless and thrown away there, and not computed here."""
    recorded, net = tensors(fixture_file), appearance_encoder(fixture_file)
    written = net.reference(
        recorded["inputs.sample"].unsqueeze(1), recorded["inputs.timestep"], net.project_context(recorded["inputs.encoder_hidden_states"])
    )
    banks = {name.removeprefix("outputs."): value for name, value in recorded.items() if name.startswith("outputs.bank.")}
    assert len(banks) == len(written)
    for name, value in banks.items():
        near(fixture_file, name, written[bank_name(name.removeprefix("bank."))], value)


@pytest.mark.parity("magic_*.controlnet*.safetensors")
def test_controlnet(fixture_file: Path) -> None:
    recorded, net = tensors(fixture_file), controlnet(fixture_file)
    stem = net.stem(pictures(recorded))
    near(fixture_file, "cond_embedding", stem, recorded["outputs.cond_embedding"])
    residuals = net.residuals(
        recorded["inputs.sample"].unsqueeze(1), recorded["inputs.timestep"], recorded["inputs.encoder_hidden_states"], stem.unsqueeze(1)
    )
    scale = sidecar(fixture_file)["config"]["conditioning_scale"]
    assert_residuals(fixture_file, residuals, recorded, "", scale)


@pytest.mark.parity("magic_*.guided*.safetensors")
def test_controlnet_in_a_step(fixture_file: Path) -> None:
    recorded = tensors(fixture_file)
    assert_residuals(fixture_file, control(fixture_file, recorded), recorded, "controlnet.")


@pytest.mark.parity("magic_*.guided*.safetensors")
@pytest.mark.parametrize("gradients", [False, True], ids=["merged", "joined"])
@pytest.mark.parametrize(
    ("name", "fusion", "steered", "rounded"),
    [
        ("noise_pred", "midup_order", True, None),
        ("noise_pred_no_controlnet", "midup_order", False, None),
        ("noise_pred_full_fusion", "full_order", True, None),
        ("noise_pred_fp16_bank", "midup_order", True, torch.float16),
    ],
)
def test_guided_step(fixture_file: Path, name: str, fusion: str, steered: bool, rounded: torch.dtype | None, gradients: bool) -> None:
    """Both halves of guidance; the null lacks the reference."""
    recorded, net = tensors(fixture_file), denoiser(fixture_file)
    sites = [bank_name(block) for block in sidecar(fixture_file)[fusion]]
    written = {site: value for site, value in features(fixture_file, recorded).items() if site in sites}
    contexts = [net.project_context(row) for row in recorded["inputs.encoder_hidden_states"].split(1)]  # of two prompts, unlike sampling
    null = UNetCondition(contexts[0], residuals=control(fixture_file, recorded) if steered else None)
    condition = UNetCondition(contexts[1], net.project_bank(written, rounded), residuals=null.residuals)
    with torch.set_grad_enabled(gradients):
        halves = net.branches(frames_second(recorded["inputs.latents"]), recorded["inputs.timestep"], [null, condition])
    outputs = frames_second(torch.cat(halves).detach())
    near(fixture_file, name, outputs, recorded[f"outputs.{name}"])
    if name == "noise_pred":
        scale = sidecar(fixture_file)["config"]["guidance_scale"]
        near(fixture_file, "guided", outputs[:1] + scale * (outputs[1:] - outputs[:1]), recorded["outputs.guided"])


def features(file: Path, recorded: dict[str, Tensor]) -> Features:
    """What the appearance encoder writes of one row."""
    encoder = appearance_encoder(file)
    context = encoder.project_context(recorded["inputs.encoder_hidden_states"][1:])
    return encoder.reference(recorded["inputs.ref_latents"].unsqueeze(1), recorded["inputs.timestep"], context)


def control(file: Path, recorded: dict[str, Tensor]) -> Residuals:
    """What the ControlNet adds to one clip."""
    net, clip = controlnet(file), frames_second(recorded["inputs.latents"])
    stem = net.stem(pictures(recorded))[None]
    return net.residuals(clip, recorded["inputs.timestep"], recorded["inputs.encoder_hidden_states"][1:], stem)


def pictures(recorded: dict[str, Tensor]) -> Tensor:  # F 3 H W
    return recorded["inputs.controlnet_cond_u8"].permute(0, 3, 1, 2) / 255


def assert_residuals(file: Path, residuals: Residuals, recorded: dict[str, Tensor], prefix: str, scale: float = 1.0) -> None:
    names = [f"{prefix}down.{i:02d}" for i in range(len(residuals.skips))]
    assert f"outputs.{prefix}down.{len(names):02d}" not in recorded
    for name, value in zip([*names, f"{prefix}mid"], [*residuals.skips, residuals.middle], strict=True):
        near(file, name, scale * value.flatten(0, 1), recorded[f"outputs.{name}"])
