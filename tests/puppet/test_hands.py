"""Hands cut out at full size, on a drawn person three times as large, whose fingers are several pixels wide."""

import cv2
import numpy as np
import pytest

from animato.pose.keypoints import LEFT_HAND, Point
from animato.pose.skeleton import skeleton
from animato.puppet.bones import bones_of
from animato.puppet.figure import hand_distance, measure
from animato.puppet.hands import HAND_REACH, cut_hand, left_fingers
from puppet_figure import SKIN, STANDING, TROUSERS, draw, drawn_owners, pose_of

SCALE = 3
ON_THIGHS = STANDING | {Point.L_ELBOW: (130, 122), Point.L_WRIST: (118, 166)}


def large(image):
    return cv2.resize(image, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_NEAREST)


def figure_of(cloth, skin_from=None):
    """The figure, its owners, with the legs in one colour and bare from a row on."""
    picture, mask = draw((230, 230, 235), ON_THIGHS)
    owners = drawn_owners(ON_THIGHS)
    picture[owners >= 3] = cloth
    if skin_from is not None:
        picture[skin_from:][owners[skin_from:] >= 3] = SKIN
    pose = pose_of(ON_THIGHS)
    pose.points[..., :2] *= SCALE
    picture, alpha, owners = large(picture), large(mask).astype(np.float32) / 255, large(owners.astype(np.int16))
    shape = alpha.shape
    hands = {"arm_l": hand_distance(pose.points[0, 0, LEFT_HAND, :2], shape)}
    joints = skeleton(pose)
    figure = measure(picture, alpha, joints.xyz[0, :, :2], 76.0 * SCALE, bones_of(joints, shape), hands)
    return figure, owners


def recut(figure, owners):
    """What becomes of a first cut that took everything around the hand."""
    hand = figure.hands["arm_l"]
    first = (owners == 1) | ((hand < HAND_REACH) & figure.inside)
    hints = np.where(figure.inside, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_BGD))
    hints[(hand < 0.6) & figure.inside] = cv2.GC_FGD
    return cut_hand(figure, "arm_l", hints, first)


@pytest.mark.parametrize("cloth", [TROUSERS, (200, 120, 60), (90, 80, 75)])
def test_a_hand_is_cut_from_cloth_even_if_all_of_it_was_taken_at_first(cloth):
    figure, owners = figure_of(cloth)
    found = recut(figure, owners)
    around = figure.hands["arm_l"] < HAND_REACH
    assert (found & around & (owners == 3)).sum() < 0.05 * (around & (owners == 1)).sum()
    assert found[around & (owners == 1)].mean() > 0.93


def test_bare_skin_behind_a_hand_stays_with_the_body():
    figure, owners = figure_of(SKIN)
    found = recut(figure, owners)
    hand = figure.hands["arm_l"]
    taken = found & (owners == 3) & (hand > 2.2) & (figure.bones["arm_l"][1].distance > 0.16 * figure.unit)
    assert taken.sum() < 0.03 * ((owners == 1) & (hand < 1)).sum()
    assert found[(owners == 1) & (hand < 1)].mean() > 0.97


def test_fingers_that_reach_from_shorts_onto_the_thigh_do_not_bring_the_thigh():
    figure, owners = figure_of(TROUSERS, skin_from=184)
    labels = owners.clip(0).astype(np.uint8)
    assert left_fingers(figure, "arm_l", labels)[owners == 3].sum() < 20


def test_a_piece_of_finger_that_was_left_on_the_cloth_is_fetched():
    figure, owners = figure_of(TROUSERS)
    labels = owners.clip(0).astype(np.uint8)
    tip = (figure.hands["arm_l"] < 1.5) & (owners == 1) & (np.arange(labels.shape[0])[:, None] > 178 * SCALE)
    labels[tip] = 3
    assert tip.sum() > 100
    assert left_fingers(figure, "arm_l", labels)[tip].mean() > 0.95
