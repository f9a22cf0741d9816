"""What a preview model's copy head goes by, of poses on the canvas: limbs, or the parts of the body. A few frames at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch

from animato.models.copy_head import Hints, body_points, limb_hints, part_hints
from animato.pose.keypoints import PoseSequence
from animato.pose.surface.parts import rendered

TOGETHER = 8  # frames: a whole clip's maps would take gigabytes


def limbs(poses: PoseSequence) -> Iterator[Hints]:
    """Maps of limbs, half as wide as the canvas."""
    points = body_points(poses.points[:, 0], poses.score[:, 0], poses.size)
    for some in points.split(TOGETHER, dim=1):
        yield limb_hints(some, _half(poses))


def parts(poses: PoseSequence) -> Iterator[Hints]:
    """Maps of parts and of places in them, half as wide as the canvas."""
    frames = rendered(poses, poses.size)
    while some := list(islice(frames, TOGETHER)):
        labels, positions = (torch.from_numpy(np.stack(rows))[None] for rows in zip(*some, strict=True))
        yield part_hints(labels, positions, _half(poses))


def _half(poses: PoseSequence) -> torch.Size:
    return torch.Size((poses.size[1] // 2, poses.size[0] // 2))
