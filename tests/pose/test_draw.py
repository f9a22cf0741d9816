"""What reaches the drawing, and the overlay."""

import numpy as np

from animato.pose.draw import HIDDEN, draw, draw_overlay, figure, skeletons
from animato.pose.keypoints import KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point, PoseSequence
from animato.pose.styles import animate_anyone, uni_animate

SIZE = (96, 128)


def pose_of(frames: int = 1, people: int = 1) -> PoseSequence:
    """Points spread over the picture, all visible."""
    points = np.random.default_rng(5).uniform(0.1, 0.9, (frames, people, KEYPOINTS, 3)) * (*SIZE, 1)
    return PoseSequence(points, np.ones((frames, people, KEYPOINTS)), SIZE, fps=25)


def test_a_hand_of_few_points_is_left_out_but_only_that_hand() -> None:
    pose = pose_of()
    pose.score[0, 0, LEFT_HAND][4:] = 0
    person = figure(pose)
    assert (person.hands[0] == HIDDEN).all()
    assert (person.hands[1] > 0).all()
    assert (figure(pose, hand_points=0).hands[0, :4] > 0).all()


def test_hidden_points_are_not_drawn() -> None:
    pose = pose_of()
    pose.score[:] = 0.2
    assert not draw(figure(pose), animate_anyone.STYLE, SIZE).any()
    pose.score[0, 0, Point.NOSE] = 1
    x, y = pose.points[0, 0, Point.NOSE, :2].astype(int)
    canvas = draw(figure(pose), animate_anyone.STYLE, SIZE)
    assert (canvas[y, x] == (255, 0, 0)).all()
    assert canvas.any(axis=2).sum() == 49  # one disc of radius 4 as OpenCV draws it


def test_a_foot_needs_both_toes() -> None:
    pose = pose_of()
    pose.score[0, 0, Point.L_SMALL_TOE] = 0
    person = figure(pose)
    assert list(person.shown[18:]) == [False, True]
    toes = pose.points[0, 0, [Point.R_BIG_TOE, Point.R_SMALL_TOE], :2]
    np.testing.assert_allclose(person.body[19], toes.mean(axis=0) / SIZE)


def test_each_system_gets_its_own_channel_order() -> None:
    pose = pose_of()
    pose.score[0, 0] = 0
    pose.score[0, 0, Point.NOSE] = 1
    x, y = pose.points[0, 0, Point.NOSE, :2].astype(int)
    assert list(draw(figure(pose), animate_anyone.STYLE, SIZE)[y, x]) == [255, 0, 0]
    assert list(draw(figure(pose), uni_animate.STYLE, SIZE)[y, x]) == [0, 0, 255]


def test_skeletons_are_drawn_frame_by_frame() -> None:
    pose = pose_of(frames=3)
    clip = skeletons(pose, animate_anyone.STYLE, (48, 64))
    assert (clip.size, clip.length, clip.fps) == ((48, 64), 3, 25)
    for index, frame in enumerate(clip):
        np.testing.assert_array_equal(frame, draw(figure(pose, index), animate_anyone.STYLE, (48, 64)))


def test_overlay_leaves_the_frame_and_draws_left_and_right_apart() -> None:
    frame = np.full((256, 192, 3), 90, np.uint8)
    pose = pose_of(people=2)
    pose.score[:] = 0
    pose.score[0, 0, LEFT_HAND] = 1
    left = draw_overlay(frame, pose)
    pose.score[0, 0, LEFT_HAND], pose.score[0, 0, RIGHT_HAND] = 0, 1
    right = draw_overlay(frame, pose)
    assert (frame == 90).all()
    assert left[..., 0].astype(int).sum() > right[..., 0].astype(int).sum()  # orange against blue
    pose.score[:] = 0
    np.testing.assert_array_equal(draw_overlay(frame, pose), frame)
    pose.score[0, 1] = 1
    others = draw_overlay(frame, pose)
    changed = others[(others != frame).any(axis=2)]
    assert len(changed) > 100
    assert (changed == changed[:, :1]).all()  # grey only
