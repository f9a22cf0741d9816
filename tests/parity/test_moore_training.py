"""A training step of either stage gives what the published one gave: noisy latents, prediction, weights, losses, gradients."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.sampling.schedule import NoiseSchedule
from animato.training.batch import Batch
from animato.training.chance import Draw
from animato.training.loop import select
from animato.training.loss import levels, min_snr_weight, offset_noise, snr
from animato.training.objective import Velocity
from animato.training.recipe import read_recipe
from animato.training.referenced import ReferencedNetworks, VelocityStep, condition
from moore import RENAMED, assert_near, frames_second, motion_weights, sidecar, tensors, weights

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FORWARD = 5e-5
GRADIENT = 1e-4  # of the largest entry of a tensor, or of its norm

trained_steps = pytest.mark.parity("moore_train_stage*.safetensors")


def trained(file: Path, positions: int = 32, freeze: Sequence[str] = ("reference_unet.up_blocks.3.",)) -> ReferencedNetworks:
    """The recorded networks, with motion modules in stage 2; what learns in each stage learns, but for what the first stage freezes."""
    meta = sidecar(file)
    config = meta["config"]
    shape: dict[str, Any] = {
        "block_out_channels": tuple(config["block_out_channels"]),
        "layers_per_block": config["layers_per_block"],
        "heads": config["attention_head_dim"],
        "cross_attention_dim": config["cross_attention_dim"],
    }
    video = meta["stage"] == 2
    temporal: dict[str, Any] = {
        "kind": "attention",
        "heads": config["motion_heads"],
        "positions": positions,
        "middle": True,
        "norm": "frame",
    }
    denoiser = UNet(temporal=temporal if video else None, **shape)
    denoiser.load_state_dict(weights(file, "denoising_unet") | (motion_weights(file) if video else {}))
    reference = UNet(out_channels=None, **shape)
    reference.load_state_dict(weights(file, "reference_unet"))
    guider = PoseGuider(config["block_out_channels"][0], tuple(config["pose_channels"]))
    guider.load_state_dict(weights(file, "pose_guider"))
    networks = ReferencedNetworks(denoiser, reference, guider)
    select(networks, ["*.motion_modules."] if video else [], [] if video else list(freeze))
    return networks


def step(file: Path, gamma: float, networks: ReferencedNetworks | None = None) -> VelocityStep:
    meta = sidecar(file)
    known = {field.name for field in fields(NoiseSchedule)}
    noise = NoiseSchedule(**{name: value for name, value in meta["train_scheduler_kwargs"].items() if name in known})
    return VelocityStep(networks or trained(file), Velocity(noise_offset=meta["noise_offset"], snr_gamma=gamma), noise)


def inputs(file: Path) -> tuple[Batch, Draw]:
    recorded, meta = tensors(file), sidecar(file)
    clip = frames_second(recorded["inputs.latents"])
    noise = offset_noise(frames_second(recorded["inputs.noise"]), frames_second(recorded["inputs.noise_offset_draw"]), meta["noise_offset"])
    batch = Batch(
        clip,
        recorded["inputs.ref_latents"].unsqueeze(1),
        recorded["inputs.clip_image_embeds"],
        frames_second(recorded["inputs.pose_uint8"]) / 255,
        *[torch.zeros(0)] * 5,
    )
    return batch, Draw(recorded["inputs.timesteps"], noise, False)


def published_name(name: str) -> str:
    """A parameter's name in the recorded files."""
    if ".motion_modules." not in name:
        return name
    head, _, tail = name.partition(".motion_modules.")
    number, _, rest = tail.partition(".")
    for theirs, ours in RENAMED[1:]:
        rest = rest.replace(ours.removeprefix("."), theirs.removeprefix(".")) if f".{rest}".count(ours) else rest
    return f"{head}.motion_modules.{number}.temporal_transformer.{rest}"


@trained_steps
def test_noise_and_weights(fixture_file: Path) -> None:
    recorded, one = tensors(fixture_file), step(fixture_file, sidecar(fixture_file)["snr_gamma"])
    batch, draw = inputs(fixture_file)
    a, s = levels(one.alphas_cumprod, draw.t)
    assert_near(frames_second(a * batch.latents + s * draw.noise), recorded["outputs.noisy_latents"], FORWARD)
    assert_near(frames_second(a * draw.noise - s * batch.latents), recorded["outputs.target"], FORWARD)
    torch.testing.assert_close(snr(one.alphas_cumprod, draw.t), recorded["outputs.snr"], rtol=1e-4, atol=1e-6)
    weight = min_snr_weight(one.alphas_cumprod, draw.t, sidecar(fixture_file)["snr_gamma"])
    torch.testing.assert_close(weight, recorded["outputs.loss_weights"], rtol=1e-5, atol=1e-6)


@trained_steps
def test_prediction(fixture_file: Path) -> None:
    """With the reference, and without: there the recorded runs were still given CLIP's token, where sampling gives zeros."""
    recorded, one = tensors(fixture_file), step(fixture_file, 5.0)
    batch, draw = inputs(fixture_file)
    a, s = levels(one.alphas_cumprod, draw.t)
    x = a * batch.latents + s * draw.noise
    with torch.no_grad():
        known = condition(one.networks, batch)
        prediction = one.networks.denoising_unet(x, draw.t, known)
        without = one.networks.denoising_unet(x, draw.t, type(known)(known.context, conv_in=known.conv_in))
    assert_near(frames_second(prediction), recorded["outputs.model_pred"], FORWARD)
    assert_near(frames_second(without), recorded["outputs.model_pred_uncond_fwd"], FORWARD)


@trained_steps
@pytest.mark.parametrize("gamma", [0.0, 5.0])
def test_loss(fixture_file: Path, gamma: float) -> None:
    recorded = tensors(fixture_file)[f"outputs.loss_snr{gamma:.0f}"]
    with torch.no_grad():
        loss = step(fixture_file, gamma)(*inputs(fixture_file))["loss"]
    torch.testing.assert_close(loss.reshape(1), recorded, rtol=1e-5, atol=1e-6)


@trained_steps
def test_gradients(fixture_file: Path) -> None:
    """The norm of every tensor's gradient, in the recorded order, and some gradients whole; nothing else learns."""
    meta, recorded, one = sidecar(fixture_file), tensors(fixture_file), step(fixture_file, sidecar(fixture_file)["snr_gamma"])
    one(*inputs(fixture_file))["loss"].backward()
    gradients = {published_name(name): value.grad for name, value in one.networks.named_parameters() if value.requires_grad}
    assert set(meta["grad_norm_names"]) == {name for name, value in gradients.items()}
    norms = torch.tensor([_norm(gradients[name]) for name in meta["grad_norm_names"]], dtype=torch.float64)
    torch.testing.assert_close(norms, recorded["outputs.grad_norms"], rtol=GRADIENT, atol=1e-6)
    total = float(norms.square().sum().sqrt())
    assert total == pytest.approx(meta["total_grad_norm"], rel=GRADIENT)
    whole = [name for name in recorded if name.startswith("outputs.grad.")]
    assert whole
    for name in whole:
        gradient = cast(Tensor, gradients[name.removeprefix("outputs.grad.")])
        assert_near(gradient, recorded[name], GRADIENT * float(recorded[name].abs().max()))


@trained_steps
def test_musepose_s_step(fixture_file: Path) -> None:
    """As its recipes say: the recorded noise is theirs; 128 positions; in the first stage the whole ReferenceNet learns.

    Loss and recorded gradients are the same then. Of the ReferenceNet's last level, what stands before its last bank has a gradient, which
    a small step along it confirms; what stands behind has none.
    """
    meta, recorded = sidecar(fixture_file), tensors(fixture_file)
    recipe = read_recipe(RECIPES / ("muse-pose-video.toml" if meta["stage"] == 2 else "muse-pose-image.toml"))
    networks = trained(fixture_file, positions=128, freeze=recipe.run.freeze)
    assert isinstance(recipe.objective, Velocity)
    one = step(fixture_file, recipe.objective.snr_gamma, networks)
    assert meta["train_scheduler_kwargs"]["beta_schedule"] == recipe.noise.beta_schedule
    loss = one(*inputs(fixture_file))["loss"]
    torch.testing.assert_close(
        loss.detach().reshape(1), recorded[f"outputs.loss_snr{recipe.objective.snr_gamma:.0f}"], rtol=1e-5, atol=1e-6
    )
    loss.backward()
    gradients = {published_name(name): value.grad for name, value in networks.named_parameters() if value.requires_grad}
    last = {name for name in gradients if name.startswith("reference_unet.up_blocks.3.")}
    norms = torch.tensor([_norm(gradients[name]) for name in meta["grad_norm_names"]], dtype=torch.float64)
    torch.testing.assert_close(norms, recorded["outputs.grad_norms"], rtol=GRADIENT, atol=1e-6)
    assert set(gradients) - set(meta["grad_norm_names"]) == last and bool(last) == (meta["stage"] == 1)
    if last:
        assert {name for name in last if gradients[name] is None} == _behind_the_bank(last)
        _confirm(one, inputs(fixture_file), networks.reference_unet.up_blocks[3].resnets[0].conv1.weight)


def _behind_the_bank(names: set[str]) -> set[str]:
    """Of the ReferenceNet's last level: the last attention behind its first norm, and what asks a single token, whose answer it is not."""
    attentions = {name for name in names if ".attentions." in name}
    last = max(int(name.split(".attentions.")[1].split(".")[0]) for name in attentions)
    behind = {name for name in attentions if f".attentions.{last}." in name and not re.search(r"\.(norm|proj_in|norm1)\.", name)}
    return behind | {name for name in attentions if re.search(r"\.(attn2\.to_q|attn2\.to_k|norm2)\.", name)}


def _confirm(one: VelocityStep, given: tuple[Batch, Draw], weight: Tensor) -> None:
    """The loss falls along the gradient as fast as the gradient says."""
    gradient = cast(Tensor, weight.grad)
    small = 1e-2 * weight.detach().norm() / gradient.norm()
    losses = []
    with torch.no_grad():
        for side in (small, -2 * small):
            weight += side * gradient
            losses.append(float(one(*given)["loss"]))
    slope = (losses[0] - losses[1]) / (2 * float(small))
    assert slope == pytest.approx(float(gradient.square().sum()), rel=0.1)


def _norm(gradient: Tensor | None) -> float:
    return 0.0 if gradient is None else float(gradient.double().norm())
