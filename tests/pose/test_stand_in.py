"""Where the figure stands that is offered where nobody was recognised."""

import cv2
import numpy as np
import pytest

from animato.api import align
from animato.core.opacity import Cut
from animato.pose.keypoints import BODY, FEET, Point
from animato.pose.skeleton import skeleton
from animato.pose.stand_in import figure_box, standing
from animato.puppet.joints import judge


def sheet(figure=True, lines=False):
    """A cream page, on it a tall shape or its outline, and a small thing beside it."""
    page = np.full((400, 300, 3), (250, 244, 230), np.uint8)
    if figure:
        cv2.ellipse(page, (180, 220), (50, 140), 0, 0, 360, (40, 60, 90), 3 if lines else -1)
    if lines:
        for y in range(90, 350, 8):
            cv2.line(page, (160, y), (200, y), (0, 0, 0), 1)
    cv2.circle(page, (40, 60), 12, (200, 0, 0), -1)
    return page


@pytest.mark.parametrize("lines", [False, True])
def test_the_figure_is_what_is_unlike_the_border(lines):
    assert np.abs(np.array(figure_box(Cut(sheet(lines=lines)))) - [130, 80, 230, 360]).max() <= 4


def test_an_outline_tells_where_it_is():
    opacity = np.zeros((400, 300), np.uint8)
    opacity[100:300, 50:150] = 255
    assert figure_box(Cut(sheet(), opacity)) == (50, 100, 150, 300)


def test_without_a_sign_of_it_it_stands_in_the_middle():
    assert figure_box(Cut(sheet(figure=False))) == (75, 20, 225, 380)


def test_the_figure_is_whole_upright_inside_and_faces_us():
    pose = standing(Cut(sheet()))
    xy = pose.points[0, 0, : FEET.stop, :2]
    assert pose.size == (300, 400) and (pose.score[0, 0, : FEET.stop] == 1).all() and not pose.score[0, 0, FEET.stop :].any()
    assert (xy >= [130, 80]).all() and (xy <= [230, 360]).all()
    assert xy[Point.L_SHOULDER, 0] > xy[Point.R_SHOULDER, 0] and xy[Point.L_HIP, 0] > xy[Point.R_HIP, 0]
    order = [Point.NOSE, Point.NECK, Point.L_ELBOW, Point.L_HIP, Point.L_KNEE, Point.L_ANKLE]
    assert (np.diff(xy[order, 1]) > 0).all()
    assert np.allclose((xy[Point.L_WRIST] + xy[Point.R_WRIST])[0] / 2, 180, atol=1)


def test_puppet_and_alignment_take_it():
    pose = standing(Cut(sheet()))
    joints = judge(skeleton(pose), pose.size)
    assert joints.legs and set(joints.arms.values()) == {"move"} and joints.notes == []
    aligned = align(pose, pose.held(3)).pose
    assert np.abs(aligned.points[0, 0, BODY, :2] - pose.points[0, 0, BODY, :2]).max() < 3
