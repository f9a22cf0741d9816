"""A chain hands on the last frame of every link; an anchor brings colours back, and nothing else."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from animato.sampling.chain import anchored, chain
from animato.sampling.plan import Chain, Window
from tiny import normal


@given(frames=st.integers(1, 100), size=st.integers(2, 20))
def test_every_frame_comes_from_one_link_which_was_told_the_frame_before(frames: int, size: int) -> None:
    """Frames here are their own number and that of their link."""
    told: list[float | None] = []

    def make(link: Window, first: Tensor | None) -> Tensor:
        told.append(None if first is None else float(first))
        number = float(len(told) - 1)
        return torch.tensor([[float(frame), number] for frame in link.frames]).view(-1, 2, 1, 1)

    links = Chain(size).over(frames)
    made = chain(links, make, lambda frame: frame[0, 0, 0, 0])
    assert made[:, 0, 0, 0].tolist() == list(range(frames))
    assert told == [None, *(float(link.frames[-1]) for link in links[:-1])]
    owners = [number for number, link in enumerate(links) for _ in link.frames[min(number, 1) :]]
    assert made[:, 1, 0, 0].tolist() == owners


def test_no_more_than_the_last_frame_is_shown() -> None:
    shown: list[tuple[int, ...]] = []
    chain(Chain(4).over(10), lambda link, first: torch.zeros(len(link.frames), 4, 2, 3), lambda frame: shown.append(frame.shape) or frame)
    assert shown == [(1, 4, 2, 3)] * 2


def picture(seed: int, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_an_anchor_moves_mean_and_contrast_by_a_share_of_the_way(share: float) -> None:
    frame, reference = picture(1, 0.3, 0.5), picture(2, 0.4, 0.7)
    pulled = anchored(frame, reference, share)
    for moment in (lambda x: x.mean((-2, -1)), lambda x: x.std((-2, -1), correction=0)):
        torch.testing.assert_close(moment(pulled), torch.lerp(moment(frame), moment(reference), share))


def test_an_anchor_of_nothing_is_the_frame_itself() -> None:
    frame = normal(1, 3, 4, 5)
    assert anchored(frame, picture(2, 0.4, 0.7), 0) is frame


def test_an_anchor_to_itself_changes_nothing() -> None:
    frame = picture(1, 0, 1)
    torch.testing.assert_close(anchored(frame, frame, 1.0), frame)


def test_a_flat_channel_stays_flat() -> None:
    frame, reference = torch.full((1, 3, 4, 5), 0.25), torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    pulled = anchored(frame, reference, 1.0)
    torch.testing.assert_close(pulled, reference.mean((-2, -1), keepdim=True).expand_as(pulled))


def test_colours_stay_colours() -> None:
    pulled = anchored(picture(1, 0, 1), picture(2, 0, 1).round(), 1.0)
    assert pulled.min() == 0 and pulled.max() == 1
