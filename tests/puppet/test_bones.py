"""Distances from bones against a plain reference, and half thicknesses read off a mask."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animato.pose.keypoints import Point
from animato.pose.skeleton import PRIOR, skeleton
from animato.puppet.bones import bone, bones_of
from animato.puppet.figure import hand_distance, measured_radii, touching, trunk
from puppet_figure import HEIGHT, STANDING, WIDTH, drawn_owners, hand_points, pose_of

NOWHERE = np.zeros((HEIGHT, WIDTH), bool)
PLACES = st.tuples(st.floats(-10, 40), st.floats(-10, 40))


def slow_distance(a, b, x, y):
    """Pixels from x, y to the segment a b, by trying very many of its points."""
    along = np.linspace(0, 1, 4001)[:, None]
    return float(np.linalg.norm(a + along * (b - a) - (x, y), axis=1).min())


@given(PLACES, PLACES)
def test_distance_is_that_of_the_nearest_point_of_the_segment(a, b):
    a, b = np.array(a), np.array(b)
    found = bone(a, b, (24, 30))
    for x, y in ((0, 0), (29, 0), (13, 23), (7, 11)):
        assert found.distance[y, x] == pytest.approx(slow_distance(a, b, x + 0.5, y + 0.5), abs=0.03)


def test_t_counts_along_the_bone():
    found = bone(np.array([5.0, 4.0]), np.array([25.0, 4.0]), (10, 40))
    assert found.t[4, [4, 14, 24, 34]] == pytest.approx([-0.025, 0.475, 0.975, 1.475], abs=1e-6)


def test_half_thicknesses_of_limbs_are_those_that_were_drawn():
    bones = bones_of(skeleton(pose_of()), (HEIGHT, WIDTH))
    radii = measured_radii(drawn_owners() >= 0, NOWHERE, bones, 76.0)
    assert radii["arm_l"][:2] == pytest.approx((8, 6.5), abs=1.6)
    assert radii["leg_r"][:2] == pytest.approx((11, 8), abs=2)


def test_half_thicknesses_stay_near_what_people_have():
    bones = bones_of(skeleton(pose_of()), (HEIGHT, WIDTH))
    everything, nothing = (measured_radii(np.full((HEIGHT, WIDTH), value), NOWHERE, bones, 76.0) for value in (True, False))
    for index in range(2):
        assert everything["leg_l"][index] == pytest.approx(1.5 * PRIOR["leg_l"][index] * 76)
        assert nothing["leg_l"][index] == pytest.approx(0.6 * PRIOR["leg_l"][index] * 76)


def test_a_hand_is_about_as_thick_as_its_fingers():
    points = hand_points(np.array([50.0, 10.0]), np.array([50.0, 40.0]))
    distance = hand_distance(points, (100, 100))
    for x, y in points:
        assert distance[round(y), round(x)] <= 1.5
    assert distance[40, 80] > 20


def test_trunk_lies_between_shoulders_and_hips():
    region = trunk(skeleton(pose_of()).xyz[0, :, :2], (HEIGHT, WIDTH), 0.9)
    assert region[120, 96] and not region[70, 96] and not region[170, 96] and not region[120, 60]


def test_touching_keeps_whole_components():
    region = np.zeros((20, 20), bool)
    region[2:6, 2:6] = region[10:15, 10:15] = True
    core = np.zeros_like(region)
    core[12, 12] = core[18, 18] = True
    assert np.array_equal(touching(region, core), np.pad(np.ones((5, 5), bool), ((10, 5), (10, 5))))
    assert cv2.countNonZero(touching(region, np.zeros_like(core)).astype(np.uint8)) == 0


def test_a_sleeve_that_hangs_down_counts_where_the_mask_ends_below_it():
    raised = STANDING | {Point.L_ELBOW: (150, 84), Point.L_WRIST: (184, 84)}
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[76:101, 110:190] = True
    bones = bones_of(skeleton(pose_of(raised)), (HEIGHT, WIDTH))
    assert measured_radii(inside, NOWHERE, bones, 76.0)["arm_l"][0] == pytest.approx(1.5 * PRIOR["arm_l"][0] * 76)
    inside[96:] = False
    assert measured_radii(inside, NOWHERE, bones, 76.0)["arm_l"][0] == pytest.approx(13, abs=1.5)


def test_where_the_body_begins_no_sleeve_is_measured():
    raised = STANDING | {Point.L_ELBOW: (150, 84), Point.L_WRIST: (184, 84)}
    inside, body = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), bool)
    inside[76:96, 110:190] = body[90:96, 110:190] = True
    bones = bones_of(skeleton(pose_of(raised)), (HEIGHT, WIDTH))
    assert measured_radii(inside, body, bones, 76.0)["arm_l"][0] == pytest.approx(8, abs=1)
