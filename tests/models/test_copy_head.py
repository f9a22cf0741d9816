"""The copy head: where it looks, what it fetches."""

from __future__ import annotations

import torch

from animato.models.copy_head import LIMBS, CopyHead, Hints, fetch, grid, limb_hints, part_hints
from tiny import normal, randomised


def standing(x: float = 0.5) -> torch.Tensor:  # 1 1 20 3
    """A person of straight limbs, about the place x."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(1, 1, 20, 3, generator=generator) * 0.4 + 0.3
    points[..., 0] += x - 0.5
    points[..., 2] = 1
    return points


def head() -> CopyHead:
    return randomised(CopyHead(channels=3, features=8, width=12, matched=7, learned=5, pixels=1))


def hints(points: torch.Tensor) -> Hints:
    return limb_hints(points, torch.Size((4, 5)))


def plain_fetch(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, queried: torch.Tensor, readable: torch.Tensor) -> torch.Tensor:
    """Softmax over -|q - k|^2 / 2 of the readable positions, written out; positions that are not queried keep what is theirs."""
    q, k, v = (x.flatten(3).transpose(2, 3) for x in (query, key, value))  # B F L D
    nearness = -(q.unsqueeze(3) - k.unsqueeze(2)).square().sum(-1) / 2  # B F L L
    nearness = nearness.masked_fill(~readable.flatten(2).unsqueeze(2), -torch.inf)
    found = (nearness.softmax(-1) @ v).transpose(2, 3).unflatten(3, query.shape[-2:])
    return torch.where(queried.unsqueeze(2), found, value)


def test_fetching_is_attention_to_the_nearest() -> None:
    query, key, value = normal(2, 3, 7, 4, 5), normal(2, 1, 7, 4, 5, seed=2), normal(2, 1, 6, 4, 5, seed=3)
    queried, readable = normal(2, 3, 4, 5, seed=4) > 0, normal(2, 1, 4, 5, seed=5) > 0
    expected = plain_fetch(query, key, value, queried, readable)
    torch.testing.assert_close(fetch(query, key, value, queried, readable), expected, atol=1e-5, rtol=1e-4)


def test_a_reference_without_a_person_gives_nothing() -> None:
    query, value = normal(1, 2, 7, 4, 5), normal(1, 1, 6, 4, 5)
    everywhere = torch.ones(1, 2, 4, 5, dtype=torch.bool)
    found = fetch(query, query[:, :1], value, everywhere, torch.zeros(1, 1, 4, 5, dtype=torch.bool))
    assert torch.equal(found, value.expand(-1, 2, -1, -1, -1))


def test_fetched_patches_are_mixtures_of_the_reference() -> None:
    reference = normal(1, 1, 3, 4, 5)
    copied = head()(hints(standing(0.6).expand(1, 2, -1, -1)), hints(standing()), reference)
    assert copied.base.shape == (1, 2, 3, 4, 5) and copied.features.shape == (1, 2, 8, 4, 5) and copied.weight.shape == (1, 2, 1, 4, 5)
    low, high = reference.amin((3, 4), keepdim=True), reference.amax((3, 4), keepdim=True)
    assert ((copied.base >= low - 1e-5) & (copied.base <= high + 1e-5)).all()


def test_a_pixel_is_fetched_or_stays() -> None:
    """Patches of 2 x 2 pixels in 3 colours: each pixel has one weight for all its colours, in the order in which patches are cut."""
    network = randomised(CopyHead(channels=12, features=8, width=12, matched=7, learned=5, pixels=4))
    reference = normal(1, 1, 12, 4, 5)
    copied = network(hints(standing(0.6)), hints(standing()), reference)
    stay, fetched, base = (torch.nn.functional.pixel_shuffle(x[0], 2) for x in (reference, copied.fetched, copied.base))  # 1 3 8 10
    weight = torch.nn.functional.pixel_shuffle(copied.weight[0], 2)  # 1 1 8 10
    torch.testing.assert_close(base, stay + weight * (fetched - stay))
    assert weight.std() > 0


def test_frames_do_not_see_each_other() -> None:
    poses = torch.cat([standing(0.4), standing(0.6)], dim=1)
    together = head()(hints(poses), hints(standing()), normal(1, 1, 3, 4, 5))
    alone = head()(hints(poses[:, 1:]), hints(standing()), normal(1, 1, 3, 4, 5))
    torch.testing.assert_close(together.base[:, 1:], alone.base)


def test_a_new_head_gives_the_unet_nothing() -> None:
    assert not CopyHead(channels=3, pixels=1)(hints(standing()), hints(standing()), normal(1, 1, 3, 4, 5)).features.any()


def test_a_trace_leads_to_what_was_fetched() -> None:
    """Of a reference that holds x, y and x^2 + y^2 of its positions, the trace is what was fetched."""
    network, size = head(), torch.Size((4, 5))
    x, y = grid(size)
    reference = torch.stack([x, y, x**2 + y**2])[None, None]
    asked = hints(standing(0.6)), hints(standing()), reference
    fetched, trace = network(*asked).fetched, network.trace(*asked)
    torch.testing.assert_close(trace[:, :, :2], fetched[:, :, :2])
    torch.testing.assert_close(trace[:, :, 2], fetched[:, :, 2] - fetched[:, :, 0] ** 2 - fetched[:, :, 1] ** 2)
    assert (trace[:, :, 2] > -1e-6).all() and trace[:, :, 2].max() > 1e-3


def test_near_the_person() -> None:
    """Within 0.6 of the longest limb of any limb; nowhere, where nobody is seen."""
    points = torch.zeros(1, 1, 20, 3)
    points[0, 0, 3], points[0, 0, 4] = torch.tensor([0.5, 0.4, 1.0]), torch.tensor([0.5, 0.6, 1.0])
    near = limb_hints(points, torch.Size((100, 100))).near[0, 0]
    assert near[50, 39] and not near[50, 37] and near[77, 50] and not near[85, 50] and not near[26, 50]
    assert not limb_hints(torch.zeros(1, 1, 20, 3), torch.Size((9, 9))).near.any()


def test_limb_maps() -> None:
    """On a limb its map is 1, half-way along 0, right of it and left of it of opposite signs; limbs that are not seen leave no trace."""
    points = torch.zeros(1, 1, 20, 3)
    points[0, 0, 1], points[0, 0, 2] = torch.tensor([0.25, 0.5, 1.0]), torch.tensor([0.75, 0.5, 1.0])
    count, limb = len(LIMBS), LIMBS.index((1, 2))
    maps = limb_hints(points, torch.Size((65, 65))).maps[0, 0].unflatten(0, (4, count))
    narrow, wide, along, side = maps[:, limb]
    assert narrow[32, 32] > 0.999 and abs(along[32, 32]) < 0.01
    assert along[32, 45] > 0.3 and along[32, 20] < -0.3
    assert side[30, 32] * side[34, 32] < 0 and wide[30, 32] > narrow[30, 32] > 0
    others = [other for other in range(count) if other != limb]
    assert not maps[:, others].any()


def test_part_hints() -> None:
    """A place that shows one part has its map at 1 and its place in -1 to 1; borders are mixed; near goes on for an eighth of the side."""
    labels, uv = torch.zeros(1, 1, 32, 32), torch.full((1, 1, 32, 32, 2), 0.5)
    labels[..., 16:20, 16:22] = 3
    uv[..., 16:20, 16:22, 0], uv[..., 16:20, 16:22, 1] = 1.0, 0.25
    maps, near, body = part_hints(labels, uv, torch.Size((8, 8)))
    assert maps.shape == (1, 1, 72, 8, 8) and near[0, 0].sum() == 3 * 4
    assert maps[0, 0, 2, 4, 4:7].tolist() == [1, 0.5, 0] and maps[0, 0, 24 + 2, 4, 4] == 1 and maps[0, 0, 48 + 2, 4, 4] == -0.5
    assert not maps[0, 0, :2].any() and not maps[0, 0, 3:24].any()
    assert body.max() == body[0, 0, 4, 4] and torch.equal(body > 0, near)


def test_hands_lie_past_the_wrists() -> None:
    points = torch.zeros(1, 1, 20, 3)
    points[0, 0, 3], points[0, 0, 4] = torch.tensor([0.2, 0.5, 1.0]), torch.tensor([0.5, 0.5, 1.0])
    maps = limb_hints(points, torch.Size((40, 40))).maps[0, 0].unflatten(0, (4, len(LIMBS)))
    hand = maps[0, LIMBS.index((4, 20))]
    assert hand[20, 24] > 0.9 and hand[20, 10] < 0.01
