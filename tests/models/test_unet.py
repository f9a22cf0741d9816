"""The U-Net equals diffusers' U-Nets where they do the same, and the plain form of the published code where they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import tiny
from animato.core.errors import InputError
from animato.models.condition import Residuals, UNetCondition
from animato.models.frames import FrameNorm
from animato.models.plain import plain_unet
from animato.models.unet import UNet

CLIP = (2, 3, 4, 7, 6)  # B F C H W, a height that does not halve evenly
ATTENDING = {True: ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D"), False: ("DownBlock2D", "UpBlock2D")}


def close(mine: Tensor, other: Tensor, tolerance: float = 2e-5) -> None:
    torch.testing.assert_close(mine, other, atol=tolerance, rtol=0)


def diffusers_shape(shape: dict) -> dict:
    down, up = zip(*(ATTENDING[attends] for attends in shape["attention_levels"]), strict=True)
    return {
        "block_out_channels": shape["block_out_channels"],
        "layers_per_block": shape["layers_per_block"],
        "down_block_types": down,
        "up_block_types": up[::-1],
        "cross_attention_dim": shape["cross_attention_dim"],
    }


def unet_2d(shape: dict) -> UNet2DConditionModel:
    return UNet2DConditionModel(attention_head_dim=shape["heads"], **diffusers_shape(shape)).eval()


@given(
    channels=st.lists(st.sampled_from([32, 64, 96]), min_size=2, max_size=4),
    layers=st.integers(1, 3),
    attends=st.lists(st.booleans(), min_size=4, max_size=4),
)
@settings(max_examples=15, deadline=None)
def test_names_and_shapes_of_any_size(channels: list[int], layers: int, attends: list[bool]) -> None:
    levels = tuple(attends[: len(channels)])
    shape = {"block_out_channels": tuple(channels), "layers_per_block": layers, "attention_levels": levels}
    shape |= {"heads": 4, "cross_attention_dim": 24}
    with torch.device("meta"):
        mine, other = UNet(**shape), unet_2d(shape)
    assert shapes(mine) == shapes(other)


def test_default_is_stable_diffusion_1_5() -> None:
    with torch.device("meta"):
        mine, reference, other = UNet(), UNet(out_channels=None), UNet2DConditionModel(cross_attention_dim=768)
    assert shapes(mine) == shapes(other)
    assert norms(mine) == norms(other)
    tail = {"conv_norm_out.weight", "conv_norm_out.bias", "conv_out.weight", "conv_out.bias"}
    assert set(shapes(other)) - set(shapes(reference)) == tail


def shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in module.state_dict().items()}


@pytest.mark.parametrize("tokens", [1, 5])
@torch.no_grad()
def test_pictures_as_diffusers(tokens: int) -> None:
    """Without a temporal module every frame is a picture to UNet2DConditionModel, ControlNet residuals and times of rows included."""
    mine, other = tiny.unet(), unet_2d(tiny.SHAPE)
    other.load_state_dict(mine.state_dict())
    clip, context, times = tiny.normal(*CLIP), tiny.normal(CLIP[0], tokens, 24, seed=2), torch.tensor([13, 700])
    residuals = tiny.condition(mine, clip).residuals
    condition = UNetCondition(mine.project_context(context), residuals=residuals)
    expected = other(
        clip.flatten(0, 1),
        times.repeat_interleave(CLIP[1]),
        context.repeat_interleave(CLIP[1], 0),
        down_block_additional_residuals=[skip.flatten(0, 1) for skip in residuals.skips],
        mid_block_additional_residual=residuals.middle.flatten(0, 1),
    ).sample
    close(mine(clip, times, condition).flatten(0, 1), expected)


def norms(module: nn.Module) -> dict[str, tuple[int, float]]:
    """Groups and epsilon of every GroupNorm: too little to show in outputs."""
    return {name: (norm.num_groups, norm.eps) for name, norm in module.named_modules() if isinstance(norm, nn.GroupNorm)}


class PerFrame(nn.Module):
    """The norm of diffusers' motion modules (B C F H W), corrected: its statistics are those of a frame."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = FrameNorm(norm.num_groups, norm.num_channels, eps=norm.eps)
        self.norm.load_state_dict(norm.state_dict())

    def forward(self, clip: Tensor) -> Tensor:
        return self.norm(clip.transpose(1, 2)).transpose(1, 2)


@pytest.mark.parametrize("middle", [True, False])
@torch.no_grad()
def test_clips_as_diffusers_with_its_norms_corrected(middle: bool) -> None:
    mine = tiny.unet(tiny.TEMPORAL | {"middle": middle})
    adapter = MotionAdapter((32, 64), 1, motion_num_attention_heads=4, use_motion_mid_block=middle)
    other = UNetMotionModel.from_unet2d(unet_2d(tiny.SHAPE), adapter)
    missing, unexpected = other.load_state_dict(mine.state_dict(), strict=False)
    assert all(name.endswith("pos_embed.pe") for name in missing) and not unexpected
    assert norms(mine) == norms(other)
    for module in [module for module in other.modules() if type(module).__name__ == "AnimateDiffTransformer3D"]:
        module.norm = PerFrame(module.norm)
    clip, context = tiny.normal(*CLIP), tiny.normal(CLIP[0], 5, 24, seed=2)
    expected = other.eval()(clip.transpose(1, 2), 40, context.repeat_interleave(CLIP[1], 0)).sample.transpose(1, 2)
    close(mine(clip, 40, UNetCondition(mine.project_context(context))), expected)


@pytest.mark.parametrize("norm", ["frame", "clip"])
@pytest.mark.parametrize("gradients", [False, True], ids=["merged", "joined"])
def test_guidance_as_published(norm: str, gradients: bool) -> None:
    """Both halves against the plain form, which repeats, joins and projects again, and computes the null twice."""
    net = tiny.unet(tiny.TEMPORAL | {"norm": norm})
    clip, pose, tokens = tiny.normal(*CLIP), tiny.normal(2, 3, 32, 7, 6, seed=2), tiny.normal(4, 1, 24, seed=3)
    with torch.set_grad_enabled(gradients):
        features = tiny.features(net, (7, 6), rows=2)
        null = UNetCondition(net.project_context(tokens[:2]), conv_in=pose)
        condition = UNetCondition(net.project_context(tokens[2:]), net.project_bank(features), pose)
        halves = torch.cat(net.branches(clip, 300, [null, condition]))
        twice = {name: torch.cat([value, value]) for name, value in features.items()}
        expected = plain_unet(net, torch.cat([clip, clip]), 300, tokens, twice, torch.cat([pose, pose]))
    close(halves, expected)
    assert (halves[:2] - halves[2:]).abs().max() > 0.1


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float16, 0.01), (torch.bfloat16, 0.05)])
@torch.no_grad()
def test_savings_are_exact(dtype: torch.dtype, tolerance: float) -> None:
    """In double precision nothing is left between them and the plain form; half precisions stay half."""
    double, net = tiny.unet(tiny.TEMPORAL).double(), tiny.unet(tiny.TEMPORAL).to(dtype)
    clip, tokens = tiny.normal(*CLIP).double(), tiny.normal(4, 1, 24, seed=3).double()
    features = {name: value.double() for name, value in tiny.features(net, (7, 6), rows=2).items()}
    bank = net.project_bank({name: value.to(dtype) for name, value in features.items()})
    contexts = [net.project_context(half) for half in tokens.to(dtype).split(2)]
    halves = torch.cat(net.branches(clip.to(dtype), 300, [UNetCondition(contexts[0]), UNetCondition(contexts[1], bank)]))
    twice = {name: torch.cat([value, value]) for name, value in features.items()}
    expected = plain_unet(double, torch.cat([clip, clip]), 300, tokens, twice)
    assert halves.dtype == dtype
    assert (halves - expected).abs().mean() < tolerance * expected.abs().mean()


def test_gradients_as_published() -> None:
    """Of the weights, of the reference's features and of the context; where softmax over one token has no gradient there is none."""
    net = tiny.unet(tiny.TEMPORAL)
    clip, tokens = tiny.normal(*CLIP), tiny.normal(2, 1, 24, seed=3)

    def gradients(published: bool) -> dict[str, Tensor]:
        net.zero_grad()
        features = {name: value.detach().requires_grad_() for name, value in tiny.features(net, (7, 6), rows=2).items()}
        context = tokens.clone().requires_grad_()
        if published:
            both = torch.cat([clip, clip]), torch.cat([context, context])
            twice = {name: torch.cat([value, value]) for name, value in features.items()}
            output = plain_unet(net, both[0], 300, both[1], twice)[2:]
        else:
            output = net(clip, 300, UNetCondition(net.project_context(context), net.project_bank(features)))
        output.square().mean().backward()
        weights = {name: value.grad for name, value in net.named_parameters() if value.grad is not None}
        return weights | {name: value.grad for name, value in features.items()} | {"context": context.grad}

    mine, published = gradients(False), gradients(True)
    for name, expected in published.items():
        close(mine.get(name, torch.zeros_like(expected)), expected, 1e-5)
    assert all("attn2.to_q" in name or "attn2.to_k" in name or "norm2" in name for name in set(published) - set(mine))


@torch.no_grad()
def test_branches_are_the_single_forwards() -> None:
    net, clip = tiny.unet(tiny.TEMPORAL), tiny.normal(*CLIP)
    condition = tiny.condition(net, clip)
    others = [
        replace(condition, bank={}),
        replace(condition, context=net.project_context(tiny.normal(2, 5, 24))),
        replace(condition, conv_in=None),
        replace(condition, residuals=None),
        replace(condition, residuals=Residuals(condition.residuals.skips, condition.residuals.middle + 1)),
    ]
    for conditions in ([condition, other] for other in others):
        for branch, alone in zip(net.branches(clip, 5, conditions), conditions, strict=True):
            close(branch, net(clip, 5, alone), 1e-6)
        assert (net(clip, 5, conditions[0]) - net(clip, 5, conditions[1])).abs().max() > 0.01
    three = net.branches(clip, 5, [condition, *others[:2]])
    close(torch.stack(three), torch.stack([net(clip, 5, each) for each in (condition, *others[:2])]), 1e-6)


@torch.no_grad()
def test_a_bank_of_some_transformers_is_read_there_only() -> None:
    net, clip = tiny.unet(), tiny.normal(*CLIP)
    condition = replace(tiny.condition(net, clip), residuals=None, conv_in=None)
    features = tiny.features(net, (7, 6), rows=2)
    later = {name: value for name, value in features.items() if not name.startswith("down_blocks")}
    twice = {name: torch.cat([value, value]) for name, value in later.items()}
    tokens = tiny.normal(2, 1, 24, seed=5)
    expected = plain_unet(net, torch.cat([clip, clip]), 9, torch.cat([tokens, tokens]), twice)[2:]
    close(net(clip, 9, replace(condition, bank=net.project_bank(later))), expected)
    assert (net(clip, 9, condition) - expected).abs().max() > 0.01


@torch.no_grad()
def test_one_condition_for_all_rows() -> None:
    net, clip = tiny.unet(tiny.TEMPORAL), tiny.normal(*CLIP)
    one = tiny.condition(net, clip[:1])
    single = [net(row, 5, one) for row in clip.split(1)]
    close(net(clip, 5, one), torch.cat(single), 1e-5)


@torch.no_grad()
def test_banks_rounded_as_published() -> None:
    net = tiny.unet()
    features = tiny.features(net, (8, 8))
    rounded = net.project_bank(features, rounded=torch.float16)
    expected = net.project_bank({name: value.half().float() for name, value in features.items()})
    for name, exact in net.project_bank(features).items():
        assert torch.equal(rounded[name].keys, expected[name].keys) and torch.equal(rounded[name].values, expected[name].values)
        assert 0 < (rounded[name].keys - exact.keys).abs().max() < 1e-2


@torch.no_grad()
def test_reference_of_several_frames_is_one_bank() -> None:
    net = tiny.unet()
    pictures, context = tiny.normal(1, 2, 4, 8, 8), net.project_context(tiny.normal(1, 1, 24))
    both = net.reference(pictures, 0, context)
    for name, first in net.reference(pictures[:, :1], 0, context).items():
        second = net.reference(pictures[:, 1:], 0, context)[name]
        close(both[name], torch.cat([first, second], dim=1))


@given(order=st.permutations(range(4)))
@settings(max_examples=8, deadline=None)
@torch.no_grad()
def test_frames_are_independent_without_temporal_module(order: list[int]) -> None:
    """Any choice and order of frames gives the same frames, with the condition of these frames."""
    net, clip = tiny.unet(), tiny.normal(1, 4, 4, 8, 6)
    condition = tiny.condition(net, clip)
    close(net(clip[:, order[:3]], 70, tiny.at(condition, order[:3])), net(clip, 70, condition)[:, order[:3]], 1e-5)


@torch.no_grad()
def test_positions_are_those_within_the_window() -> None:
    net, clip = tiny.unet(tiny.TEMPORAL), tiny.normal(1, 6, 4, 8, 6)
    condition = tiny.condition(net, clip)
    still = net(clip[:, [0, 0, 0]], 70, tiny.at(condition, [0, 0, 0]))
    assert (still[:, 0] - still[:, 1]).abs().max() > 1e-3
    window = [4, 5, 0]  # of a closed loop
    alone = replace(condition, conv_in=condition.conv_in[:, window], residuals=None)
    close(net(clip[:, window], 70, tiny.at(replace(condition, residuals=None), window)), net(clip[:, window], 70, alone), 0)
    assert (net(clip[:, window], 70, tiny.at(condition, window)) - net(clip, 70, condition)[:, window]).abs().max() > 1e-3


@pytest.mark.parametrize("norm", ["frame", "clip"])
@torch.no_grad()
def test_only_norms_over_the_clip_couple_frames(norm: str) -> None:
    """The temporal modules are new here, which leave frames alone."""
    net = UNet(temporal=tiny.TEMPORAL | {"norm": norm}, **tiny.SHAPE)
    net.load_state_dict(tiny.unet().state_dict(), strict=False)
    clip, condition = tiny.normal(1, 3, 4, 8, 8), UNetCondition(net.project_context(tiny.normal(1, 1, 24)))
    other = torch.cat([clip[:, :2], 2 * clip[:, 2:]], dim=1)
    change = (net(clip, 9, condition) - net(other, 9, condition))[:, :2].abs().max()
    assert (change > 1e-2) == (norm == "clip")


def test_too_many_frames() -> None:
    net, clip = tiny.unet(tiny.TEMPORAL), tiny.normal(1, 9, 4, 8, 8)
    with pytest.raises(InputError, match="9 frames.*8 positions"):
        net(clip, 0, UNetCondition(net.project_context(tiny.normal(1, 1, 24))))


@torch.no_grad()
def test_saved_and_loaded(tmp_path: Path) -> None:
    net, clip = tiny.unet(tiny.TEMPORAL), tiny.normal(1, 3, 4, 8, 8)
    net.save_pretrained(tmp_path)
    loaded = UNet.from_pretrained(tmp_path)
    condition = tiny.condition(net, clip)
    assert dict(loaded.config)["temporal"] == tiny.TEMPORAL
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in net.state_dict().items())
    close(loaded(clip, 3, condition), net(clip, 3, condition))


def test_checkpointing_keeps_gradients_and_less_memory() -> None:
    net, clip = tiny.unet(tiny.TEMPORAL), tiny.normal(1, 3, 4, 16, 16)

    def step() -> tuple[int, Tensor, dict[str, Tensor]]:
        net.zero_grad()
        kept: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x: (kept.append(x.numel()), x)[1], lambda x: x):
            output = net(clip, 3, tiny.condition(net, clip))
        output.square().mean().backward()
        return sum(kept), output.detach(), {name: value.grad.clone() for name, value in net.named_parameters() if value.grad is not None}

    everything, output, gradients = step()
    net.enable_gradient_checkpointing()
    less, again, same = step()
    assert less < everything / 3
    close(again, output, 1e-6)
    assert set(same) == set(gradients)
    for name, value in gradients.items():
        close(same[name], value, 1e-6)


def test_a_network_that_ends_at_its_last_bank(tmp_path: Path) -> None:
    """It writes the banks of the whole one, and has none of what comes after them."""
    whole, cut = tiny.unet(), tiny.unet(out_channels=0)
    state = whole.state_dict()
    cut.load_state_dict({name: state[name] for name in cut.state_dict()})
    missing = {name for name in state if name not in cut.state_dict()}
    last = "up_blocks.1.attentions.1."
    kept = {f"{last}{part}.{kind}" for part in ("norm", "proj_in", "transformer_blocks.0.norm1") for kind in ("weight", "bias")}
    assert missing == {name for name in state if name.startswith((last, "conv_norm_out.", "conv_out."))} - kept
    pictures, tokens = tiny.normal(2, 1, 4, 7, 6), tiny.normal(1, 3, 24)
    for net in (cut, UNet.from_pretrained(saved(cut, tmp_path))):
        written = net.reference(pictures, 5, net.project_context(tokens))
        meant = whole.reference(pictures, 5, whole.project_context(tokens))
        assert written.keys() == meant.keys()
        assert all(torch.equal(value, meant[name]) for name, value in written.items())
    with pytest.raises(TypeError, match="ends at its last bank"):
        cut(pictures, 5, UNetCondition(cut.project_context(tokens)))


def saved(net: UNet, folder: Path) -> Path:
    net.save_pretrained(folder)
    return folder
