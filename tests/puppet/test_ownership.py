"""Which layer owns a pixel, on pictures painted layer by layer."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from animato.pose.keypoints import LEFT_HAND, RIGHT_HAND, Point
from animato.pose.skeleton import JOINTS, LAYERS, J, skeleton
from animato.puppet.bones import bones_of
from animato.puppet.figure import hand_distance, hidden_by_body, measure
from animato.puppet.hands import left_fingers
from animato.puppet.ownership import owners, settle
from puppet_figure import HEIGHT, SHIRT, SKIN, STANDING, TROUSERS, WIDTH, draw, drawn_owners, hand_points, pose_of

UNIT = 76.0
SHAPE = (HEIGHT, WIDTH)
ON_HIPS = STANDING | {Point.L_ELBOW: (152, 118), Point.L_WRIST: (118, 146), Point.R_ELBOW: (40, 118), Point.R_WRIST: (74, 146)}
ON_THIGHS = STANDING | {Point.L_ELBOW: (130, 122), Point.L_WRIST: (118, 166), Point.R_ELBOW: (62, 122), Point.R_WRIST: (74, 166)}


def figure_of(places=STANDING, picture=None, hands=True):
    pose = pose_of(places)
    drawn, mask = draw((230, 230, 235), places)
    joints = skeleton(pose)
    both = {"arm_l": LEFT_HAND, "arm_r": RIGHT_HAND} if hands else {}
    distances = {arm: hand_distance(pose.points[0, 0, part, :2], SHAPE) for arm, part in both.items()}
    picture = drawn if picture is None else picture
    return measure(picture, mask.astype(np.float32) / 255, joints.xyz[0, :, :2], UNIT, bones_of(joints, SHAPE), distances)


def right(found, places):
    """Share of each layer's painted pixels that were given to it."""
    wanted = drawn_owners(places)
    return {name: (found[wanted == label] == label).mean() for label, name in enumerate(LAYERS)}


@pytest.mark.parametrize("places", [STANDING, ON_HIPS, ON_THIGHS])
@pytest.mark.parametrize("hands", [True, False])
def test_most_pixels_go_to_their_layer(places, hands):
    shares = right(owners(figure_of(places, hands=hands)), places)
    for name, share in shares.items():
        # the shoulder end of a sleeve and the hip end of a trouser leg look like the trunk
        assert share > (0.8 if hands or not name.startswith("arm") else 0.7), (name, share)


@pytest.mark.parametrize("places", [ON_HIPS, ON_THIGHS])
def test_forearm_and_hand_carry_nothing_of_what_is_behind_them(places):
    found, wanted = owners(figure_of(places))[125:], drawn_owners(places)[125:]
    for arm in (1, 2):
        stolen = (found == arm) & (wanted >= 0) & ~np.isin(wanted, (1, 2))
        assert stolen.sum() < 0.04 * (wanted == arm).sum()


def test_a_finger_that_the_estimate_misses_by_a_little_belongs_to_the_hand():
    picture, _ = draw((230, 230, 235), ON_THIGHS)
    off = ON_THIGHS | {Point.L_WRIST: (121, 165)}
    figure = figure_of(ON_THIGHS, picture)
    pose = pose_of(off)
    figure = replace(figure, hands=figure.hands | {"arm_l": hand_distance(pose.points[0, 0, LEFT_HAND, :2], SHAPE)})
    hand = np.zeros(SHAPE, np.uint8)
    points = hand_points(np.array(ON_THIGHS[Point.L_ELBOW], float), np.array(ON_THIGHS[Point.L_WRIST], float))
    cv2.fillConvexPoly(hand, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    assert (owners(figure)[hand > 0] == 1).mean() > 0.9


def test_cloth_of_the_body_over_the_inner_half_of_an_arm_stays_with_the_body():
    bare = STANDING | {Point.L_ELBOW: (128, 124), Point.L_WRIST: (132, 160)}
    picture, _ = draw((230, 230, 235), bare)
    sleeve = (drawn_owners(bare) == 1) & (picture == SHIRT).all(axis=2)
    picture[sleeve] = SKIN
    flounce = np.zeros(SHAPE, np.uint8)
    cv2.fillPoly(flounce, [np.array([[112, 96], [121, 96], [124, 116], [112, 116]], np.int32)], 1)
    picture[flounce > 0] = SHIRT
    found = owners(figure_of(bare, picture))
    inner = (flounce > 0) & (drawn_owners(bare) == 1) & (np.arange(WIDTH) < 119)
    assert inner.sum() > 40
    assert (found[inner] == 0).mean() > 0.8


def test_strands_and_specks_take_the_label_around_them():
    figure = figure_of()
    labels = drawn_owners().clip(0).astype(np.uint8)
    labels[100:160, 126] = 0
    labels[200:203, 110:113] = 1
    found = settle(labels, figure)
    wanted = drawn_owners()
    assert (found[100:150, 126][wanted[100:150, 126] == 1] == 1).all()
    assert (found[200:203, 110:113] == 3).all()


def test_a_piece_of_trousers_that_a_hand_cuts_off_stays_with_the_leg():
    picture, _ = draw((230, 230, 235), ON_THIGHS)
    leg = drawn_owners(ON_THIGHS) == 3
    picture[leg] = TROUSERS
    labels = drawn_owners(ON_THIGHS).clip(0).astype(np.uint8)
    labels[248:263][leg[248:263]] = 1
    picture[248:263][leg[248:263]] = SKIN
    island = leg & (np.arange(HEIGHT)[:, None] > 264)
    assert (settle(labels, figure_of(ON_THIGHS, picture))[island] == 3).mean() > 0.9


def test_every_pixel_has_an_owner_also_outside_the_person():
    found = owners(figure_of())
    assert found.shape == SHAPE and found.dtype == np.uint8 and found.max() < len(LAYERS)
    assert found[5, 96] == 0 and found[160, 185] == 1 and found[280, 60] == 4


def test_a_strand_along_the_outline_of_an_arm_does_not_stay_with_the_body():
    figure, wanted = figure_of(), drawn_owners()
    labels = wanted.clip(0).astype(np.uint8)
    arm = (wanted == 1) & (np.arange(HEIGHT)[:, None] < 150)
    strand = arm & ~cv2.erode(arm.astype(np.uint8), np.ones((1, 5), np.uint8), anchor=(0, 0)).astype(bool)
    strand &= np.arange(WIDTH) > 110
    labels[strand | (arm & (np.arange(HEIGHT)[:, None] < 90))] = 0
    strand[:96] = False
    assert strand.sum() > 100
    assert (settle(labels, figure)[strand] == 1).mean() > 0.9


def test_a_fingertip_on_cloth_that_was_left_behind_is_fetched():
    figure, labels = figure_of(ON_HIPS), drawn_owners(ON_HIPS).clip(0).astype(np.uint8)
    hand = figure.hands["arm_l"] < 2
    tip = hand & (labels == 1) & (np.arange(WIDTH) < 108)
    labels[tip] = 0
    assert tip.sum() > 15
    assert left_fingers(figure, "arm_l", labels)[tip].mean() > 0.9


def test_cloth_beside_a_hand_is_not_fetched():
    figure, labels = figure_of(ON_HIPS), drawn_owners(ON_HIPS).clip(0).astype(np.uint8)
    assert left_fingers(figure, "arm_l", labels).sum() < 5


def test_on_bare_skin_no_finger_is_guessed():
    picture, _ = draw((230, 230, 235), ON_HIPS)
    owners_drawn = drawn_owners(ON_HIPS)
    picture[(owners_drawn == 0) | (owners_drawn >= 3)] = SKIN
    labels = owners_drawn.clip(0).astype(np.uint8)
    assert not left_fingers(figure_of(ON_HIPS, picture), "arm_l", labels).any()


def test_an_arm_behind_the_back_takes_nothing_from_the_body():
    places = STANDING | {Point.L_ELBOW: (136, 116), Point.L_WRIST: (104, 140)}
    figure = figure_of(places, draw((230, 230, 235))[0])
    z = np.zeros(len(JOINTS))
    z[[J["elbow_l"], J["wrist_l"]]] = 60.0
    hidden = hidden_by_body(figure, z)
    assert set(hidden) == {"arm_l"}
    found = owners(replace(figure, hidden=hidden))
    assert (found[120:150, 80:112] == 0).mean() > 0.97
    assert (owners(figure)[132:146, 98:110] == 1).mean() > 0.3, "else it did not matter that the arm is behind"


def test_an_arm_in_front_of_the_body_is_not_hidden():
    z = np.zeros(len(JOINTS))
    z[[J["elbow_l"], J["wrist_l"]]] = -60.0
    z[[J["elbow_r"], J["wrist_r"]]] = 0.15 * UNIT
    assert hidden_by_body(figure_of(ON_HIPS), z) == {}


def test_bare_thighs_below_shorts_are_no_fingers():
    picture, _ = draw((230, 230, 235), ON_THIGHS)
    legs = drawn_owners(ON_THIGHS) >= 3
    picture[172:][legs[172:]] = SKIN
    labels = drawn_owners(ON_THIGHS).clip(0).astype(np.uint8)
    assert left_fingers(figure_of(ON_THIGHS, picture), "arm_l", labels).sum() < 5
