"""The textures of the layers: that they add up to the picture, and what they hold where another part was in front."""

import cv2
import numpy as np
import pytest

from animato.pose.keypoints import Point
from animato.pose.skeleton import LAYERS, skeleton
from animato.puppet.bones import bones_of
from animato.puppet.figure import measure
from animato.puppet.garment import Garment
from animato.puppet.layers import SMALLEST, textures
from puppet_figure import HEIGHT, SHIRT, SKIN, STANDING, TROUSERS, WIDTH, draw, drawn_owners, pose_of

WALL = (228, 232, 235)
NONE = Garment()
ACROSS = STANDING | {Point.L_ELBOW: (134, 118), Point.L_WRIST: (100, 128)}
ON_THIGHS = STANDING | {Point.L_ELBOW: (130, 122), Point.L_WRIST: (116, 168)}


def made(places, garment=NONE, labels=None):
    picture, mask = draw(WALL, places)
    joints = skeleton(pose_of(places))
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], 76.0, bones_of(joints, (HEIGHT, WIDTH)), {})
    labels = drawn_owners(places).clip(0).astype(np.uint8) if labels is None else labels
    return figure, textures(figure, labels, garment)


def over(picture, texture):
    alpha = texture[..., 3:] / 255
    return picture * (1 - alpha) + texture[..., :3] * alpha


@pytest.mark.parametrize("places", [STANDING, ACROSS, ON_THIGHS])
def test_layers_on_the_background_are_the_picture(places):
    figure, layers = made(places)
    canvas = np.full((HEIGHT, WIDTH, 3), WALL, float)
    for name in ("leg_l", "leg_r", "torso", "arm_l", "arm_r"):
        canvas = over(canvas, layers[name])
    error = np.square(canvas - figure.picture).mean()
    assert 10 * np.log10(255**2 / error) > 27


def test_the_shirt_goes_on_under_an_arm_in_front_of_it():
    figure, layers = made(ACROSS)
    arm = (drawn_owners(ACROSS) == 1) & (np.arange(WIDTH) < 112) & (np.arange(HEIGHT)[:, None] > 118)
    assert arm.sum() > 100
    under = layers["torso"][arm]
    assert (under[:, 3] > 250).mean() > 0.95
    assert np.abs(under[:, :3].astype(int) - SHIRT).max(axis=1).mean() < 20


def test_trousers_go_on_under_a_hand_in_front_of_them():
    figure, layers = made(ON_THIGHS)
    owners = drawn_owners(ON_THIGHS)
    thigh = drawn_owners(STANDING) == 3
    under = layers["leg_l"][(owners == 1) & thigh & (np.arange(HEIGHT)[:, None] > 166)]
    assert len(under) > 60
    assert (under[:, 3] > 200).mean() > 0.9
    assert np.abs(under[:, :3].astype(int) - TROUSERS).max(axis=1).mean() < 20


def test_no_colour_of_the_background_is_left_at_an_edge():
    figure, layers = made(STANDING)
    for name, texture in layers.items():
        shown = texture[texture[..., 3] > 8][:, :3].astype(int)
        assert (np.abs(shown - WALL).max(axis=1) > 40).all(), name


def test_colours_go_on_beyond_the_opacity():
    _, layers = made(STANDING)
    texture = layers["arm_l"]
    clear = texture[..., 3] == 0
    beside = clear & np.roll(~clear, 3, axis=1)
    assert beside.sum() > 50
    assert (
        np.minimum(np.abs(texture[beside][:, :3].astype(int) - SKIN), np.abs(texture[beside][:, :3].astype(int) - SHIRT)).max(axis=1) < 90
    ).all()


def test_shoulder_and_hip_overlap_so_that_no_gap_opens():
    figure, layers = made(STANDING)
    for joint, name in (("shoulder_l", "arm_l"), ("hip_l", "leg_l")):
        x, y = figure.joint(joint).astype(int)
        assert layers["torso"][y, x, 3] > 200
        along = figure.bones[name][0].b - figure.bones[name][0].a
        x, y = (figure.bones[name][0].a + 0.15 * along).astype(int)
        assert layers["torso"][y, x, 3] > 200 and layers[name][y, x, 3] > 200


def test_an_arm_comes_in_softly_over_the_shoulder():
    figure, layers = made(STANDING)
    upper = figure.bones["arm_l"][0]
    places = (upper.a + np.linspace(-0.12, 0.2, 9)[:, None] * (upper.b - upper.a)).astype(int)
    alpha = layers["arm_l"][places[:, 1], places[:, 0], 3].astype(int)
    assert (np.diff(alpha) >= 0).all() and alpha[0] < 90 and alpha[-1] > 250


def test_under_a_skirt_there_is_a_whole_thigh():
    figure, layers = made(
        STANDING, Garment(0.9, True), np.where(np.arange(HEIGHT)[:, None] < 204, 0, drawn_owners().clip(0)).astype(np.uint8)
    )
    thigh = figure.bones["leg_l"][0]
    inside = (thigh.distance < 0.7 * figure.radii["leg_l"][0]) & (thigh.t > 0.1) & (thigh.t < 1) & (figure.alpha > 0.99)
    assert (layers["leg_l"][inside][:, 3] > 250).mean() > 0.95


def test_a_layer_of_next_to_nothing_is_dropped():
    labels = drawn_owners().clip(0).astype(np.uint8)
    labels[labels == 2] = 0
    arm = np.argwhere(drawn_owners() == 2)
    kept = arm[: SMALLEST - 1]
    labels[tuple(kept.T)] = 2
    assert set(made(STANDING, labels=labels)[1]) == set(LAYERS) - {"arm_r"}
    labels[tuple(arm[: 2 * SMALLEST].T)] = 2
    assert "arm_r" in made(STANDING, labels=labels)[1]


def test_a_frame_drawn_around_the_picture_is_in_no_texture():
    low = {point: (x, y + 60) for point, (x, y) in STANDING.items()}
    picture, mask = draw(WALL, low)
    picture[-1], mask[-1] = 255, mask[-2]
    joints = skeleton(pose_of(low))
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], 76.0, bones_of(joints, (HEIGHT, WIDTH)), {})
    texture = textures(figure, drawn_owners(low).clip(0).astype(np.uint8), NONE)["leg_l"]
    edge = texture[-1][texture[-1, :, 3] > 200]
    assert len(edge) > 8
    assert np.abs(edge[:, :3].astype(int) - TROUSERS).max() < 30


def test_a_skirt_goes_on_under_a_hand_far_from_the_trunk():
    picture, mask = draw(WALL)
    labels = drawn_owners()
    skirt = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(skirt, [np.array([[80, 150], [112, 150], [170, 236], [22, 236]], np.int32)], 1)
    picture[skirt > 0], mask[skirt > 0], labels[skirt > 0] = TROUSERS, 255, 0
    hand = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.line(hand, (146, 150), (144, 212), 1, 10)
    picture[hand > 0], mask[hand > 0], labels[hand > 0] = SKIN, 255, 1
    joints = skeleton(pose_of())
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], 76.0, bones_of(joints, (HEIGHT, WIDTH)), {})
    torso = textures(figure, labels.clip(0).astype(np.uint8), Garment(1.2, True))["torso"]
    under = torso[(hand > 0) & (skirt > 0) & (np.arange(HEIGHT)[:, None] > 205)]
    assert (under[:, 3] > 200).mean() > 0.9
    assert np.abs(under[:, :3].astype(int) - TROUSERS).max(axis=1).mean() < 20


def test_a_crumb_of_a_layer_does_not_hang_in_the_air():
    picture, mask = draw(WALL, STANDING)
    picture[100:105, 20:25], mask[100:105, 20:25] = SHIRT, 255
    joints = skeleton(pose_of(STANDING))
    figure = measure(picture, mask / np.float32(255), joints.xyz[0, :, :2], 76.0, bones_of(joints, (HEIGHT, WIDTH)), {})
    labels = drawn_owners(STANDING).clip(0).astype(np.uint8)
    assert not textures(figure, labels, NONE)["torso"][90:115, 10:35, 3].any()
