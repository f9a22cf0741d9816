"""Pictures and clips of people for tests of the estimator, with what is true of them, and bodies made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from animato.people.people import clip
from animato.people.shipped import character_path
from animato.pose.estimator.blaze import Body
from animato.pose.estimator.models import missing_pose_models
from animato.pose.estimator.region import Region
from animato.pose.keypoints import Point, PoseSequence

needs_models = pytest.mark.skipif(bool(missing_pose_models()), reason="the pose models are not in the cache: run `animato fetch pose` once")

HIPS = [Point.R_HIP, Point.L_HIP]
GREY = 150


def character(name: str) -> np.ndarray:
    """H W 3 uint8: a shipped character."""
    return np.asarray(Image.open(character_path(name)).convert("RGB"))


def middle_of_hips(pose: PoseSequence) -> np.ndarray:
    """F 2 pixels."""
    return pose.points[:, 0, HIPS, :2].mean(axis=1)


def cut_out(seed: int, frames: int, turn: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A procedural person without the background: pictures F H W 3, alpha F H W 1 (0..1), hips F 2."""
    pictures, pose = clip(seed, "idle", frames, (240, 360), turn=turn)
    assert pose.mask is not None
    return pictures, pose.mask[..., None] / 255, middle_of_hips(pose)


def put(picture: np.ndarray, person: np.ndarray, alpha: np.ndarray, left: int) -> None:
    """Lay a person over a picture of the same height; whatever is outside is cut off."""
    width = person.shape[1]
    a, b = max(left, 0), min(left + width, picture.shape[1])
    if a < b:
        part = slice(a - left, b - left)
        picture[:, a:b] = np.rint(picture[:, a:b] * (1 - alpha[:, part]) + person[:, part] * alpha[:, part])


def body(points: dict[int, tuple[float, float]], world: np.ndarray | None = None, score: float = 0.9) -> Body:
    """A body with some joints (index -> x, y in pixels) and all others at 0."""
    places = np.zeros((33, 2))
    places[list(points)] = list(points.values())
    region = Region(100.0, 100.0, 400.0)
    known = np.full(33, score)
    return Body(places, known, np.zeros((33, 3)) if world is None else world, 1.0, region, region, np.zeros((256, 256), np.float32))
