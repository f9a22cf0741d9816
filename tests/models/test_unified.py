"""UniAnimate's network: any conditions or none, frames in any window, pictures of any size."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers.models.resnet import ResnetBlock2D, TemporalConvLayer
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel

from animato.core.errors import InputError
from animato.models.trunk import at_once, project_context, replace_entrance, travel
from animato.models.unified import Given, UnifiedUNet
from tiny import randomised

SIZE = (5, 3)  # no multiple of anything that the network halves
FRAMES = 4
SHAPE: dict[str, Any] = {
    "block_out_channels": (32, 32),
    "attention_levels": (True, False),
    "layers_per_block": 1,
    "context": (24, 4),
    "head_dim": 16,
    "entrance": (32, 3),
}


@pytest.fixture(scope="module")
def net() -> UnifiedUNet:
    return randomised(UnifiedUNet(**SHAPE)).eval()


def everything() -> Given:
    make = torch.Generator().manual_seed(1)
    return Given(
        image=torch.randn(1, 1, 24, generator=make),
        reference=torch.randn(1, 1, 4, *SIZE, generator=make),
        reference_pose=torch.rand(1, 1, 3, 41, 23, generator=make),
        poses=torch.rand(1, FRAMES, 3, 41, 23, generator=make),
        first_frame=torch.rand(1, 1, 3, 50, 30, generator=make),
    )


@torch.no_grad()
def predicted(net: UnifiedUNet, given: Given, frames: range = range(FRAMES), rows: int = 1) -> torch.Tensor:
    x = torch.randn(1, FRAMES, 4, *SIZE, generator=torch.Generator().manual_seed(2))[:, list(frames)]
    prompt = torch.randn(1, 7, 24, generator=torch.Generator().manual_seed(3))
    return net(x.expand(rows, *x.shape[1:]), 500, net.condition(net.encode(given, prompt, SIZE), frames))


def test_every_condition_counts(net: UnifiedUNet) -> None:
    whole = predicted(net, everything())
    assert whole.shape == (1, FRAMES, 4, *SIZE)
    for name in ("image", "reference", "reference_pose", "poses", "first_frame"):
        assert (predicted(net, replace(everything(), **{name: None})) - whole).abs().max() > 1e-3


def test_the_pose_of_a_reference_without_the_reference_says_nothing(net: UnifiedUNet) -> None:
    alone = Given(reference_pose=everything().reference_pose)
    assert torch.equal(predicted(net, alone), predicted(net, Given()))


def test_no_image_is_not_an_image_of_zeros(net: UnifiedUNet) -> None:
    assert (predicted(net, Given()) - predicted(net, Given(image=torch.zeros(1, 1, 24)))).abs().max() > 1e-3


def test_tokens_of_no_image_stand_in_the_context(net: UnifiedUNet) -> None:
    context = net.tokens(None, torch.ones(1, 7, 24))
    assert context.shape == (1, 11, 24) and not context[:, 7:].any() and context[:, :7].all()


def test_one_first_frame_is_that_frame_repeated(net: UnifiedUNet) -> None:
    one = everything()
    assert one.first_frame is not None
    many = replace(one, first_frame=one.first_frame.expand(-1, FRAMES, -1, -1, -1))
    torch.testing.assert_close(predicted(net, one), predicted(net, many), atol=1e-5, rtol=0)


def test_a_window_s_condition_is_that_of_its_frames_alone(net: UnifiedUNet) -> None:
    """Attention over frames sees those of the window and no others."""
    poses, first = (torch.rand(1, FRAMES, 3, 41, 23, generator=torch.Generator().manual_seed(seed)) for seed in (4, 5))
    given = replace(everything(), poses=poses, first_frame=first)
    window, cut = range(1, 3), replace(given, poses=poses[:, 1:3], first_frame=first[:, 1:3])
    prompt = torch.zeros(1, 7, 24)
    with torch.no_grad():
        of_window = net.condition(net.encode(given, prompt, SIZE), window)
        alone = net.condition(net.encode(cut, prompt, SIZE), range(2))
        of_clip = net.condition(net.encode(given, prompt, SIZE), range(FRAMES))
    torch.testing.assert_close(of_window.channels, alone.channels)
    assert (of_window.channels - of_clip.channels[:, 1:3]).abs().max() > 1e-4


def test_rows_with_one_condition(net: UnifiedUNet) -> None:
    both = predicted(net, everything(), rows=2)
    torch.testing.assert_close(both, predicted(net, everything()).expand_as(both), atol=1e-5, rtol=0)


def test_first_frames_that_do_not_fit_the_poses(net: UnifiedUNet) -> None:
    given = replace(everything(), first_frame=torch.rand(1, 3, 3, 50, 30))
    with pytest.raises(InputError, match="3 first frames do not fit 4 poses"):
        predicted(net, given)


@pytest.mark.parametrize("size", [(8, 4), SIZE])
@torch.no_grad()
def test_the_trunk_is_diffusers_own(net: UnifiedUNet, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow reference: diffusers' forward, which projects the context for every frame and feeds all tokens forward at once."""
    monkeypatch.setattr("animato.models.attention.PIECE", 7)
    plain = UNet3DConditionModel.from_config(net.trunk.config)
    replace_entrance(plain, 32, 3, 16)
    plain.load_state_dict(net.trunk.state_dict())
    make = torch.Generator().manual_seed(4)
    x, tokens = torch.randn(2, 12, 3, *size, generator=make), torch.randn(2, 5, 24, generator=make)
    fast = travel(net.trunk, x.transpose(1, 2), torch.tensor([7, 700]), project_context(net.trunk, tokens), at_once)
    assert (fast.transpose(1, 2) - plain.eval()(x, torch.tensor([7, 700]), tokens).sample).abs().max() < 1e-5


def test_what_is_forgotten_is_computed_again(net: UnifiedUNet) -> None:
    """Gradients are the same with and without checkpointing, through every block and what the blocks are given."""

    def gradients(forgetting: bool) -> list[torch.Tensor]:
        learning = copy.deepcopy(net)
        if forgetting:
            learning.enable_gradient_checkpointing()
        make = torch.Generator().manual_seed(5)
        x, prompt = torch.randn(1, FRAMES, 4, *SIZE, generator=make), torch.randn(1, 7, 24, generator=make)
        condition = learning.condition(learning.encode(everything(), prompt, SIZE), range(FRAMES))
        learning(x, 500, condition).square().sum().backward()
        return [value.grad for value in learning.parameters() if value.grad is not None]

    plain, again = gradients(False), gradients(True)
    assert len(plain) == len(again) == len([*net.parameters()])
    assert all(torch.allclose(one, other, rtol=1e-4, atol=1e-5) for one, other in zip(plain, again, strict=True))


def test_checkpointing_runs_blocks_twice(net: UnifiedUNet) -> None:
    learning, calls = copy.deepcopy(net), list[int]()
    learning.enable_gradient_checkpointing()
    learning.trunk.mid_block.register_forward_pre_hook(lambda *_: calls.append(1))
    condition = learning.condition(learning.encode(everything(), torch.ones(1, 7, 24), SIZE), range(FRAMES))
    learning(torch.zeros(1, FRAMES, 4, *SIZE), 500, condition).sum().backward()
    assert len(calls) == 2


def test_dropout_only_while_learning(net: UnifiedUNet) -> None:
    learning = copy.deepcopy(net).train()
    for kind in (ResnetBlock2D, TemporalConvLayer):
        learning.drop(0.1)
        for module in learning.modules():
            if isinstance(module, (ResnetBlock2D, TemporalConvLayer)) and not isinstance(module, kind):
                module.eval()
        assert (predicted(learning, everything()) - predicted(learning, everything())).abs().max() > 1e-4
        learning.train()
    learning.drop(0)
    assert torch.equal(predicted(learning, everything()), predicted(net, everything()))


def test_mamba_begins_as_the_identity_and_reads_other_frames_once_it_has_learned() -> None:
    """Behind zeroed temporal modules a frame depends on itself alone, as far as temporal convolutions are new, too."""
    torch.manual_seed(0)
    fresh = UnifiedUNet(**SHAPE, temporal="mamba").eval()
    assert "mamba" in "".join(fresh.state_dict()) and "temp_attentions.0.norm1" not in "".join(fresh.state_dict())
    given = replace(everything(), poses=None, first_frame=None)
    assert torch.allclose(predicted(fresh, given)[:, :2], predicted(fresh, given, range(2)), atol=1e-5)
    learned = randomised(fresh)
    assert (predicted(learned, given)[:, :2] - predicted(learned, given, range(2))).abs().max() > 1e-3
