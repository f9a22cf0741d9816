"""The copy head: fetches the reference's own patches to where the driving pose wants them.

An addition of this project to Animate Anyone, for preview models alone: a ReferenceNet that starts from nothing learns in hours what this
attention learns in minutes. It is off for official weights. Queries come from the driving pose and the place in the picture, keys from
the reference's pose and place, through one shared projection; values carry the raw patches beside learned ones. The fetched patches are
the base of x0, to which the U-Net adds a residual; what was learned about them enters the U-Net beside the pose features.
"""

from __future__ import annotations

import math
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
NARROW, WIDE = 0.03, 0.09  # reach of a limb's two maps, as shares of the picture
OCTAVES = 4
SPREAD = 0.1  # standard deviation of what the copy leaves to the U-Net
GAIN = 0.3
SEEN = 0.3  # least score of a keypoint that counts, as in drawn skeletons


class Copied(NamedTuple):
    """What the reference gives every frame. Neither depends on the noise: computed once per video."""

    base: Tensor  # B F C H W, fetched patches
    features: Tensor  # B F D H W, to be added after the U-Net's first convolution


class CopyHead(ModelMixin, ConfigMixin):
    """Single-head attention from the places of driven frames to the places of the reference."""

    @register_to_config
    def __init__(self, channels: int = 12, features: int = 32, width: int = 48, matched: int = 31, learned: int = 20) -> None:
        super().__init__()
        places = 4 * OCTAVES
        self.pose = nn.Sequential(
            *(nn.Conv2d(4 * len(LIMBS) + places, width, 1), nn.SiLU()),
            *(nn.Conv2d(width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 1)),
        )
        self.project = nn.Conv2d(width + places, matched, 1)
        self.look = nn.Sequential(
            nn.Conv2d(channels + width, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, matched + learned, 3, padding=1)
        )
        self.enter = zero_module(nn.Conv2d(channels + learned + width, features, 1))

    def forward(self, points: Tensor, reference_points: Tensor, reference: Tensor) -> Copied:
        """Points B F 20 3 and B 1 20 3 (x and y as shares of the picture, then 1 where seen, else 0), reference B 1 C H W."""
        size = reference.shape[-2:]
        wanted, given = self._pose(points, size), self._pose(reference_points, size)
        keys, learned = per_frame(self.look, torch.cat([reference, given], 2)).split([self.config.matched, self.config.learned], 2)
        base, told = self._fetch(self._where(wanted), self._where(given) + 0.1 * keys, torch.cat([reference, learned], 2)).split(
            [reference.shape[2], self.config.learned], 2
        )
        return Copied(base, per_frame(self.enter, torch.cat([base, told, wanted], 2)))

    def _pose(self, points: Tensor, size: torch.Size) -> Tensor:  # B F 20 3 -> B F D H W
        maps = limb_maps(points, size)
        where = places(size).to(maps).expand(*maps.shape[:2], -1, -1, -1)
        return per_frame(self.pose, torch.cat([maps, where], 2))

    def _where(self, features: Tensor) -> Tensor:  # B F D H W -> B F D H W
        where = places(features.shape[-2:]).to(features).expand(*features.shape[:2], -1, -1, -1)
        return per_frame(self.project, torch.cat([features, where], 2))

    def _fetch(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:  # B F D H W, B 1 D H W, B 1 C H W -> B F C H W
        """Softmax over -|q - k|^2 / 2: the nearest key counts most, whatever its length."""
        q, k, v = (x.flatten(3).transpose(2, 3).flatten(1, 2).unsqueeze(1).contiguous() for x in (query, key, value))  # B 1 L D
        k_length = -k.square().sum(-1, keepdim=True) / 2
        q, k = torch.cat([q, torch.ones_like(q[..., :1])], -1), torch.cat([k, k_length], -1)
        out = F.scaled_dot_product_attention(q, k, v, scale=1.0)  # B 1 FL C
        return out.squeeze(1).unflatten(1, (query.shape[1], -1)).transpose(2, 3).unflatten(3, query.shape[-2:])


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
    """A person's keypoints as the head takes them: shares of the picture, and 1 where they are seen."""
    which = list(POINTS)
    xy = points[:, which, :2] / np.array(size)
    seen = score[:, which, None] > SEEN
    return torch.from_numpy(np.concatenate([xy, seen], axis=2)).float()[None]


def limb_maps(points: Tensor, size: torch.Size) -> Tensor:  # B F 20 3 -> B F 4N H W, of N limbs
    """Where each limb is: nearness at two reaches, then how far along the limb and how far to its side. 0 for limbs that are not seen."""
    height, width = size
    y, x = torch.meshgrid(*((torch.arange(n, device=points.device) + 0.5) / n for n in (height, width)), indexing="ij")
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
    return torch.cat([narrow, wide, wide * (2 * along - 1), wide * torch.tanh(side / NARROW)], 2)


def _beyond(points: Tensor, start: int, end: int, share: float) -> Tensor:  # B F P 3 -> B F 1 3
    """The point that lies past the end of a limb by a share of its length."""
    a, b = points[:, :, [start]], points[:, :, [end]]
    return torch.cat([b[..., :2] + share * (b - a)[..., :2], a[..., 2:] * b[..., 2:]], dim=3)


def places(size: torch.Size) -> Tensor:  # -> 16 H W
    """Fourier features of the places of a grid."""
    height, width = size
    y, x = torch.meshgrid(*((torch.arange(n) + 0.5) / n for n in (height, width)), indexing="ij")
    angles = torch.stack([place * math.pi * 2**octave for place in (x, y) for octave in range(OCTAVES)])
    return torch.cat([angles.sin(), angles.cos()])
