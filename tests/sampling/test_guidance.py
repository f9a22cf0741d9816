"""Guidance against two plain passes, with something at every injection site."""

from dataclasses import replace

import pytest
import torch

import animators
import tiny
from animato.models.condition import UNetCondition
from animato.models.unified import Given
from animato.sampling.guidance import guided
from animato.sampling.model import of_windows, unet_model, unified_model
from animato.sampling.plan import Window

FRAMES, SIZE = 5, (6, 4)


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def net():
    return tiny.unet(tiny.TEMPORAL)


@pytest.fixture(scope="module")
def pair(net):
    """The null, which shares skeletons and residuals with the condition, and the condition."""
    with torch.no_grad():
        condition = tiny.condition(net, tiny.normal(1, FRAMES, 4, *SIZE))
        return replace(condition, bank={}, context=net.project_context(torch.zeros(1, 1, 24))), condition


@pytest.mark.parametrize(("together", "scale"), [(True, 3.5), (False, 3.5), (True, 1.1)])
def test_guidance_is_null_plus_scaled_difference(net, pair, together, scale):
    """Two windows at once, one of them in another order, against each window by itself."""
    windows, t, x = [Window((0, 1, 2)), Window((4, 2, 3))], torch.tensor(321), tiny.normal(FRAMES, 4, *SIZE, seed=2)
    rows = torch.stack([x[list(window.frames)] for window in windows])
    mine = guided(unet_model(net, *pair, together), scale)(rows, t, windows)
    for row, window, output in zip(rows, windows, mine, strict=True):
        null, condition = (net(row[None], t, tiny.at(one, window.frames))[0] for one in pair)
        torch.testing.assert_close(output, null + scale * (condition - null), atol=2e-4, rtol=1e-4)


def test_without_guidance_the_null_is_not_computed(net, pair):
    window, t = Window((0, 1)), torch.tensor(5)
    rows = tiny.normal(1, 2, 4, *SIZE, seed=3)
    mine = guided(unet_model(net, None, pair[1]), 1.0)(rows, t, [window])
    torch.testing.assert_close(mine, net(rows, t, tiny.at(pair[1], window.frames)))


def test_a_condition_without_anything_stays_so(net, pair):
    bare = UNetCondition(pair[0].context)
    cut = of_windows(bare, lambda value: value[:, :2])
    assert (cut.context, cut.bank, cut.conv_in, cut.residuals) == (bare.context, {}, None, None)


def test_networks_in_low_precision_compute_in_it_and_answer_in_full(net, pair):
    coarse = tiny.unet(tiny.TEMPORAL).to(torch.bfloat16)
    context = coarse.project_context(torch.ones(1, 1, 24, dtype=torch.bfloat16))
    null, condition = (UNetCondition(context, conv_in=torch.full((1, 2, 32, *SIZE), value, dtype=torch.bfloat16)) for value in (0.0, 1.0))
    out = guided(unet_model(coarse, null, condition), 2.0)(tiny.normal(1, 2, 4, *SIZE), torch.tensor(7), [Window((0, 1))])
    assert out.dtype == torch.float32 and out.isfinite().all()


def test_what_both_halves_are_told_is_cut_once(net, pair):
    """Of a long clip that waits on the CPU, windows are copied to the device: not twice."""
    null, condition = (replace(one, conv_in=pair[1].conv_in, residuals=pair[1].residuals) for one in pair)
    seen = []

    class Watched(type(net)):
        def branches(self, x, t, conditions):
            seen.extend(conditions)
            return super().branches(x, t, conditions)

    watched = Watched.from_config(net.config)
    guided(unet_model(watched, null, condition), 2.0)(tiny.normal(1, 2, 4, *SIZE), torch.tensor(7), [Window((3, 1))])
    assert seen[0].conv_in is seen[1].conv_in and seen[0].residuals.middle is seen[1].residuals.middle
    assert torch.equal(seen[0].conv_in, pair[1].conv_in[:, [3, 1]])


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("scale", [2.5, 1.0])
def test_guidance_of_a_network_that_is_told_of_every_window_by_itself(together, scale):
    """Three windows at once, two of which are pair of other frames, against each window and half by itself."""
    net, windows, t = animators.uni().unet, [Window((0, 1, 2)), Window((2, 3, 4)), Window((1, 2, 3))], torch.tensor(321)
    prompt, poses = tiny.normal(1, 5, 24, seed=1), tiny.normal(1, FRAMES, 3, 24, 16, seed=2)
    pair = net.encode(Given(image=tiny.normal(1, 1, 24, seed=3), reference=tiny.normal(1, 1, 4, *SIZE, seed=4), poses=poses), prompt, SIZE)
    null = net.condition(net.encode(Given(), prompt, SIZE), range(3))
    conditions = {window: net.condition(pair, window.frames) for window in windows}
    rows = tiny.normal(3, 3, 4, *SIZE, seed=5)
    mine = guided(unified_model(net, null, conditions, together), scale)(rows, t, windows)
    for row, window, output in zip(rows, windows, mine, strict=True):
        without, condition = (net(row[None], t, one)[0] for one in (null, conditions[window]))
        torch.testing.assert_close(output, without + scale * (condition - without), atol=2e-4, rtol=1e-4)
