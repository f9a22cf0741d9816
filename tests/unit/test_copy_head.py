"""The copy head: where it looks, what it fetches."""

from __future__ import annotations

import torch

from animato.models.copy_head import LIMBS, CopyHead, limb_maps
from tiny import normal, randomised


def standing(x: float = 0.5) -> torch.Tensor:  # 1 1 20 3
    """A person of straight limbs, about the place x."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(1, 1, 20, 3, generator=generator) * 0.4 + 0.3
    points[..., 0] += x - 0.5
    points[..., 2] = 1
    return points


def head() -> CopyHead:
    return randomised(CopyHead(channels=3, features=8, width=12, matched=7, learned=5))


def plain_fetch(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Softmax over -|q - k|^2 / 2, written out."""
    q, k, v = (x.flatten(3).transpose(2, 3) for x in (query, key, value))  # B F L D
    nearness = -(q.unsqueeze(3) - k.unsqueeze(2)).square().sum(-1) / 2  # B F L L
    return (nearness.softmax(-1) @ v).transpose(2, 3).unflatten(3, query.shape[-2:])


def test_fetching_is_attention_to_the_nearest() -> None:
    query, key, value = normal(2, 3, 7, 4, 5), normal(2, 1, 7, 4, 5, seed=2), normal(2, 1, 6, 4, 5, seed=3)
    torch.testing.assert_close(head()._fetch(query, key, value), plain_fetch(query, key, value), atol=1e-5, rtol=1e-4)


def test_fetched_patches_are_mixtures_of_the_reference() -> None:
    reference = normal(1, 1, 3, 4, 5)
    copied = head()(standing(0.6).expand(1, 2, -1, -1), standing(), reference)
    assert copied.base.shape == (1, 2, 3, 4, 5) and copied.features.shape == (1, 2, 8, 4, 5)
    low, high = reference.amin((3, 4), keepdim=True), reference.amax((3, 4), keepdim=True)
    assert ((copied.base >= low - 1e-5) & (copied.base <= high + 1e-5)).all()


def test_frames_do_not_see_each_other() -> None:
    poses = torch.cat([standing(0.4), standing(0.6)], dim=1)
    together = head()(poses, standing(), normal(1, 1, 3, 4, 5))
    alone = head()(poses[:, 1:], standing(), normal(1, 1, 3, 4, 5))
    torch.testing.assert_close(together.base[:, 1:], alone.base)


def test_a_new_head_tells_the_unet_nothing() -> None:
    assert not CopyHead(channels=3)(standing(), standing(), normal(1, 1, 3, 4, 5)).features.any()


def test_limb_maps() -> None:
    """On a limb its map is 1, half-way along 0, right of it and left of it of opposite signs; limbs that are not seen leave no trace."""
    points = torch.zeros(1, 1, 20, 3)
    points[0, 0, 1], points[0, 0, 2] = torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0.75, 0.5, 1.0])
    count, limb = len(LIMBS), LIMBS.index((1, 2))
    maps = limb_maps(points, torch.Size((65, 65)))[0, 0].unflatten(0, (4, count))
    narrow, wide, along, side = maps[:, limb]
    assert narrow[32, 32] > 0.999 and abs(along[32, 32]) < 0.01
    assert along[32, 45] > 0.3 and along[32, 20] < -0.3
    assert side[30, 32] * side[34, 32] < 0 and wide[30, 32] > narrow[30, 32] > 0
    others = [other for other in range(count) if other != limb]
    assert not maps[:, others].any()


def test_hands_lie_past_the_wrists() -> None:
    points = torch.zeros(1, 1, 20, 3)
    points[0, 0, 3], points[0, 0, 4] = torch.tensor([0.2, 0.5, 1.0]), torch.tensor([0.5, 0.5, 1.0])
    maps = limb_maps(points, torch.Size((40, 40)))[0, 0].unflatten(0, (4, len(LIMBS)))
    hand = maps[0, LIMBS.index((4, 20))]
    assert hand[20, 24] > 0.9 and hand[20, 10] < 0.01
