"""What hands hid of the body: its side is straight there, and it looks like the other side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animato.pose.keypoints import Point
from animato.pose.skeleton import skeleton
from animato.puppet.bones import bones_of
from animato.puppet.figure import Figure, measure
from animato.puppet.garment import Garment
from animato.puppet.layers import textures
from animato.puppet.underneath import underneath
from puppet_figure import HEIGHT, STANDING, WIDTH, draw, drawn_owners, pose_of

WALL = (228, 232, 235)
UNIT = 76.0
ON_HIP = STANDING | {Point.L_ELBOW: (150, 120), Point.L_WRIST: (124, 140)}
BOTH = ON_HIP | {Point.R_ELBOW: (42, 120), Point.R_WRIST: (68, 140)}
BADGE = (250, 220, 40)


def scene(places: dict[Point, tuple[float, float]], lean: float = 0.0) -> tuple[Figure, np.ndarray]:
    """The drawn person with a yellow badge on each hip, and who owns which pixel."""
    picture, mask = draw(WALL, places)
    owners = drawn_owners(places)
    for left in (76, 108):
        picture[134:150, left : left + 8][owners[134:150, left : left + 8] == 0] = BADGE
    joints = skeleton(pose_of(places))
    xy = joints.xyz[0, :, :2]
    if lean:
        xy = xy[:, ::-1].copy()
        joints.xyz[0, :, :2] = xy
    figure = measure(picture, mask / np.float32(255), xy, UNIT, bones_of(joints, (HEIGHT, WIDTH)), {})
    return figure, owners.clip(0).astype(np.uint8)


def truth() -> np.ndarray:
    """H W bool: where the body is, were there no arms."""
    return np.isin(drawn_owners(STANDING | {Point.L_ELBOW: (185, 90), Point.L_WRIST: (190, 60)}), (0, 3, 4))


@pytest.mark.parametrize("places", [ON_HIP, BOTH])
def test_the_outline_goes_on_straight_under_a_hand(places: dict) -> None:
    figure, labels = scene(places)
    found = underneath(figure, labels)["torso"][..., 3] > 0
    hidden = truth() & (labels == 1)
    hidden[:110] = False  # the shoulder is the sleeve's own matter
    hidden[156:] = False
    assert hidden.sum() > 60
    assert (found[hidden]).mean() > 0.8
    assert (found & ~truth()).sum() < 0.1 * hidden.sum()


def test_a_hidden_side_looks_like_the_side_that_shows() -> None:
    figure, labels = scene(ON_HIP)
    patch = underneath(figure, labels)["torso"]
    badge = np.zeros(figure.shape, bool)
    badge[136:148, 110:114] = True
    seen = badge & (patch[..., 3] > 0)
    assert seen.sum() > 10
    assert np.abs(patch[seen][:, :3].astype(int) - BADGE).max(axis=1).mean() < 30


def test_the_torso_holds_what_a_hand_hid() -> None:
    figure, labels = scene(ON_HIP)
    patches = underneath(figure, labels)
    torso = textures(figure, labels, Garment(), patches)["torso"]
    inside = patches["torso"][..., 3] > 0
    assert (torso[..., 3][inside] > 127).mean() > 0.9


def test_nothing_is_made_up_where_arms_hang_free_or_the_body_lies() -> None:
    figure, labels = scene(STANDING)
    assert sum((patch[..., 3] > 0).sum() for patch in underneath(figure, labels).values()) < 250
    assert not underneath(*scene(ON_HIP, lean=1.0))


def test_a_button_beside_a_hand_is_not_drawn_out_under_it_and_a_belt_is() -> None:
    figure, labels = scene(BOTH)
    arm = labels == 1
    picture = np.where((labels == 0)[..., None], np.uint8([190, 40, 50]), figure.picture)
    first = int(np.flatnonzero(arm[145])[0])
    picture[144:147, first - 8 : first - 3] = BADGE
    row = np.zeros(figure.shape, bool)
    row[145] = arm[145]
    hidden = underneath(replace(figure, picture=picture), labels)["torso"]
    seen = row & (hidden[..., 3] > 0)
    assert seen.sum() > 5
    assert np.abs(hidden[seen][:, :3].astype(int) - (190, 40, 50)).max() < 60
    picture[143:148][labels[143:148] == 0] = BADGE
    hidden = underneath(replace(figure, picture=picture), labels)["torso"]
    assert hidden[145, first : first + 3, 1].min() > 150
