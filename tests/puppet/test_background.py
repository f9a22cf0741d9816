"""The background without the person and what belongs to them."""

import cv2
import numpy as np

from animato.pose.skeleton import skeleton
from animato.puppet.background import background
from animato.puppet.bones import bones_of
from animato.puppet.figure import measure
from puppet_figure import HEIGHT, WIDTH, draw, pose_of

WALL = np.broadcast_to(np.linspace(190, 215, WIDTH)[None, :, None], (HEIGHT, WIDTH, 3)).astype(np.uint8)


def without_person(scene):
    """The background found in a scene (H W 3) with the drawn person in front of it."""
    picture, mask = draw(scene)
    joints = skeleton(pose_of())
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], 76.0, bones_of(joints, (HEIGHT, WIDTH)), {})
    return background(figure, mask / np.float32(255))


def shaded(scene, shape, strength):
    soft = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), 3)[..., None]
    return (scene * (1 - strength * soft)).astype(np.uint8)


def test_nothing_of_the_person_is_left():
    assert np.abs(without_person(WALL).astype(int) - WALL).max() < 6


def test_the_shadow_on_the_wall_leaves_with_the_person():
    shape = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(shape, (130, 96), (44, 40), 0, 0, 360, 1, -1)
    found = without_person(shaded(WALL, shape, 0.35)).astype(int)
    assert np.abs(found - WALL)[shape > 0].max() < 24


def test_the_shadow_on_a_rough_floor_leaves_with_the_person():
    scene = WALL.copy()
    scene[200:] = np.clip((150, 110, 70) + 20 * np.random.default_rng(0).standard_normal((HEIGHT - 200, WIDTH, 1)), 0, 255)
    shape = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(shape, (96, 270), (56, 12), 0, 0, 360, 1, -1)
    found = without_person(shaded(scene, shape, 0.35))[shape > 0]
    assert abs(np.median(found[:, 0]) - 150) < 12


def test_a_veil_around_the_person_leaves_with_the_person():
    scene = WALL.copy()
    cv2.ellipse(scene, (96, 120), (62, 44), 0, 0, 360, (120, 60, 160), 4)
    found = without_person(scene).astype(int)
    around = np.abs(found - WALL).max(axis=2)[75:165, 30:162]
    assert (around > 30).mean() < 0.005


def test_things_away_from_the_person_stay():
    scene = WALL.copy()
    scene[100:140, 4:16] = (30, 120, 40)
    assert np.array_equal(without_person(scene)[100:140, 4:12], scene[100:140, 4:12])


def test_a_picture_full_of_person_comes_back():
    picture, _ = draw(WALL)
    joints = skeleton(pose_of())
    full = np.ones((HEIGHT, WIDTH), np.float32)
    figure = measure(picture, full, joints.xyz[0, :, :2], 76.0, bones_of(joints, (HEIGHT, WIDTH)), {})
    assert np.array_equal(background(figure, full), picture)


def test_a_rough_background_goes_on_behind_the_person_and_a_plain_one_is_filled_smoothly(tmp_path):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    joint = (y % 8 < 2) | ((x + 12 * (y // 8 % 2)) % 24 < 2)
    scene = np.where(joint[..., None], (200, 196, 190), (140, 110, 100)).astype(np.uint8)
    picture, mask = draw(scene)
    joints = skeleton(pose_of())
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], 76.0, bones_of(joints, (HEIGHT, WIDTH)), {})
    told = []
    found = background(figure, mask / np.float32(255), tmp_path, lambda *what: told.append(what))
    assert np.abs(found.astype(int) - scene)[mask > 0].mean() < 12
    assert told and len(list(tmp_path.iterdir())) == 1


def test_a_plain_background_is_not_filled_by_exemplars(tmp_path):
    picture, mask = draw(WALL)
    joints = skeleton(pose_of())
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], 76.0, bones_of(joints, (HEIGHT, WIDTH)), {})
    background(figure, mask / np.float32(255), tmp_path)
    assert not list(tmp_path.iterdir())
