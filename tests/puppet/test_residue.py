"""Rims of arm and wall that the cut left on the body: they go back, and what looks like the body stays."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from animato.pose.keypoints import Point
from animato.pose.skeleton import skeleton
from animato.puppet.bones import TORSO, bones_of
from animato.puppet.figure import Figure, measure
from animato.puppet.residue import without_residue
from animato.puppet.tube import Cleaned
from puppet_figure import HEIGHT, STANDING, WIDTH, draw, drawn_owners, pose_of

WALL = (120, 160, 120)
UNIT = 76.0
ARM = 1  # the left one, at the picture's right
TUBES = {name: np.zeros((HEIGHT, WIDTH, 4), np.uint8) for name in ("arm_l", "arm_r")}
BEFORE = STANDING | {Point.L_ELBOW: (142, 116), Point.L_WRIST: (104, 142)}  # the forearm lies across the shirt


def scene() -> tuple[Figure, np.ndarray]:
    picture, mask = draw(WALL, BEFORE)
    owners = drawn_owners(BEFORE)
    joints = skeleton(pose_of(BEFORE))
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], UNIT, bones_of(joints, (HEIGHT, WIDTH)), {})
    return figure, owners.clip(0).astype(np.uint8)


def rim(figure: Figure, labels: np.ndarray) -> np.ndarray:
    """H W bool: the lower 3 pixels of the bare forearm."""
    forearm = ((labels == ARM) & (figure.picture[..., 1] > 100) & figure.inside).astype(np.uint8)
    inner = cv2.erode(forearm, np.ones((7, 1), np.uint8))
    lower = np.roll(forearm, -4, axis=0) == 0
    rows = np.arange(HEIGHT)[:, None]
    return (forearm > 0) & (inner == 0) & lower & (rows < 150) & (np.arange(WIDTH) < 128)


def test_a_rim_of_the_arm_goes_back_to_the_arm() -> None:
    figure, labels = scene()
    left = rim(figure, labels)
    assert left.sum() > 40
    cleaned = without_residue(Cleaned(figure, np.where(left, np.uint8(TORSO), labels), TUBES))
    assert (cleaned.labels[left] == ARM).mean() > 0.8
    assert cleaned.figure.alpha[left].min() > 0.5


def test_a_strip_of_wall_between_arm_and_body_is_no_person() -> None:
    figure, labels = scene()
    below = cv2.dilate((labels == ARM).astype(np.uint8), np.ones((13, 1), np.uint8)) > 0
    strip = below & (labels == TORSO) & figure.inside & (np.arange(HEIGHT)[:, None] > 128) & (np.arange(WIDTH) < 128)
    picture = figure.picture.copy()
    picture[strip] = WALL
    cleaned = without_residue(Cleaned(replace(figure, picture=picture), labels, TUBES))
    assert (cleaned.figure.alpha[strip] == 0).mean() > 0.7


def test_a_clean_cut_stays_as_it_is() -> None:
    figure, labels = scene()
    cleaned = without_residue(Cleaned(figure, labels, TUBES))
    assert (cleaned.labels == labels).all()
    assert (cleaned.figure.alpha == figure.alpha).all()


def test_a_shirt_of_the_arms_colour_stays() -> None:
    figure, labels = scene()
    picture = figure.picture.copy()
    picture[(labels == TORSO) & figure.inside] = picture[labels == ARM].max(axis=0)
    cleaned = without_residue(Cleaned(replace(figure, picture=picture), labels, TUBES))
    assert (cleaned.labels == labels).all()
