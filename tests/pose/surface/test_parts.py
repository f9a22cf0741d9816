"""Body parts of poses: the right part of the right side in the right place, on people whose parts are known."""

from dataclasses import replace

import numpy as np
import pytest

from animato.people.motions import MOTIONS, Style, a_pose
from animato.people.people import Person, Rendered, View, render, sequence
from animato.people.scene import Camera, plain_scene
from animato.people.skeleton import Posture
from animato.pose.estimator.estimate import estimate_picture
from animato.pose.keypoints import Point, PoseSequence
from animato.pose.lift import lifted
from animato.pose.surface.parts import fitted, parts
from seen import needs_models

SIZE = (160, 208)


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [Person.random(seed) for seed in (1, 4, 6)]


def shown(person: Person, posture: Posture, turn: float = 0.0) -> tuple[Rendered, PoseSequence]:
    posture.turn[:] = turn
    view = View.of(plain_scene(), Camera.fit(person.stature, SIZE))
    rendered = render(person, person.pose(posture), 0, view)
    return rendered, sequence([rendered], SIZE, 24.0)


def accuracy(truth: np.ndarray, poses: PoseSequence) -> float:
    labels, _ = parts(poses, SIZE)
    return float((labels[0] == truth)[truth > 0].mean())


def middle(labels: np.ndarray, part: int) -> np.ndarray:
    """x, y of a part's middle."""
    return np.argwhere(labels == part).mean(axis=0)[::-1]


@pytest.mark.parametrize("turn", [0.0, 60.0, -60.0, 120.0, 180.0])
def test_most_pixels_of_known_people_are_right(people: list[Person], turn: float) -> None:
    made = [shown(person, posture, turn) for person in people for posture in (a_pose(), MOTIONS["kick"](np.array([0.9]), Style()))]
    assert np.mean([accuracy(rendered.parts, poses) for rendered, poses in made]) > 0.83
    assert np.mean([accuracy(rendered.parts, replace(poses, mask=None)) for rendered, poses in made]) > 0.68


@pytest.mark.parametrize("turn", [0.0, 60.0, -60.0, 180.0])
def test_without_depth_they_still_are(people: list[Person], turn: float) -> None:
    made = [shown(person, a_pose(), turn) for person in people]
    assert np.mean([accuracy(rendered.parts, replace(poses, points=poses.points * [1, 1, 0])) for rendered, poses in made]) > 0.8


def test_front_and_back_left_and_right(people: list[Person]) -> None:
    for turn, torso, sign in ((0.0, 2, 1), (180.0, 1, -1)):
        labels = parts(replace(shown(people[0], a_pose(), turn)[1], mask=None), SIZE)[0][0]
        assert (labels == torso).sum() > 10 * (labels == 3 - torso).sum()
        for right, left in ((23, 24), (3, 4), (6, 5), (9, 10) if turn == 0 else (7, 8), (13, 14) if turn == 0 else (11, 12)):
            assert sign * (middle(labels, left) - middle(labels, right))[0] > 0, (turn, right, left)


def test_the_inside_of_a_hanging_arm_is_the_side_towards_the_body(people: list[Person]) -> None:
    labels = parts(replace(shown(people[0], MOTIONS["idle"](np.zeros(1), Style()))[1], mask=None), SIZE)[0][0]
    assert middle(labels, 18)[0] < middle(labels, 16)[0] < middle(labels, 2)[0] < middle(labels, 15)[0] < middle(labels, 17)[0]


def test_what_is_nearer_hides_what_is_farther(people: list[Person]) -> None:
    poses = replace(shown(people[0], a_pose())[1], mask=None)
    points = poses.points.copy()
    chest = points[0, 0, [Point.NECK, Point.R_HIP, Point.L_HIP]].mean(axis=0)
    arm = slice(92, 134)
    points[0, 0, arm] = chest + (points[0, 0, arm] - points[0, 0, arm].mean(axis=0)) * 0.3
    for wrist in (Point.L_WRIST, Point.R_WRIST):
        points[0, 0, wrist] = chest
    seen = []
    for depth in (-60.0, 60.0):
        points[0, 0, [*range(92, 134), Point.L_WRIST, Point.R_WRIST], 2] = depth
        labels = parts(replace(poses, points=points), SIZE)[0][0]
        seen.append(labels[int(chest[1]), int(chest[0])])
    assert seen[0] in (3, 4) and seen[1] == 2


def test_uv_runs_across_and_along_each_part(people: list[Person]) -> None:
    labels, uv = (item[0] for item in parts(shown(people[0], a_pose())[1], SIZE))
    assert uv.dtype == np.float32 and uv.min() >= 0 and uv.max() <= 1 and (uv[labels == 0] == 0).all()
    for part, axis in ((2, -1), (9, 1), (10, 1), (13, 1), (24, -1)):
        rows, columns = np.nonzero(labels == part)
        v = uv[rows, columns, 1]
        assert axis * np.corrcoef(rows, v)[0, 1] > 0.85 and np.ptp(v) > 0.4, part
    rows, columns = np.nonzero(labels == 2)
    assert np.corrcoef(columns, uv[rows, columns, 0])[0, 1] > 0.9


def test_uv_agrees_with_that_of_known_people(people: list[Person]) -> None:
    rendered, poses = shown(people[0], a_pose())
    labels, uv = (item[0] for item in parts(poses, SIZE))
    for part in (2, 9, 10, 13, 14):
        same = (labels == part) & (rendered.parts == part)
        assert np.abs(uv[same] - rendered.uv[same]).mean() < 0.15, part


def test_the_size_asked_for_is_the_size_made(people: list[Person]) -> None:
    poses = shown(people[0], a_pose())[1]
    small, large = parts(poses, SIZE)[0][0], parts(poses, (320, 416))[0][0]
    assert (large[::2, ::2] == small).mean() > 0.97


def test_an_empty_frame_stays_empty_and_a_missing_limb_is_not_made_up(people: list[Person]) -> None:
    poses = replace(shown(people[0], a_pose())[1], mask=None)
    both = PoseSequence(poses.points.repeat(2, axis=0), np.concatenate([poses.score, 0 * poses.score]), poses.size, 24.0)
    labels, uv = parts(both, SIZE)
    assert labels[0].any() and not labels[1].any() and not uv[1].any()
    score = poses.score.copy()
    score[0, 0, [Point.L_KNEE, Point.L_ANKLE, Point.R_ELBOW, Point.R_WRIST]] = 0
    seen = set(np.unique(parts(replace(poses, score=score), SIZE)[0]))
    assert not seen & {8, 10, 12, 14, 5, 16, 18, 20, 22, 3} and seen >= {2, 9, 13, 15, 23}
    assert parts(both.frames(slice(0, 0)), SIZE)[0].shape == (0, 208, 160)


def test_a_mask_gives_clothes_to_the_nearest_part_and_cuts_what_sticks_out() -> None:
    labels, uv = np.zeros((60, 60), np.uint8), np.zeros((60, 60, 2), np.float32)
    labels[10:50, 20:30], labels[10:50, 30:40], labels[50:55, 20:40] = 9, 10, 5
    uv[10:50, 20:40] = [0.25, 0.75]
    mask = np.zeros((60, 60), np.uint8)
    mask[20:50, 12:48] = 255
    got, where = fitted(labels, uv, mask, 60.0)
    assert (got[20:50, 12:20] == 9).all() and (got[20:50, 40:48] == 10).all()  # a skirt
    assert not got[10:17].any() and not got[:, :12].any() and (got[50:55, 20:40] == 5).all()
    assert np.allclose(where[30, 13], [0.25, 0.75]) and not where[got == 0].any()
    far, _ = fitted(labels, uv, mask, 10.0)
    assert not far[20:50, 12:16].any() and (far[25:45, 19] == 9).all()
    nobody, _ = fitted(labels, uv, np.zeros((30, 30), np.uint8), 60.0)
    np.testing.assert_array_equal(nobody, labels)


def test_depth_is_made_up_only_where_there_is_none(people: list[Person]) -> None:
    poses = shown(people[0], MOTIONS["kick"](np.array([0.9]), Style()))[1]
    np.testing.assert_array_equal(lifted(poses).points, poses.points)
    flat = replace(poses, points=poses.points * [1, 1, 0])
    up = lifted(flat)
    np.testing.assert_array_equal(up.points[..., :2], flat.points[..., :2])
    for start, end in ((Point.L_HIP, Point.L_KNEE), (Point.R_HIP, Point.R_KNEE), (Point.R_HEEL, Point.R_BIG_TOE)):
        meant, got = (item.points[0, 0, end, 2] - item.points[0, 0, start, 2] for item in (poses, up))
        assert got <= 0 and abs(got - meant) < 0.35 * 50, (start, end)


@needs_models
def test_of_an_estimated_pose_too(people: list[Person]) -> None:
    size = (320, 416)
    got = []
    for person in people:
        view = View.of(plain_scene(), Camera.fit(person.stature, size))
        rendered = render(person, person.pose(a_pose()), 0, view)
        labels = parts(estimate_picture(rendered.picture), size)[0][0]
        got.append((labels == rendered.parts)[rendered.parts > 0].mean())
    assert np.mean(got) > 0.78
