"""Arms as clean tubes: what they held of the body and of the wall goes, what lay over them is known, patterned sleeves stay."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from animato.pose.keypoints import Point
from animato.pose.skeleton import skeleton
from animato.puppet.bones import TORSO, bones_of
from animato.puppet.figure import Figure, measure
from animato.puppet.prepare import take_apart
from animato.puppet.stage import perform, self_drive
from animato.puppet.tube import FAR, Cleaned, clean, to_nearest
from puppet_figure import HEIGHT, SHIRT, SKIN, STANDING, WIDTH, draw, drawn_owners, pose_of

WALL = (228, 232, 235)
UNIT = 76.0
ARM = 1  # the left one, at the picture's right
HANGING = STANDING | {Point.L_ELBOW: (124, 122), Point.L_WRIST: (124, 158), Point.R_ELBOW: (68, 122), Point.R_WRIST: (68, 158)}
BARE = (224, 172, 140)


def scene(ribbon: tuple[int, int, int] | None = None, stripes: bool = False) -> tuple[Figure, np.ndarray]:
    """A person with bare arms that hang beside a red shirt, and who owns which pixel."""
    picture, mask = draw(WALL, HANGING)
    owners = drawn_owners(HANGING)
    arms = (owners == ARM) | (owners == ARM + 1)
    picture[arms] = BARE
    if stripes:
        rows = (np.arange(HEIGHT)[:, None] // 3 % 2 == 0) & np.ones(WIDTH, bool)
        picture[arms & rows] = (30, 60, 160)
    if ribbon:
        picture[128:136, 116:127][arms[128:136, 116:127]] = ribbon
    joints = skeleton(pose_of(HANGING))
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], UNIT, bones_of(joints, (HEIGHT, WIDTH)), {})
    return figure, owners.clip(0).astype(np.uint8)


def with_stolen(labels: np.ndarray, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The labels with a strip of the shirt given to the arm, and that strip."""
    arm = (labels == ARM).astype(np.uint8)
    near = cv2.dilate(arm, np.ones((1, 15), np.uint8)) > 0
    rows = np.arange(HEIGHT)[:, None]
    stolen = near & (labels == TORSO) & (picture == SHIRT).all(axis=2) & (rows > 100) & (rows < 146)
    return np.where(stolen, np.uint8(ARM), labels), stolen


def test_the_shirt_beside_an_arm_goes_back_to_the_body() -> None:
    figure, labels = scene()
    disturbed, stolen = with_stolen(labels, figure.picture)
    assert stolen.sum() > 100
    cleaned = clean(figure, disturbed)
    assert (cleaned.labels[stolen] == TORSO).mean() > 0.8
    still = (labels == ARM) & figure.inside
    assert (cleaned.labels[still] == ARM).mean() > 0.95


def test_the_wall_between_arm_and_body_is_no_person() -> None:
    figure, labels = scene()
    disturbed, stolen = with_stolen(labels, figure.picture)
    picture = figure.picture.copy()
    picture[stolen] = WALL
    cleaned = clean(replace(figure, picture=picture), disturbed)
    assert (cleaned.figure.alpha[stolen] == 0).mean() > 0.8


def test_an_arm_goes_on_under_what_crosses_it() -> None:
    figure, labels = scene()
    ribbon = np.zeros(figure.shape, bool)
    ribbon[118:126, 112:140] = labels[118:126, 112:140] == ARM
    picture = figure.picture.copy()
    picture[ribbon] = SHIRT
    cleaned = clean(replace(figure, picture=picture), np.where(ribbon, np.uint8(TORSO), labels))
    tube = cleaned.tubes["arm_l"]
    under = ribbon & (tube[..., 3] > 0)
    assert under.sum() > 0.5 * ribbon.sum()
    assert np.abs(tube[under][:, :3].astype(int) - BARE).max(axis=1).mean() < 12


@pytest.mark.parametrize("what", ["stripes", "raised", "two-coloured"])
def test_what_is_left_alone(what: str) -> None:
    figure, labels = scene(stripes=what == "stripes")
    if what == "two-coloured":
        picture = figure.picture.copy()
        picture[(labels == ARM) & (np.arange(WIDTH) < 121)] = (30, 60, 160)  # its inner half, also where that stands free
        alpha = np.where((labels != ARM) & (np.arange(WIDTH) > 104) & (np.arange(HEIGHT)[:, None] > 126), 0, figure.alpha)
        figure = replace(figure, picture=picture, alpha=alpha.astype(np.float32))
    if what == "raised":
        xy = figure.xy.copy()
        bones = dict(figure.bones)
        bones["torso"] = [replace(bones["torso"][0], a=bones["torso"][0].b, b=bones["torso"][0].a), bones["torso"][1]]
        figure = replace(figure, xy=xy, bones=bones)  # the body stands on its head: its arms are raised
    disturbed, _ = with_stolen(labels, figure.picture)
    cleaned: Cleaned = clean(figure, disturbed)
    assert np.array_equal(cleaned.labels == ARM, disturbed == ARM)
    assert not cleaned.tubes["arm_l"].any()


def test_what_lies_over_an_arm_shows_in_the_picture_and_goes_when_the_arm_moves() -> None:
    """A strap of the shirt over a bare arm: at rest it is there, raised the arm is bare."""
    picture, mask = draw(WALL, HANGING)
    owners = drawn_owners(HANGING)
    picture[(owners == ARM) | (owners == ARM + 1)] = SKIN
    picture[114:124, 104:122] = SHIRT
    parts = take_apart(picture, pose_of(HANGING, mask))
    assert self_drive(parts, picture) > 24
    raised = HANGING | {Point.L_ELBOW: (160, 84), Point.L_WRIST: (186, 60)}
    frame, _ = next(perform(parts, skeleton(pose_of(raised))))
    arm = frame[78:92, 134:156].reshape(-1, 3).astype(int)
    body = arm[np.abs(arm - WALL).max(axis=1) > 40]
    assert (np.abs(body - SHIRT).max(axis=1) < 40).mean() < 0.1


def test_the_nearest_colour_is_as_far_as_when_all_are_compared() -> None:
    rng = np.random.default_rng(0)
    colours, others = (rng.integers(0, 256, (count, 3)).astype(np.float32) for count in (2500, 290))
    every = np.linalg.norm(colours[:, None] - others, axis=2).min(axis=1)
    assert (to_nearest(colours, others) == every).all()
    assert to_nearest(colours[:2], others[:0]).tolist() == [FAR, FAR]


def test_an_arm_that_does_not_move_gets_no_holes() -> None:
    """A bust: a fold of the wall's colour on an arm is cloth that stays where it is."""
    picture, mask = draw(WALL, HANGING)
    owners = drawn_owners(HANGING)
    picture[(owners == ARM) | (owners == ARM + 1)] = SKIN
    arm = owners == ARM
    fold = arm & ~np.roll(arm, 5, axis=1) & (np.arange(HEIGHT)[:, None] > 100)  # its inner side
    picture[fold] = WALL
    rows = 140
    pose = pose_of(HANGING, mask)
    pose = replace(pose, size=(WIDTH, rows), mask=pose.mask[:, :rows])
    parts = take_apart(picture[:rows], pose, opacity=mask[:rows])
    assert tuple(parts.layers) == ("torso",)
    assert (parts.layers["torso"].texture[..., 3][fold[:rows]] > 250).all()
