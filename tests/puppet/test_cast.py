"""Shadows that leave the picture together with the person, and dark things that stay."""

import cv2
import numpy as np

from animato.puppet.cast import cast_shadow, contact_shadow, plain_surface

UNIT = 80.0
PERSON = np.zeros((240, 200), bool)
PERSON[40:200, 85:115] = True


def wall(shade=None):
    """A wall that darkens towards the right, with a shadow of the given mask."""
    picture = np.broadcast_to(np.linspace(210, 170, 200)[None, :, None], (240, 200, 3)) * np.array([1.0, 0.97, 0.93])
    if shade is not None:
        soft = cv2.GaussianBlur(shade.astype(np.float32), (0, 0), 3)[..., None]
        picture = picture * (1 - 0.4 * soft)
    return picture.astype(np.uint8)


def test_the_shadow_beside_the_person_is_found():
    shade = np.zeros_like(PERSON)
    shade[60:190, 60:90] = True
    found = cast_shadow(wall(shade), PERSON, UNIT)
    assert found[70:180, 65:84].mean() > 0.98
    assert found[:, 130:].mean() < 0.05


def test_an_even_wall_has_no_shadow():
    assert not cast_shadow(wall(), PERSON, UNIT).any()


def test_a_dark_floor_is_no_shadow():
    picture = wall()
    picture[190:] = (picture[190:] * 0.5).astype(np.uint8)
    assert cast_shadow(picture, PERSON, UNIT)[190:].mean() < 0.05


def test_a_coloured_thing_is_no_shadow():
    picture = wall()
    picture[100:150, 60:85] = (40, 90, 160)
    assert not cast_shadow(picture, PERSON, UNIT)[105:145, 62:80].any()


def test_an_uneven_background_is_left_alone():
    picture = np.random.default_rng(0).integers(0, 255, (240, 200, 3), np.uint8)
    assert not cast_shadow(picture, PERSON, UNIT).any()
    assert not plain_surface(picture.astype(np.float32), ~PERSON)[1]


def test_the_shadow_under_the_feet_is_found_on_any_floor():
    picture = wall()
    picture[150:] = (120, 90, 60)
    picture[150:, ::23] = (90, 66, 44)
    clean, shade = picture.copy(), np.zeros(PERSON.shape, np.uint8)
    cv2.ellipse(shade, (100, 202), (38, 8), 0, 0, 360, 1, -1)
    picture = (picture * (1 - 0.35 * shade[..., None])).astype(np.uint8)
    feet = np.array([[92.0, 196.0], [108.0, 196.0]])
    found = contact_shadow(picture, PERSON, feet, UNIT)
    assert (found | PERSON)[shade > 0].mean() > 0.95
    assert not contact_shadow(clean, PERSON, feet, UNIT)[shade > 0].any()


def test_a_black_thing_beside_the_feet_is_no_shadow():
    picture = np.full((240, 200, 3), (150, 140, 130), np.uint8)
    picture[170:200, 118:140] = 12
    assert not contact_shadow(picture, PERSON, np.array([[100.0, 196.0]]), UNIT)[175:197, 125:136].any()


def test_a_shadow_over_a_dark_floor_is_told_from_the_floor():
    shade = np.zeros_like(PERSON)
    shade[60:190, 60:90] = True
    picture = wall(shade)
    picture[190:] = (picture[190:] * 0.5).astype(np.uint8)
    found = cast_shadow(picture, PERSON, UNIT)
    assert found[70:180, 65:84].mean() > 0.98
    assert found[208:, :50].mean() < 0.05 and found[208:, 150:].mean() < 0.05


def test_a_dark_thing_that_reaches_far_away_from_the_person_is_no_shadow():
    shade = np.zeros_like(PERSON)
    shade[100:130, 16:90] = True
    assert cast_shadow(wall(shade), PERSON, UNIT).any()
    assert not cast_shadow(wall(shade), PERSON, 0.6 * UNIT).any()


def test_a_dark_thing_that_reaches_the_side_of_the_picture_is_no_shadow():
    shade = np.zeros_like(PERSON)
    shade[100:130, :90] = True
    assert not cast_shadow(wall(shade), PERSON, UNIT).any()
