"""Frames between frames."""

import pytest
import torch

from animato.sampling.interpolate import interpolate, slerp


@pytest.mark.parametrize("method", ["linear", "slerp"])
def test_given_frames_stay(method):
    latents = torch.randn(4, 2, 3, 3, generator=torch.manual_seed(0))
    between = interpolate(latents, 3, method)
    assert len(between) == 10
    assert torch.equal(between[::3], latents)
    assert torch.equal(interpolate(latents, 1, method), latents)


def test_lines():
    between = interpolate(torch.tensor([[0.0, 4.0], [4.0, 0.0]]), 4)
    assert between.tolist() == [[0, 4], [1, 3], [2, 2], [3, 1], [4, 0]]


def test_great_circles():
    """A right angle in three equal parts; the length goes evenly along the weights of the formula."""
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    third = torch.pi / 6
    torch.testing.assert_close(slerp(a, b, 1 / 3), 2 * torch.tensor([torch.cos(torch.tensor(third)), torch.sin(torch.tensor(third))]))


def test_nearly_equal_frames_are_joined_by_a_line():
    a = torch.tensor([1.0, 0.0])
    assert torch.equal(slerp(a, 3 * a, 0.5), 2 * a)
    assert torch.equal(slerp(a, -3 * a, 0.5), -a)
