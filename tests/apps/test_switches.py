"""Smoothing and feet on the command line and from Python: each switch reaches the motion."""

from __future__ import annotations

import numpy as np
import pytest

import animato
from animato.api import Alignment
from animato.apps.cli import main
from animato.core.progress import silent
from animato.people.shipped import motion_path
from animato.pose.io import load_poses, save_poses
from animato.pose.keypoints import Point
from material import Material


@pytest.fixture
def trembling(tmp_path):
    """The shipped wave, its feet trembling as estimated ones do."""
    motion = load_poses(motion_path("wave")).frames(slice(48))
    motion.points[..., :2] += np.random.default_rng(0).normal(0, 0.4, motion.points[..., :2].shape)
    save_poses(motion, tmp_path / "trembling.npz")
    return tmp_path / "trembling.npz"


def slides(pose) -> float:
    return float(np.abs(np.diff(pose.points[:, 0, Point.L_ANKLE, :2], axis=0)).max())


def test_feet_are_held_or_free(material: Material, trembling, tmp_path) -> None:
    found = {}
    for feet in ("hold", "free"):
        assert main(["align", str(material.character), str(trembling), "-o", str(tmp_path / f"{feet}.npz"), "--feet", feet]) == 0
        found[feet] = slides(load_poses(tmp_path / f"{feet}.npz"))
        prepared = animato.prepare(material.character, trembling, align=Alignment(feet=feet), progress=silent)
        assert slides(prepared.aligned.pose) == pytest.approx(found[feet], abs=1e-3)
    assert found["hold"] < 0.01 < 0.1 < found["free"]


def test_a_video_is_smoothed_as_asked(material: Material, tmp_path) -> None:
    poses = {}
    for how in ("steady", "none"):
        watched = animato.Estimation(smoothing=how)
        poses[how] = animato.prepare(material.character, material.video, person=watched).observed.poses.points
    assert np.array_equal(poses["none"], animato.observe(animato.open_clip(material.video), watched).poses.points)
    assert not np.allclose(poses["steady"], poses["none"])
