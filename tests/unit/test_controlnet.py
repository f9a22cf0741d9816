"""ControlNet divided into what is done once and what is done in every step, against diffusers' own forward."""

import pytest
import torch

import animators
import tiny


@pytest.mark.parametrize("t", [7, torch.tensor(801)])
def test_stem_and_residuals_are_diffusers_forward(t):
    net = animators.controlnet()
    x, pictures, tokens = tiny.normal(3, 4, 8, 6), torch.rand(3, 3, 64, 48), tiny.normal(1, 7, 24, seed=3)
    with torch.no_grad():
        skips, middle = net(x, t, tokens.expand(3, -1, -1), pictures, return_dict=False)
        mine = net.residuals(x, t, tokens, net.stem(pictures))
    assert len(mine.skips) == len(skips) == 4
    for one, other in zip([*mine.skips, mine.middle], [*skips, middle], strict=True):
        assert other.abs().max() > 0.01
        torch.testing.assert_close(one[0], other)
