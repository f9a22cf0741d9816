"""Rendered people: the same for the same seed, and every kind of truth agrees with the picture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from animato.core.errors import InputError
from animato.people.looks import Cloth, Look
from animato.people.motions import MOTIONS, Style, a_pose
from animato.people.people import Person, Rendered, View, clip, render
from animato.people.scene import Camera, plain_scene
from animato.pose.keypoints import FACE, LEFT_HAND, RIGHT_HAND, Point

SIZE = (144, 192)
PART_OF = {
    Point.NOSE: {23, 24}, Point.R_EYE: {23}, Point.L_EYE: {24}, Point.NECK: {1, 2},
    Point.R_ELBOW: {16, 18, 20, 22}, Point.L_ELBOW: {15, 17, 19, 21}, Point.R_WRIST: {3, 20, 22}, Point.L_WRIST: {4, 19, 21},
    Point.R_KNEE: {7, 9, 11, 13}, Point.L_KNEE: {8, 10, 12, 14}, Point.R_HIP: {1, 2, 7, 9}, Point.L_HIP: {1, 2, 8, 10},
    Point.R_BIG_TOE: {6}, Point.L_BIG_TOE: {5},
}  # fmt: skip


@pytest.fixture(scope="module")
def person() -> Person:
    return Person.of(replace(Look(), hair_style="buzz"))


def _shown(person: Person, turn: float = 0.0, antialias: int = 2) -> Rendered:
    camera = Camera.fit(person.stature, SIZE)
    posture = a_pose()
    posture.turn[:] = turn
    return render(person, person.pose(posture), 0, View.of(plain_scene(), camera), antialias)


def test_a_seed_always_gives_the_same_clip_and_another_gives_another() -> None:
    first, again, other = (clip(seed, "walk", 2, (48, 48)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1].points, again[1].points)
    assert (first[0] != other[0]).mean() > 0.3


def test_a_clip_is_what_it_says() -> None:
    frames, poses = clip(5, "wave", 3, (64, 48), fps=12.0, turn=0.0)
    assert frames.shape == (3, 48, 64, 3) and frames.dtype == np.uint8
    assert (len(poses), poses.people, poses.size, poses.fps) == (3, 1, (64, 48), 12.0)
    assert poses.mask is not None and poses.mask.shape == (3, 48, 64)
    assert np.abs(np.diff(frames.astype(int), axis=0)).max() > 20


@pytest.mark.parametrize(
    ("motion", "frames", "size", "says"),
    [("fly", 2, (64, 64), "no motion 'fly'"), ("walk", 0, (64, 64), "0 frame"), ("walk", 1, (64, 8), "64 x 8")],
)
def test_senseless_clips_are_refused(motion: str, frames: int, size: tuple[int, int], says: str) -> None:
    with pytest.raises(InputError, match=says):
        clip(0, motion, frames, size)


@pytest.mark.parametrize("turn", [0.0, 35.0, -35.0])
def test_visible_keypoints_lie_on_their_parts(person: Person, turn: float) -> None:
    shown = _shown(person, turn)
    for point, parts in PART_OF.items():
        if shown.score[point] == 1:
            x, y = shown.points[point, :2].astype(int)
            assert shown.parts[y, x] in parts, point.name
    head = cv2.dilate(np.isin(shown.parts, [23, 24]).astype(np.uint8), np.ones((3, 3), np.uint8))  # some lie on the outline
    x, y = shown.points[FACE, :2][shown.score[FACE] == 1].astype(int).T
    assert head[y, x].all() and len(x) > 50


def test_left_is_left_and_the_front_is_seen(person: Person) -> None:
    front, back = _shown(person), _shown(person, 180.0)
    assert front.points[Point.L_SHOULDER, 0] > front.points[Point.R_SHOULDER, 0]
    assert back.points[Point.L_SHOULDER, 0] < back.points[Point.R_SHOULDER, 0]
    assert front.score[FACE].min() == 1 and back.score[FACE][17:].max() == 0 and back.score[Point.NOSE] == 0
    assert {2} <= set(front.parts.ravel()) and 1 not in front.parts[:, 60:84] and 2 not in back.parts[:, 60:84]
    assert front.score[:18].min() == 1 and front.score[[Point.L_HEEL, Point.R_HEEL]].max() == 0.5


def test_from_the_side_the_far_arm_is_hidden_and_depth_says_which_is_nearer(person: Person) -> None:
    camera = Camera.fit(person.stature, SIZE)
    posture = MOTIONS["idle"](np.zeros(1), Style())
    posture.turn[:] = 90.0  # the left side away from the camera
    shown = render(person, person.pose(posture), 0, View.of(plain_scene(), camera))
    assert shown.score[Point.L_SHOULDER] == 0.5 and shown.score[Point.R_SHOULDER] == 1
    assert shown.points[Point.R_SHOULDER, 2] < -10 < 10 < shown.points[Point.L_SHOULDER, 2]
    assert shown.points[[Point.R_HIP, Point.L_HIP], 2].mean() == pytest.approx(0, abs=0.5)
    assert shown.score[Point.L_EYE] == 0 and shown.score[Point.R_EYE] == 1


def test_what_lies_outside_the_picture_is_missing(person: Person) -> None:
    camera = replace(Camera.fit(person.stature, SIZE), centre=(0.0, 0.5))
    shown = render(person, person.pose(a_pose()), 0, View.of(plain_scene(), camera))
    assert shown.score[Point.R_WRIST] == 0 and shown.score[RIGHT_HAND].max() == 0 and shown.score[LEFT_HAND].min() > 0


def test_parts_uv_and_mask_describe_the_same_figure(person: Person) -> None:
    shown = _shown(person)
    assert set(np.unique(shown.parts)) >= {0, 2, 3, 4, 5, 6, 9, 10, 13, 14, 15, 16, 19, 20, 23, 24}
    assert ((shown.parts > 0) & (shown.mask < 60)).mean() < 0.002 and ((shown.parts == 0) & (shown.mask > 200)).mean() < 0.002
    assert (shown.uv[shown.parts == 0] == 0).all() and shown.uv.min() >= 0 and shown.uv.max() <= 1
    torso = shown.parts == 2
    rows, columns = np.nonzero(torso)
    assert np.corrcoef(columns, shown.uv[torso][:, 0])[0, 1] > 0.9  # u from the person's right to left
    assert np.corrcoef(rows, shown.uv[torso][:, 1])[0, 1] < -0.9  # v upwards


def test_the_picture_outside_mask_and_shadow_is_the_backdrop(person: Person) -> None:
    view = View.of(plain_scene((90, 160, 90)), Camera.fit(person.stature, SIZE))
    shown = render(person, person.pose(a_pose()), 0, view)
    above = slice(0, 150)  # above the floor's shadow
    outside = shown.mask[above] == 0
    np.testing.assert_array_equal(shown.picture[above][outside], view.backdrop[above][outside])
    feet = shown.points[[Point.L_HEEL, Point.R_HEEL], :2].astype(int)
    beside = shown.picture[feet[0, 1] + 2, (feet[0, 0] + feet[1, 0]) // 2].astype(int)
    assert beside.sum() < view.backdrop[feet[0, 1] + 2, 72].astype(int).sum() - 20


def test_antialiasing_changes_edges_only(person: Person) -> None:
    rough, fine = _shown(person, antialias=1), _shown(person, antialias=3)
    assert set(np.unique(rough.mask)) == {0, 255} and len(np.unique(fine.mask)) > 5
    assert np.abs(rough.picture.astype(int) - fine.picture).mean() < 3
    np.testing.assert_allclose(rough.points, fine.points)


def test_clothes_are_what_is_seen() -> None:
    red = Person.of(Look(top="long", top_cloth=Cloth(colour=(200, 20, 20)), bottom_cloth=Cloth(colour=(20, 20, 200))))
    shown = _shown(red)
    solid = shown.mask == 255
    arms, legs = np.isin(shown.parts, [15, 16]) & solid, np.isin(shown.parts, [9, 10, 13, 14]) & solid
    assert np.median(shown.picture[arms][:, 0]) > 120 > 60 > np.median(shown.picture[arms][:, 2])
    assert np.median(shown.picture[legs][:, 2]) > 120 > 60 > np.median(shown.picture[legs][:, 0])
