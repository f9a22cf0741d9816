"""Skirts, shorts and trousers told apart, and the leg pixels that move with the torso."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from animato.pose.keypoints import Point
from animato.pose.skeleton import PRIOR, skeleton
from animato.puppet.bones import LEGS, bones_of
from animato.puppet.figure import measure
from animato.puppet.garment import Garment, along_leg, garment_of, under_skirt, with_garment
from puppet_figure import HEIGHT, SKIN, STANDING, TROUSERS, WIDTH, draw, drawn_owners, pose_of

UNIT = 76.0
APART = STANDING | {Point.L_KNEE: (116, 208), Point.L_ANKLE: (120, 258), Point.R_KNEE: (76, 208), Point.R_ANKLE: (72, 258)}
SKIRTS = {"short": ([(83, 154), (109, 154), (144, 200), (48, 200)], 0.85), "long": ([(83, 154), (109, 154), (150, 244), (42, 244)], 1.7)}


def figure_of(cloth=None, places=APART):
    picture, mask = draw((230, 230, 235), places)
    owners = drawn_owners(places)
    legs = (owners == 3) | (owners == 4)
    picture[legs & (picture == TROUSERS).all(axis=2)] = SKIN
    if cloth is not None:
        cover = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(cover, [np.array(cloth, np.int32)], 1)
        cover[(owners == 1) | (owners == 2)] = 0
        picture[cover > 0], mask[cover > 0] = TROUSERS, 255
        side = np.where(np.arange(WIDTH) >= 96, 3, 4) * np.ones((HEIGHT, 1), int)
        owners = np.where((cover > 0) & (owners != 0), side, owners)
    joints = skeleton(pose_of(places))
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], UNIT, bones_of(joints, (HEIGHT, WIDTH)), {})
    return figure, owners.clip(0).astype(np.uint8)


@pytest.mark.parametrize("name", SKIRTS)
def test_a_skirt_is_one_sheet_down_to_its_hem(name):
    cloth, hem = SKIRTS[name]
    found = garment_of(*figure_of(cloth))
    assert found.skirt
    assert found.reach == pytest.approx(hem, abs=0.2)


def test_bare_legs_and_trousers_have_no_garment():
    assert garment_of(*figure_of()) == Garment()


def test_shorts_reach_to_where_the_legs_part():
    found = garment_of(*figure_of([(76, 150), (116, 150), (122, 183), (70, 183)]))
    assert not found.skirt
    assert 0.3 < found.reach < 0.75


def test_trousers_whose_legs_touch_are_no_shorts():
    figure, labels = figure_of([(76, 150), (116, 150), (122, 183), (70, 183)])
    picture = figure.picture.copy()
    picture[np.isin(labels, LEGS) & figure.inside] = TROUSERS
    assert garment_of(replace(figure, picture=picture), labels) == Garment()


def test_arms_beside_the_thighs_are_no_skirt():
    figure, labels = figure_of(SKIRTS["short"][0])
    outer = np.minimum(figure.bones["leg_l"][0].distance, figure.bones["leg_r"][0].distance) > 14
    assert garment_of(figure, labels).skirt
    assert not garment_of(figure, np.where(outer & np.isin(labels, LEGS), 1, labels)).skirt


def test_the_torso_owns_the_skirt_and_not_the_legs_below():
    cloth, _ = SKIRTS["short"]
    figure, labels = figure_of(cloth)
    found = with_garment(figure, labels, garment_of(figure, labels))
    blue = (figure.picture == TROUSERS).all(axis=2) & figure.inside
    skin = (figure.picture == SKIN).all(axis=2) & np.isin(labels, LEGS)
    assert (found[blue] == 0).mean() > 0.97
    assert (found[195:][skin[195:]] == 0).mean() < 0.05


def test_without_a_garment_labels_stay():
    figure, labels = figure_of()
    assert with_garment(figure, labels, Garment()) is labels


def test_shorts_take_the_start_of_both_legs():
    figure, labels = figure_of()
    found = with_garment(figure, labels, Garment(0.5))
    taken = (found == 0) & np.isin(labels, LEGS)
    for label, name in zip(LEGS, ("leg_l", "leg_r"), strict=True):
        down = along_leg(figure, name)
        mine = labels == label
        assert np.array_equal(taken & mine, (down < 0.65) & mine)


def test_height_along_a_leg_counts_on_past_the_knee():
    figure, _ = figure_of()
    down = along_leg(figure, "leg_l")
    for joint, wanted in (("hip_l", 0.0), ("knee_l", 1.0), ("ankle_l", 2.0)):
        x, y = figure.joint(joint).astype(int)
        assert down[y, x] == pytest.approx(wanted, abs=0.05)
    assert (np.diff(down[150:270, 118]) > -1e-6).all()


def test_thighs_under_a_skirt_are_as_thick_as_the_shins_suggest():
    figure, _ = figure_of(SKIRTS["short"][0])
    thin = under_skirt(figure)
    for leg in ("leg_l", "leg_r"):
        assert figure.radii[leg][0] > PRIOR[leg][0] * UNIT
        assert thin.radii[leg][0] == pytest.approx(1.3 * figure.radii[leg][1], abs=1.5)
        assert thin.radii[leg][1:] == figure.radii[leg][1:]
    assert (thin.relative["leg_l"] >= figure.relative["leg_l"] - 1e-6).all()


def test_a_pattern_that_changes_slowly_down_the_legs_is_no_hem():
    figure, labels = figure_of([(76, 150), (116, 150), (122, 183), (70, 183)])
    picture = figure.picture.copy()
    down = np.where(labels == LEGS[0], along_leg(figure, "leg_l"), along_leg(figure, "leg_r"))
    share = np.clip((down - 0.2) / 0.9, 0, 1)[..., None]
    slow = (np.array(TROUSERS) * (1 - share) + np.array(SKIN) * share).astype(np.uint8)
    legs = np.isin(labels, LEGS) & figure.inside
    picture[legs] = slow[legs]
    assert garment_of(replace(figure, picture=picture), labels) == Garment()
