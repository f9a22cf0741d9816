"""Motions of procedural people: feet on the floor, bones of constant length, joints within their limits, seamless loops."""

import numpy as np
import pytest

from animato.people.looks import Look
from animato.people.motions import MOTIONS, PERIODS, Style, random_style
from animato.people.people import Person, deform
from animato.people.skeleton import JOINTS, PARENT, Build, J, Joints, Posture, offsets, pose, rotate_y
from joint_limits import KNEE_LIMIT, knee_angles, outside_limits

TIMES = np.arange(30) / 12
GLIDING = {"walk"}  # on the spot


@pytest.fixture(scope="module")
def person() -> Person:
    return Person.of(Look())


@pytest.mark.parametrize("motion", MOTIONS)
def test_bones_keep_their_length(motion: str) -> None:
    joints = pose(Build(), MOTIONS[motion](TIMES, Style()))
    parents = [J[PARENT[name]] for name in JOINTS[1:]]
    lengths = np.linalg.norm(joints.position[:, 1:] - joints.position[:, parents], axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(np.linalg.norm(offsets(Build())[1:], axis=1), lengths.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(joints.rotation), 1, atol=1e-9)


@pytest.mark.parametrize("motion", MOTIONS)
def test_the_lower_foot_stands_on_the_floor(motion: str, person: Person) -> None:
    posture = MOTIONS[motion](TIMES[::3], Style())
    joints = person.pose(posture)
    for frame in np.flatnonzero(posture.lift < 1e-6):
        assert -0.006 < deform(person, joints, frame)[0][:, 1].min() < 0.004


@pytest.mark.parametrize("motion", [name for name in MOTIONS if name not in GLIDING])
def test_a_planted_foot_does_not_slide(motion: str) -> None:
    posture = MOTIONS[motion](TIMES, Style())
    joints = pose(Build(), posture)
    for k, s in enumerate("lr"):
        planted = (posture.feet[:, k, 1] == 0) & (posture.feet[:, k, 4] == 0) & (posture.lift == 0)
        path = np.linalg.norm(np.diff(joints.position[:, J[f"ankle_{s}"]], axis=0), axis=1)
        assert path[planted[1:] & planted[:-1]].max(initial=0) < 0.003


@pytest.mark.parametrize("motion", MOTIONS)
def test_motions_repeat_after_their_period(motion: str) -> None:
    first, again = (pose(Build(), MOTIONS[motion](np.array([0.37 + shift]), Style())) for shift in (0, PERIODS[motion]))
    np.testing.assert_allclose(first.position, again.position, atol=1e-9)


@pytest.mark.parametrize("motion", MOTIONS)
def test_motions_are_within_the_limits_and_smooth(motion: str) -> None:
    for seed in range(5):
        times = np.arange(72) / 24
        posture = MOTIONS[motion](times, random_style(np.random.default_rng(seed)))
        joints = pose(Build(), posture)
        assert outside_limits(posture) == {}
        assert knee_angles(joints).max() < KNEE_LIMIT
        assert np.linalg.norm(np.diff(joints.position, axis=0), axis=-1).max() < 0.42  # metres in 1/24 s: the hands of a jumper reach 9 m/s


def test_outside_limits_names_the_joint_and_the_excess() -> None:
    posture = Posture(2)
    posture.set("elbow_l", [20.0, 163.0])
    assert outside_limits(posture) == {"elbow_l": 13.0}


def test_the_arms_go_where_their_angles_say() -> None:
    """Hanging: down. Raised 90 degrees in front, at the side; then bent. Left and right mirror each other."""
    posture = Posture(4)
    posture.set("shoulder", [0, 90, 90, 0], [0, 0, 90, 0])
    posture.set("elbow", [0, 0, 0, 90])
    joints = pose(Build(), posture)
    for s, side in (("l", 1), ("r", -1)):
        upper = joints.position[:, J[f"elbow_{s}"]] - joints.position[:, J[f"shoulder_{s}"]]
        fore = joints.position[:, J[f"wrist_{s}"]] - joints.position[:, J[f"elbow_{s}"]]
        np.testing.assert_allclose(upper / 0.28, [[0, -1, 0], [0, 0, 1], [side, 0, 0], [0, -1, 0]], atol=1e-9)
        np.testing.assert_allclose(fore[3] / 0.25, [0, 0, 1], atol=1e-9)


def test_a_foot_out_of_reach_makes_the_pelvis_sink() -> None:
    posture = Posture(2)
    posture.feet[1, 0, 0] = 0.5
    joints = pose(Build(), posture)
    assert joints.position[1, J["pelvis"], 1] < joints.position[0, J["pelvis"], 1] - 0.05
    np.testing.assert_allclose(joints.position[1, J["ankle_l"]], [0.088 + 0.5 * Build().leg, 0.08, 0], atol=2e-3)


def test_knees_bend_forwards() -> None:
    posture = Posture(1)
    posture.pelvis[:, 1] = -0.3
    position = pose(Build(), posture).position[0]
    assert position[J["knee_l"], 2] > position[[J["hip_l"], J["ankle_l"]], 2].max() + 0.1


def test_turn_turns_everything() -> None:
    straight, turned = Posture(1), Posture(1)
    turned.turn[:] = 60.0
    a, b = pose(Build(), straight), pose(Build(), turned)
    assert isinstance(a, Joints)
    np.testing.assert_allclose(b.position[0], a.position[0] @ rotate_y(np.array(60.0)).T, atol=1e-12)
    assert b.position[0, J["ball_l"], 0] > a.position[0, J["ball_l"], 0]  # to the person's left
