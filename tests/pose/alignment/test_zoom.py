"""A zoom is taken out, whatever the limbs do meanwhile; who only moves or turns is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from animato.people.shipped import motion_path, motions
from animato.pose.alignment.align import align
from animato.pose.alignment.zoom import of_one_size, sizes
from animato.pose.io import load_poses
from animato.pose.keypoints import Point, PoseSequence
from dancers import dancer


def zoomed(pose: PoseSequence, to: float) -> PoseSequence:
    """The camera comes nearer, evenly: in the end everything is `to` times as large about the middle of the picture."""
    middle = np.array([pose.size[0] / 2, pose.size[1] / 2, 0])
    size = to ** np.linspace(0, 1, len(pose))
    return replace(pose, points=middle + (pose.points - middle) * size[:, None, None, None])


@pytest.mark.parametrize("to", [1.5, 2.5, 0.4])
def test_a_zoom_leaves_no_trace(to):
    motion = load_poses(motion_path("dance"))
    reference = dancer(5, 1, 400, still=True)
    still, near = align(reference, motion), align(reference, zoomed(motion, to))
    body = [Point.NOSE, Point.R_WRIST, Point.L_WRIST, Point.R_HIP, Point.L_HIP, Point.L_KNEE]
    away = np.linalg.norm((still.pose.points - near.pose.points)[:, 0, body, :2], axis=-1)
    assert np.median(away) < 0.03 * 116  # T of the reference
    assert away.max() < 0.15 * 116
    heads = [near.ratios["face"] / near.ratios["torso"], still.ratios["face"] / still.ratios["torso"]]
    assert heads[0] == pytest.approx(heads[1], rel=0.05)
    assert any("one size" in note for note in near.notes)


@pytest.mark.parametrize("name", motions())
def test_motions_of_one_size_are_left_alone(name):
    motion = load_poses(motion_path(name))
    notes: list[str] = []
    assert of_one_size(motion, notes) is motion
    flat = replace(motion, points=motion.points * [1, 1, 0])
    assert of_one_size(flat, notes) is flat
    assert not notes


def test_a_zoom_is_measured_where_parts_are_hidden():
    motion = zoomed(dancer(2, 96, still=True), 2.0)
    motion.score[20:40, :, [Point.R_ELBOW, Point.L_ELBOW, Point.R_HIP]] = 0.0
    motion.score[60:64] = 0.0
    size = sizes(motion)
    assert size[-1] / size[0] == pytest.approx(2.0, rel=0.15)
    assert (np.diff(size) > -1e-9).all()


def test_nobody_has_no_size():
    assert (sizes(PoseSequence.nobody(3, (64, 64), 24.0)) == 1).all()
