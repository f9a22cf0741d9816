"""Taking a whole picture apart, and what happens when it does not show everything."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.keypoints import Point
from animato.pose.skeleton import BONES, LAYERS, J
from animato.puppet.prepare import take_apart
from puppet_figure import HEIGHT, SHIRT, STANDING, WIDTH, draw, pose_of, soft

WALL = np.broadcast_to(np.linspace(120, 220, HEIGHT)[:, None, None], (HEIGHT, WIDTH, 3)).astype(np.uint8)
ABOVE_THE_KNEE = 196


def parts_of(places=STANDING, rows=HEIGHT, missing=(), quality="good"):
    picture, mask = draw(WALL, places)
    pose = pose_of(places)
    pose.score[0, 0, [point for point, place in places.items() if point in missing or place[1] >= rows]] = 0
    pose = replace(pose, mask=soft(mask[:rows])[None], size=(WIDTH, rows))
    return picture[:rows], take_apart(picture[:rows], pose, quality)


def flattened(parts, order=("leg_l", "leg_r", "torso", "arm_l", "arm_r")):
    canvas = parts.background.astype(float)
    for name in order:
        if name in parts.layers:
            alpha = parts.layers[name].texture[..., 3:] / 255
            canvas = canvas * (1 - alpha) + parts.layers[name].texture[..., :3] * alpha
    return canvas


def psnr(a, b):
    return 10 * np.log10(255**2 / np.square(np.asarray(a, float) - b).mean())


@pytest.mark.parametrize("quality", ["good", "fast"])
def test_the_parts_add_up_to_the_picture(quality):
    picture, parts = parts_of(quality=quality)
    assert tuple(parts.layers) == LAYERS and parts.notes == [] and not any(layer.frozen for layer in parts.layers.values())
    assert psnr(flattened(parts), picture) > 27
    for name, layer in parts.layers.items():
        assert layer.texture.shape == (HEIGHT, WIDTH, 4) and layer.texture.dtype == np.uint8
        assert len(layer.radius) == len(BONES[name]) and min(layer.radius) > 0


def test_the_background_is_the_wall_alone():
    _, parts = parts_of()
    assert psnr(parts.background, WALL) > 40


def test_the_floor_is_where_the_soles_are():
    _, parts = parts_of()
    assert parts.floor == pytest.approx(272, abs=3)


def test_the_torso_has_a_back_without_a_face():
    _, parts = parts_of()
    back = parts.layers["torso"].back
    assert back is not None and not np.array_equal(back, parts.layers["torso"].texture)
    assert all(parts.layers[name].back is None for name in LAYERS[1:])


def test_legs_that_the_edge_cuts_off_become_part_of_the_torso():
    picture, parts = parts_of(rows=ABOVE_THE_KNEE)
    assert "leg_l" not in parts.layers and "leg_r" not in parts.layers
    assert parts.floor is None and parts.garment == 0 and len(parts.notes) == 1
    assert psnr(flattened(parts), picture) > 27
    assert (parts.layers["torso"].texture[-1, :, 3] > 200).sum() > 30


def test_no_hand_near_the_cut_edge_gets_into_the_torso():
    low = STANDING | {Point.L_WRIST: (140, 176), Point.R_WRIST: (52, 176)}
    _, parts = parts_of(low, rows=ABOVE_THE_KNEE)
    solid = parts.layers["torso"].texture[-1, :, 3] > 127
    assert not solid[:60].any() and not solid[132:].any()


def test_a_missing_arm_is_the_mirror_image_of_the_other():
    _, parts = parts_of(missing=(Point.L_ELBOW, Point.L_WRIST))
    left, right = parts.layers["arm_l"].texture[..., 3] > 127, parts.layers["arm_r"].texture[..., 3] > 127
    turned = right[:, ::-1]
    assert (left & turned).sum() > 0.9 * (left | turned).sum()
    xy = parts.skeleton.xyz[0, :, :2]
    for name in ("elbow", "wrist", "palm", "tips"):
        assert xy[J[f"{name}_l"]] == pytest.approx([WIDTH - xy[J[f"{name}_r"]][0], xy[J[f"{name}_r"]][1]], abs=1e-6)
    assert len(parts.notes) == 1


def test_two_missing_arms_are_frozen():
    _, parts = parts_of(missing=(Point.L_WRIST, Point.R_WRIST))
    assert parts.layers["arm_l"].frozen and parts.layers["arm_r"].frozen and not parts.layers["torso"].frozen
    assert len(parts.notes) == 2


def test_seen_from_behind_there_is_no_back():
    other = {"L": "R", "R": "L"}
    swapped = {Point[other[p.name[0]] + p.name[1:]] if p.name[1] == "_" else p: place for p, place in STANDING.items()}
    _, parts = parts_of(swapped)
    assert parts.layers["torso"].back is None and "from behind" in parts.notes[0]


def test_hands_may_be_unknown():
    picture, mask = draw(WALL)
    parts = take_apart(picture, pose_of(mask=soft(mask), hands=False))
    assert (parts.layers["arm_l"].texture[150:175, 140:160, 3] > 127).sum() > 60


def test_a_pose_without_a_mask_is_enough():
    picture, _ = draw((235, 235, 240))
    parts = take_apart(picture, pose_of())
    assert psnr(flattened(parts), picture) > 25


def test_the_same_picture_gives_the_same_parts():
    first, second = (parts_of()[1] for _ in range(2))
    assert np.array_equal(first.background, second.background)
    assert all(np.array_equal(first.layers[name].texture, second.layers[name].texture) for name in LAYERS)


def test_a_shirt_under_a_raised_arm_is_whole():
    raised = STANDING | {Point.L_ELBOW: (128, 116), Point.L_WRIST: (100, 128)}
    _, parts = parts_of(raised)
    hidden = parts.layers["torso"].texture[118:136, 98:112]
    assert (hidden[..., 3] > 250).mean() > 0.95
    assert np.abs(hidden[..., :3].astype(int) - SHIRT).max(axis=2).mean() < 20


def test_a_pose_of_another_size_is_refused():
    picture, _ = draw(WALL)
    with pytest.raises(InputError, match="scale it"):
        take_apart(cv2.resize(picture, (100, 150)), pose_of())


def test_too_little_of_a_person_is_refused():
    picture, mask = draw(WALL)
    with pytest.raises(InputError, match="clearly visible"):
        take_apart(picture, pose_of(mask=np.zeros_like(mask)))


def test_no_person_is_refused_before_anything_else():
    with pytest.raises(InputError, match="shoulders"):
        take_apart(WALL.copy(), pose_of({}, hands=False))


def test_an_outline_by_hand_is_taken_as_it_is():
    """A sign in the figure's hand in the wall's own colours, which no way of cutting out could find, belongs to it; a foot does not."""
    picture, mask = draw(WALL, STANDING)
    outline = mask.copy()
    outline[100:125, 4:50] = 255
    outline[-40:] = 0
    pose = replace(pose_of(STANDING), mask=soft(mask)[None])
    parts = take_apart(picture, pose, opacity=outline)
    shown = np.max([layer.texture[..., 3] for layer in parts.layers.values()], axis=0)
    assert (shown[103:122, 8:46] > 200).all() and not (shown[-38:] > 30).any()
    assert np.abs(shown.astype(int) - outline).mean() < 4


def test_a_bust_is_one_piece():
    places = STANDING | {Point.L_WRIST: (110, 138), Point.R_WRIST: (82, 138)}
    picture, parts = parts_of(places, rows=140)
    assert tuple(parts.layers) == ("torso",) and parts.notes == ["The picture shows no whole limb: head and shoulders move alone."]
    assert psnr(flattened(parts, ("torso",)), picture) > 30
