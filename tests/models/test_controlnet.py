"""ControlNet divided into what is done once and what is done in every step, against diffusers' own forward."""

import pytest
import torch

import animators
import tiny
from animato.models.controlnet import controlnet_for


@pytest.mark.parametrize("t", [7, torch.tensor(801), torch.tensor([7, 801])])
def test_stem_and_residuals_are_diffusers_forward(t):
    """Two clips of three frames, at one time or at one each."""
    net = animators.controlnet()
    x, pictures, tokens = tiny.normal(6, 4, 8, 6), torch.rand(6, 3, 64, 48), tiny.normal(1, 7, 24, seed=3)
    times = torch.as_tensor(t).reshape(-1).expand(2).repeat_interleave(3)
    with torch.no_grad():
        skips, middle = net(x, times, tokens.expand(6, -1, -1), pictures, return_dict=False)
        mine = net.residuals(x.unflatten(0, (2, 3)), t, tokens, net.stem(pictures).unflatten(0, (2, 3)))
    assert len(mine.skips) == len(skips) == 4
    for one, other in zip([*mine.skips, mine.middle], [*skips, middle], strict=True):
        assert other.abs().max() > 0.01
        torch.testing.assert_close(one.flatten(0, 1), other)


def test_a_new_one_adds_nothing():
    unet = tiny.unet()
    net = controlnet_for(unet, (4, 8, 8))
    names = [name for name in net.state_dict() if name in unet.state_dict()]
    assert len(names) > 50 and net.stride == 4
    assert all(net.state_dict()[name].shape == unet.state_dict()[name].shape for name in names)
    added = net.residuals(tiny.normal(1, 2, 4, 8, 6), 5, tiny.normal(1, 3, 24), net.stem(torch.rand(2, 3, 32, 24))[None])
    assert not any(value.any() for value in (*added.skips, added.middle))
