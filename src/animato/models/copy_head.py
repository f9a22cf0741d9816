"""The copy head: fetches the reference's own patches to where the driving pose wants them.

An addition of this project to the published systems, for preview models alone: a ReferenceNet that starts from nothing learns in hours
what this attention learns in minutes. It is off for official weights. Queries come from the driving pose and the position in the picture,
keys from the reference's pose and position, through one shared projection; values carry the raw patches beside learned ones. What is chosen
of them is the base of x0, to which the U-Net adds a residual; what was learned about them enters the U-Net beside the pose features.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.controlnets.controlnet import zero_module
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from animato.core.shapes import Size
from animato.models.frames import per_frame

POINTS = (*range(18), 18, 21)  # of the keypoints: the body's 18, left and right big toe
PROLONGED = ((3, 4, 0.5), (6, 7, 0.5), (1, 0, 0.9))  # points past the end of a limb: right hand, left hand, top of the head
LIMBS = (
    *((1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13)),
    *((1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (2, 8), (5, 11), (8, 11)),
    *((13, 18), (10, 19), (4, 20), (7, 21), (0, 22)),
)  # pairs of these points: OpenPose's limbs, sides and bottom of the trunk, then feet, hands, head
NARROW, WIDE = 0.03, 0.09  # reach of a limb's two maps, as fractions of the picture
PARTS = 24  # of DensePose
REACH = 0.6  # how far from a limb the person can be, in lengths of its longest limb
OCTAVES = 5
SPREAD = 0.1  # standard deviation of what the copy leaves to the U-Net
GAIN = 0.3
SEEN = 0.3  # least score of a keypoint that counts, as in drawn skeletons


class Hints(NamedTuple):
    """What the head reads off poses."""

    maps: Tensor  # B F D H W, from which it is recognised which point of the body a position of the picture shows
    near: Tensor  # B F H W bool, where the person can be, edges and hair included
    body: Tensor  # B F H W in [0, 1], how near the middle of the body is


class Copied(NamedTuple):
    """What the reference gives every frame. Nothing of it depends on the noise: computed once per video."""

    base: Tensor  # B F C H W, of every pixel what was fetched or what the reference has in the same position
    features: Tensor  # B F D H W, to be added after the U-Net's first convolution
    fetched: Tensor  # B F C H W
    weight: Tensor  # B F pixels H W in [0, 1], how much of a pixel was fetched


class Match(NamedTuple):
    """What the head compares, and what it learned of the two pictures beside that."""

    driven: Tensor  # B F D H W
    query: Tensor  # B F D H W
    key: Tensor  # B 1 D H W
    learned: Tensor  # B 1 D H W


class CopyHead(ModelMixin, ConfigMixin):
    """Single-head attention from the positions of driven frames to the positions of the reference.

    Only positions near the person are queries, in a frame or in the reference, and only those near the reference's person are keys: the
    rest of a picture stays as it is. For every pixel the head then chooses between what was fetched and what the reference has in the same
    position, which makes outlines as sharp as pixels although whole patches are fetched.
    """

    @register_to_config
    def __init__(
        self,
        channels: int = 12,
        maps: int = 4 * len(LIMBS),
        features: int = 32,
        width: int = 48,
        matched: int = 31,
        learned: int = 20,
        pixels: int = 4,  # of a patch
    ) -> None:
        super().__init__()
        positions = 4 * OCTAVES
        self.pose = nn.Sequential(
            *(nn.Conv2d(maps + positions, width, 1), nn.SiLU()),
            *(nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 1)),
        )
        self.project = nn.Conv2d(width + positions, matched, 1)
        self.look = nn.Sequential(
            nn.Conv2d(channels + width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, matched + learned, 3, padding=1)
        )
        chosen_from = 2 * channels + learned + width
        self.choose = nn.Sequential(nn.Conv2d(chosen_from, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, pixels, 3, padding=1))
        self.enter = zero_module(nn.Conv2d(chosen_from + pixels, features, 1))

    def forward(self, wanted: Hints, given: Hints, reference: Tensor) -> Copied:
        """Hints of the frames (B F ...) and of the reference (B 1 ...), and the reference, B 1 C H W."""
        channels, frames = reference.shape[2], wanted.maps.shape[1]
        match = self._match(wanted, given, reference)
        found = fetch(match.query, match.key, torch.cat([reference, match.learned], 2), wanted.near | given.near, given.near)
        stay, fetched = reference.expand(-1, frames, -1, -1, -1), found[:, :, :channels]
        choice = torch.cat([found, stay, match.driven], 2)
        weight = per_frame(self.choose, choice).sigmoid()  # B F pixels H W
        base = stay + weight.repeat(1, 1, channels // self.config.pixels, 1, 1) * (fetched - stay)
        return Copied(base, per_frame(self.enter, torch.cat([choice, weight], 2)), fetched, weight)

    def trace(self, wanted: Hints, given: Hints, reference: Tensor) -> Tensor:  # B F 3 H W
        """Where it was fetched from: the mean position, x and y as fractions of the picture, and the variance about it."""
        match = self._match(wanted, given, reference)
        x, y = grid(reference.shape[-2:])
        value = torch.stack([x, y, x.square() + y.square()]).to(reference)  # 3 H W
        found = fetch(match.query, match.key, value[None, None], wanted.near | given.near, given.near)
        return torch.cat([found[:, :, :2], found[:, :, 2:] - found[:, :, :2].square().sum(2, keepdim=True)], 2)

    def _match(self, wanted: Hints, given: Hints, reference: Tensor) -> Match:
        driven, source = self._pose(wanted.maps), self._pose(given.maps)
        read = per_frame(self.look, torch.cat([reference, source], 2))
        keys, learned = read.split([self.config.matched, self.config.learned], 2)
        return Match(driven, self._where(driven), self._where(source) + 0.1 * keys, learned)

    def _pose(self, maps: Tensor) -> Tensor:  # B F D H W -> B F D' H W
        return per_frame(self.pose, _with_positions(maps))

    def _where(self, features: Tensor) -> Tensor:  # B F D H W -> B F D' H W
        return per_frame(self.project, _with_positions(features))


def fetch(query: Tensor, key: Tensor, value: Tensor, queried: Tensor, readable: Tensor) -> Tensor:
    """Softmax over -|q - k|^2 / 2: the nearest key counts most, whatever its length. Positions that are not queried keep their own value.

    query B F D H W, key B 1 D H W, value B 1 C H W, queried B F H W, readable B 1 H W -> B F C H W
    """
    frames, size = query.shape[1], query.shape[-2:]
    q, k, v = (x.flatten(3).transpose(2, 3) for x in (query, key, value))  # B F L D
    length = -k.square().sum(-1, keepdim=True) / 2
    q = torch.cat([q, torch.ones_like(q[..., :1])], -1)
    k = torch.cat([k, length], -1)
    rows = []
    for row, (queries, keys) in enumerate(zip(queried.flatten(2), readable.flatten(2), strict=True)):  # F L, 1 L
        own = v[row].expand(frames, -1, -1)
        if keys.any():
            some = F.scaled_dot_product_attention(
                q[row][queries][None, None], k[row][keys][None, None], v[row][keys][None, None], scale=1.0
            )
            own = own.masked_scatter(queries[..., None], some)
        rows.append(own)
    return torch.stack(rows).transpose(2, 3).unflatten(3, size)


def _with_positions(x: Tensor) -> Tensor:  # B F D H W -> B F D' H W
    """The same with the positions of the grid behind it."""
    return torch.cat([x, position_features(x.shape[-2:]).to(x).expand(*x.shape[:2], -1, -1, -1)], 2)


def clean(residual: Tensor, x: Tensor, base: Tensor, a: Tensor, s: Tensor) -> Tensor:
    """x0 of noisy frames x = a x0 + s noise, from the U-Net's output and the fetched patches.

    x0 = c_skip x + (1 - c_skip a) base + c_out residual, where c_skip and c_out are the best estimate's if base is wrong by SPREAD.
    """
    scale = s**2 + a**2 * SPREAD**2
    skip = a * SPREAD**2 / scale
    return skip * x + (1 - skip * a) * base + GAIN * s / scale.sqrt() * residual


def velocity(x0: Tensor, x: Tensor, a: Tensor, s: Tensor) -> Tensor:
    """v = a noise - s x0 of the same, which is what a scheduler for v-prediction takes."""
    return (a * x - x0) / s


def body_points(points: np.ndarray, score: np.ndarray, size: Size) -> Tensor:  # F K 3 pixels, F K -> 1 F 20 3
    """A person's keypoints as the head takes them: fractions of the picture, and 1 where they are seen."""
    which = list(POINTS)
    xy = points[:, which, :2] / np.array(size)
    seen = score[:, which, None] > SEEN
    return torch.from_numpy(np.concatenate([xy, seen], axis=2)).float()[None]


def limb_hints(points: Tensor, size: torch.Size) -> Hints:  # B F 20 3 -> maps B F 4N H W, of N limbs
    """Where each limb is: nearness at two reaches, then how far along the limb and how far to its side. 0 for limbs that are not seen.

    Points have x and y as fractions of the picture, then 1 where they are seen, else 0.
    """
    x, y = (one.to(points) for one in grid(size))
    points = torch.cat([points, *(_beyond(points, *limb) for limb in PROLONGED)], dim=2)
    start, end = (points[:, :, [limb[i] for limb in LIMBS]] for i in (0, 1))  # B F N 3
    seen = (start[..., 2] * end[..., 2])[..., None, None]
    bone = (end - start)[..., :2]
    long = bone.square().sum(-1).clamp_min(1e-6)[..., None, None]
    dx, dy = x - start[..., 0, None, None], y - start[..., 1, None, None]  # B F N H W
    bx, by = bone[..., 0, None, None], bone[..., 1, None, None]
    along = ((dx * bx + dy * by) / long).clamp(0, 1)
    distance = (dx - along * bx).square() + (dy - along * by).square()
    side = (dx * by - dy * bx) / long.sqrt()
    narrow, wide = (seen * torch.exp(-distance / (2 * reach**2)) for reach in (NARROW, WIDE))
    maps = torch.cat([narrow, wide, wide * (2 * along - 1), wide * torch.tanh(side / NARROW)], 2)
    far = REACH**2 * (seen * long).amax(2)  # B F 1 1
    return Hints(maps, ((distance < far.unsqueeze(2)) & (seen > 0)).any(2), wide.amax(2))


def part_hints(labels: Tensor, uv: Tensor, size: torch.Size) -> Hints:  # B F H W, B F H W 2 -> maps B F 72 h w
    """Which of the 24 parts of the body is where, as DensePose cuts it, and which point of the part: u and v, 0.5 for the middle.

    Near is whatever is within an eighth of the picture's longer side of any part.
    """
    shown = F.one_hot(labels.long(), PARTS + 1)[..., 1:].movedim(-1, 2).float()  # B F 24 H W
    u, v = (shown * (2 * one.unsqueeze(2) - 1) for one in uv.unbind(-1))
    maps = per_frame(lambda x: F.adaptive_avg_pool2d(x, (size[0], size[1])), torch.cat([shown, u, v], 2))
    there = (maps[:, :, :PARTS].amax(2) > 0).float()  # B F h w
    reach = max(size) // 8
    near, body = (
        per_frame(partial(pool, kernel_size=2 * reach + 1, stride=1, padding=reach), there) for pool in (F.max_pool2d, F.avg_pool2d)
    )
    return Hints(maps, near > 0, body)


def _beyond(points: Tensor, start: int, end: int, beyond: float) -> Tensor:  # B F P 3 -> B F 1 3
    """The point that lies past the end of a limb by a part of its length."""
    a, b = points[:, :, [start]], points[:, :, [end]]
    return torch.cat([b[..., :2] + beyond * (b - a)[..., :2], a[..., 2:] * b[..., 2:]], dim=3)


def position_features(size: torch.Size) -> Tensor:  # -> 4 OCTAVES H W
    """Fourier features of the positions of a grid."""
    angles = torch.stack([one * math.pi * 2**octave for one in grid(size) for octave in range(OCTAVES)])
    return torch.cat([angles.sin(), angles.cos()])


def grid(size: torch.Size) -> tuple[Tensor, Tensor]:  # H W each
    """x and y of the middles of its positions, as fractions of the picture."""
    y, x = torch.meshgrid(*((torch.arange(n) + 0.5) / n for n in size), indexing="ij")
    return x, y
