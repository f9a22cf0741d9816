"""Pose Guider, ReferenceNet and denoiser give what the published networks gave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import tiny
from animato.models.condition import UNetCondition
from animato.models.temporal import sinusoid
from moore import assert_near, bank_name, denoiser, frames_second, pose_guider, reference_net, sidecar, tensors

FORWARD = 5e-5  # largest difference of one forward pass
ROUNDED = 2e-3  # the same, of banks rounded to fp16


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    torch.set_grad_enabled(False)
    yield
    torch.set_grad_enabled(True)


@pytest.mark.parity("moore_pose_guider*.safetensors", "musepose_pose_guider*.safetensors")
def test_pose_guider(fixture_file: Path) -> None:
    recorded = tensors(fixture_file)
    features = pose_guider(fixture_file)(frames_second(recorded["inputs.conditioning_uint8"] / 255))
    assert_near(frames_second(features), recorded["outputs.pose_fea"], FORWARD)


@pytest.mark.parity("moore_reference_unet*.safetensors", "musepose_reference_unet*.safetensors")
def test_reference_net(fixture_file: Path) -> None:
    """Every bank, and the last block's output, which nobody uses."""
    meta, recorded, net = sidecar(fixture_file), tensors(fixture_file), reference_net(fixture_file)
    tokens = recorded["inputs.encoder_hidden_states"]
    picture = recorded["inputs.ref_latents"].unsqueeze(1).expand(len(tokens), -1, -1, -1, -1)
    context = net.project_context(tokens)
    written = net.reference(picture, meta["timestep"], context)
    for entry in meta["bank_order"]:
        assert_near(written[bank_name(entry["reference_module"])], recorded[f"outputs.bank.{entry['index']:02d}"], FORWARD)
    assert len(written) == len(meta["bank_order"])
    assert_near(net(picture, meta["timestep"], UNetCondition(context)).squeeze(1), recorded["outputs.sample"], FORWARD)


@pytest.mark.parity("moore_denoising_unet_plain*.safetensors", "musepose_denoising_unet_plain*.safetensors")
def test_denoiser_without_bank(fixture_file: Path) -> None:
    """The runs are named by their times: t13_987 has one for each row; `pose`, `nopose` and `one_frame` say the rest."""
    recorded, net = tensors(fixture_file), denoiser(fixture_file)
    clip, pose = frames_second(recorded["inputs.sample"]), frames_second(recorded["inputs.pose_cond_fea"])
    told = UNetCondition(net.project_context(recorded["inputs.encoder_hidden_states"]), conv_in=pose)
    for name in (name for name in recorded if name.startswith("outputs.t")):
        parts = name.removeprefix("outputs.t").split("_")
        times = torch.tensor([int(part) for part in parts if part.isdigit()])
        condition = UNetCondition(told.context) if "nopose" in parts else told
        frames = range(recorded[name].shape[2])
        assert_near(frames_second(net(clip[:, frames], times, tiny.at(condition, frames))), recorded[name], FORWARD)


@pytest.mark.parity("moore_denoising_unet_plain*.safetensors", "musepose_denoising_unet_plain*.safetensors")
def test_inner_values(fixture_file: Path) -> None:
    """What single modules gave in the first run, batch row 1, frame 1."""
    recorded, net = tensors(fixture_file), denoiser(fixture_file)
    probes = {name.removeprefix("outputs.probe."): value for name, value in recorded.items() if name.startswith("outputs.probe.")}
    seen: dict[str, torch.Tensor] = {}
    for name, module in net.named_modules():
        if name in probes:
            module.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out}))
    condition = UNetCondition(
        net.project_context(recorded["inputs.encoder_hidden_states"]), conv_in=frames_second(recorded["inputs.pose_cond_fea"])
    )
    first = next(name for name in recorded if name.startswith("outputs.t") and name.endswith("_pose"))
    net(frames_second(recorded["inputs.sample"]), int(first.removeprefix("outputs.t").removesuffix("_pose")), condition)
    assert {"time_embedding", "conv_in", "down_blocks.0.resnets.0", "conv_norm_out"} <= set(seen)
    frames = recorded["inputs.sample"].shape[2]
    for name, value in seen.items():
        row = value.unflatten(0, (-1, frames)) if value.ndim == 4 else value
        mine = value if name == "time_embedding" else frames_second(row[1:, 1:2])
        assert_near(mine, probes[name], FORWARD)


@pytest.mark.parity("moore_denoising_unet_ref*.safetensors", "musepose_denoising_unet_ref*.safetensors")
@pytest.mark.parametrize("rounded", [None, torch.float16], ids=["fp32bank", "fp16bank"])
def test_guidance(fixture_file: Path, rounded: torch.dtype | None) -> None:
    """Both halves of guidance, from a ReferenceNet that runs for one row."""
    meta, recorded, net = sidecar(fixture_file), tensors(fixture_file), denoiser(fixture_file)
    null, condition = conditions(fixture_file, rounded)
    clip = frames_second(recorded["inputs.sample"])
    outputs = torch.cat(net.branches(clip, meta["timestep"], [null, condition]))
    name, tolerance = ("cfg_fp32bank", FORWARD) if rounded is None else ("cfg_fp16bank", ROUNDED)
    assert_near(frames_second(outputs), recorded[f"outputs.{name}"], tolerance)


@pytest.mark.parity("moore_denoising_unet_ref*.safetensors", "musepose_denoising_unet_ref*.safetensors")
@pytest.mark.parametrize("gradients", [False, True], ids=["merged", "joined"])
def test_reading_alone(fixture_file: Path, gradients: bool) -> None:
    """The conditional half by itself, on both ways of reading a bank."""
    meta, recorded, net = sidecar(fixture_file), tensors(fixture_file), denoiser(fixture_file)
    _, condition = conditions(fixture_file, None)
    with torch.set_grad_enabled(gradients):
        output = net(frames_second(recorded["inputs.sample"]), meta["timestep"], condition)
    assert_near(frames_second(output.detach()), recorded["outputs.nocfg_cond_only"], FORWARD)


def conditions(file: Path, rounded: torch.dtype | None) -> tuple[UNetCondition, UNetCondition]:
    meta, recorded, net, reference = sidecar(file), tensors(file), denoiser(file), reference_net(file)
    nothing, picture = recorded["inputs.encoder_hidden_states"].split(1)
    written = reference.reference(recorded["inputs.ref_latents"].unsqueeze(1), meta["ref_timestep"], reference.project_context(picture))
    pose = frames_second(recorded["inputs.pose_cond_fea"])
    null = UNetCondition(net.project_context(nothing), conv_in=pose)
    return null, UNetCondition(net.project_context(picture), net.project_bank(written, rounded), pose)


@pytest.mark.parity("musepose_denoising_unet_longwindow*.safetensors", "moore_denoising_unet_longwindow*.safetensors")
def test_long_window(fixture_file: Path) -> None:
    """In float64: what differs is the rounding of the recording alone. That of some CPUs adds up over many frames."""
    recorded = {name: value.double() if value.is_floating_point() else value for name, value in tensors(fixture_file).items()}
    net = denoiser(fixture_file).double()
    context, pose = net.project_context(recorded["inputs.encoder_hidden_states"]), frames_second(recorded["inputs.pose_cond_fea"])
    for name, value in recorded.items():
        if name.startswith("outputs.t"):
            output = net(
                frames_second(recorded["inputs.sample"]), int(name.removeprefix("outputs.t")), UNetCondition(context, conv_in=pose)
            )
            assert_near(frames_second(output), value, FORWARD)
        elif name.startswith("outputs.pe_table_C"):
            assert_near(sinusoid(*value.shape[1:]), value[0].float(), FORWARD)
