"""The person told from the background, on pictures whose mask is known exactly."""

import cv2
import numpy as np
import pytest

from animato.pose.keypoints import Point
from animato.pose.skeleton import skeleton
from animato.puppet.bones import bones_of
from animato.puppet.figure import trunk
from animato.puppet.grabcut import grabcut
from animato.puppet.mask import guided_filter, keep_components, nearness, person_alpha, person_probability, softened
from animato.puppet.plate import halo, plate
from puppet_figure import HEIGHT, SHIRT, STANDING, WIDTH, draw, pose_of, soft

UNIT = 76.0


def alpha_of(picture, mask, places=STANDING):
    joints = skeleton(pose_of(places))
    near = nearness(bones_of(joints, (HEIGHT, WIDTH)), UNIT)
    probability = person_probability(mask, near)
    return person_alpha(picture, probability, near, trunk(joints.xyz[0, :, :2], (HEIGHT, WIDTH), 1.0), UNIT)


def agreement(alpha, mask):
    """Intersection over union."""
    found, wanted = alpha > 0.5, mask > 127
    return (found & wanted).sum() / (found | wanted).sum()


def textured():
    rng = np.random.default_rng(0)
    leaves = cv2.GaussianBlur(rng.uniform(-128, 128, (HEIGHT, WIDTH, 1)).astype(np.float32), (0, 0), 1.5)
    leaves = np.clip(128 + 4 * leaves, 0, 255)
    return np.clip(np.dstack([0.4 * leaves, 90 + 0.5 * leaves, 0.3 * leaves]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (40, 160, 90)])
def test_on_a_flat_background_the_mask_is_all_but_exact(background):
    picture, mask = draw(background)
    alpha = alpha_of(picture, soft(mask))
    assert agreement(alpha, mask) > 0.985
    assert np.abs(alpha - mask / 255).mean() < 0.005


def test_on_a_textured_background_the_mask_is_close():
    picture, mask = draw(textured())
    assert agreement(alpha_of(picture, soft(mask)), mask) > 0.96


def test_gaps_that_the_estimator_calls_person_are_background_again():
    picture, mask = draw((235, 235, 235))
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((41, 41), np.uint8))
    alpha = alpha_of(picture, soft(closed))
    gap = (closed > 0) & (mask == 0)
    gap = cv2.erode(gap.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert gap.sum() > 100
    assert alpha[gap].mean() < 0.1


def test_gaps_on_a_textured_background_too():
    picture, mask = draw(textured())
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((31, 31), np.uint8))
    gap = cv2.erode(((closed > 0) & (mask == 0)).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert alpha_of(picture, soft(closed))[gap].mean() < 0.35


def test_a_shirt_of_the_background_s_own_colour_stays():
    picture, mask = draw(SHIRT)
    alpha = alpha_of(picture, soft(mask))
    assert alpha[95:150, 88:104].mean() > 0.98


def test_an_arm_that_the_estimator_missed_comes_back():
    picture, mask = draw((200, 205, 210))
    missed = mask.copy()
    missed[100:160, 128:] = 0
    weak = np.maximum(soft(missed), (soft(mask) * 0.2).astype(np.uint8))
    assert agreement(alpha_of(picture, weak), mask) > 0.95


def test_without_an_estimator_s_mask_the_skeleton_has_to_do():
    picture, mask = draw((200, 205, 210))
    assert agreement(alpha_of(picture, None), mask) > 0.9


def test_edges_on_a_plain_wall_are_as_soft_as_in_the_picture():
    picture, mask = draw((240, 240, 240))
    picture, wanted = cv2.GaussianBlur(picture, (0, 0), 1.2), cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 1.2)
    alpha = alpha_of(picture, soft(mask))
    edge = (wanted > 0.1) & (wanted < 0.9)
    assert np.abs(alpha - wanted)[edge].mean() < 0.12


def test_a_thin_frame_around_the_picture_does_not_end_the_person():
    places = {point: (x, y + 60) for point, (x, y) in STANDING.items()}
    picture, mask = draw((200, 205, 210), places)
    picture[-1] = picture[:, -1] = 255
    alpha = alpha_of(picture, soft(mask), places)
    assert (alpha[-1] > 0.5).sum() >= 0.8 * (mask[-3] > 0).sum() > 0


def test_guided_filter_is_the_local_linear_fit():
    rng = np.random.default_rng(1)
    guide, values = rng.random((9, 9)).astype(np.float32), rng.random((9, 9)).astype(np.float32)
    slopes, offsets = np.zeros((9, 9)), np.zeros((9, 9))
    for y in range(1, 8):
        for x in range(1, 8):
            g, v = guide[y - 1 : y + 2, x - 1 : x + 2], values[y - 1 : y + 2, x - 1 : x + 2]
            slopes[y, x] = ((g * v).mean() - g.mean() * v.mean()) / (g.var() + 1e-2)
            offsets[y, x] = v.mean() - slopes[y, x] * g.mean()
    wanted = slopes[3:6, 3:6].mean() * guide[4, 4] + offsets[3:6, 3:6].mean()
    assert guided_filter(guide, values, 3, 1e-2)[4, 4] == pytest.approx(wanted, abs=1e-4)


def test_components_stay_if_they_are_large_or_touch_the_core():
    region, core = np.zeros((30, 30), bool), np.zeros((30, 30), bool)
    region[1:3, 1:3] = region[10:20, 10:20] = region[25:27, 25:27] = True
    core[1, 1] = True
    kept = keep_components(region, core, 50)
    assert kept[1, 1] and kept[15, 15] and not kept[25, 25]


def test_grabcut_finds_what_has_the_foreground_s_colour_and_keeps_what_is_decided():
    rng = np.random.default_rng(2)
    picture = np.clip((60, 120, 60) + 8 * rng.standard_normal((80, 80, 3)), 0, 255).astype(np.uint8)
    picture[20:60, 30:50] = np.clip((200, 60, 60) + 8 * rng.standard_normal((40, 20, 3)), 0, 255)
    hints = np.full((80, 80), cv2.GC_PR_BGD, np.uint8)
    hints[35:45, 37:43] = cv2.GC_FGD
    hints[:6] = hints[:, :6] = hints[:, -6:] = cv2.GC_BGD
    hints[22:24, 32:48] = cv2.GC_BGD
    wanted = np.zeros((80, 80), bool)
    wanted[20:60, 30:50] = True
    found = grabcut(picture, hints, 3)
    assert not found[hints == cv2.GC_BGD].any()
    assert (found == wanted)[hints != cv2.GC_BGD].mean() > 0.98
    assert np.array_equal(found, grabcut(picture, hints, 3))


def test_grabcut_without_two_sides_answers_with_its_hints():
    hints = np.full((40, 40), cv2.GC_PR_FGD, np.uint8)
    assert grabcut(np.zeros((40, 40, 3), np.uint8), hints, 2).all()


def test_a_plate_is_far_from_things_and_near_to_shaded_wall():
    picture = np.broadcast_to(np.linspace(180, 220, 160)[None, :, None], (120, 160, 3)).astype(np.uint8).copy()
    known = np.ones((120, 160), bool)
    known[30:90, 60:100] = False
    picture[30:60, 60:100] = (90, 40, 160)
    picture[60:90, 60:100] = (picture[60:90, 60:100] * 0.8).astype(np.uint8)
    found = plate(picture, known)
    assert found.distance[35:55, 65:95].min() > 10
    assert found.distance[65:85, 65:95].max() < 2
    assert found.distance[known].max() < 3


def test_an_uneven_background_has_no_plate():
    picture = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)
    assert np.isinf(plate(picture, np.ones((120, 160), bool)).distance).mean() > 0.99


def test_a_veil_beside_the_person_is_a_halo_and_a_distant_thing_is_not():
    picture, hole = np.full((160, 160, 3), 100, np.uint8), np.zeros((160, 160), bool)
    hole[40:120, 60:100] = True
    picture[70:90, 100:112] = 200
    picture[70:90, 145:155] = 200
    found = halo(picture, hole, 20)
    assert found[72:88, 102:110].all() and not found[:, 125:].any()


def test_the_mask_is_found_again_wherever_the_limbs_are():
    raised = dict(STANDING) | {Point.L_ELBOW: (146, 62), Point.L_WRIST: (160, 28), Point.R_ELBOW: (44, 90), Point.R_WRIST: (70, 112)}
    picture, mask = draw((150, 160, 200), raised)
    assert agreement(alpha_of(picture, soft(mask), raised), mask) > 0.97


@pytest.mark.parametrize("background", [SHIRT, textured()], ids=["as the shirt", "textured"])
def test_the_gap_between_arm_and_body_is_seen_by_its_colour(background):
    places = STANDING | {Point.L_ELBOW: (160, 120), Point.L_WRIST: (122, 152), Point.R_ELBOW: (32, 120), Point.R_WRIST: (70, 152)}
    picture, mask = draw(background, places)
    filled = mask.copy()
    for side in (-1, 1):
        cv2.fillPoly(filled, [np.array([[96 + side * x, y] for x, y in ((22, 82), (64, 120), (26, 152))], np.int32)], 255)
    gap = cv2.erode(((filled > 0) & (mask == 0)).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert gap.sum() > 150
    assert alpha_of(picture, soft(filled), places)[gap].mean() < 0.2


@pytest.mark.parametrize(("unit", "widest"), [(60, 0.25), (150, 0.6), (1000, 0.8)])
def test_an_outline_is_as_soft_as_the_figure_is_large(unit, widest):
    step = np.zeros((9, 40), np.float32)
    step[:, 20:] = 1
    edge = np.diff(softened(step, unit)[4])
    assert np.isclose(edge.max(), 1 / (widest * np.sqrt(2 * np.pi)), rtol=0.35) or widest == 0.25 and edge.max() > 0.95
    assert np.all(edge >= 0) and np.isclose(edge.sum(), 1)
