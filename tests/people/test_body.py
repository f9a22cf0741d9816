"""The meshes of procedural people: closed, facing outwards, following their bones, numbered as DensePose numbers."""

from dataclasses import replace

import numpy as np
import pytest

from animato.people.looks import BOTTOMS, HAIR_STYLES, TOPS, Look
from animato.people.mesh import ARM, HEAD, PARTS, Ring, Sections, tube
from animato.people.motions import Style as MotionStyle
from animato.people.motions import a_pose, dance, squat
from animato.people.people import Person, deform
from animato.people.skeleton import J, Joints

RINGS = [
    Ring.level(np.array([0, y, 0.0]), (r, r, r), {"pelvis": 1.0}, y)
    for y, r in ((0.0, 0.0), (0.2, 0.4), (1.2, 0.5), (1.8, 0.4), (2.0, 0.0))
]


@pytest.mark.parametrize("sections", [Sections((1,)), Sections((2, 1)), Sections((2, 1), (4, 3)), Sections((9, 10, 8, 7)), HEAD])
def test_every_section_of_a_tube_has_u_from_0_to_1(sections: Sections) -> None:
    mesh = tube(RINGS, 16, ARM, sections)
    assert set(mesh.part) == set(sections.round) | set(sections.end)
    for part in set(mesh.part):
        faces = np.flatnonzero(mesh.part == part)
        u = mesh.surface[mesh.faces[faces], 2] * mesh.shift[faces, :1] + mesh.shift[faces, 1:2]
        v = mesh.surface[mesh.faces[faces], 3] + mesh.shift[faces, 2:]
        assert u.min() == pytest.approx(0) and u.max() == pytest.approx(1)
        assert not sections.end or (v.min() >= -0.2 and v.max() <= 1.2)


def test_front_and_back_and_left_and_right_are_where_they_belong() -> None:
    for sections, part, axis, sign in ((Sections((2, 1)), 2, 2, 1), (Sections((2, 1)), 1, 2, -1), (HEAD, 24, 0, 1), (HEAD, 23, 0, -1)):
        mesh = tube(RINGS, 16, ARM, sections)
        middle = mesh.vertices[mesh.faces[mesh.part == part]].mean(axis=1)
        assert (sign * middle[:, axis] > -1e-9).all()


def test_a_tube_is_closed_and_faces_outwards() -> None:
    mesh = tube(RINGS, 16, ARM, Sections((1,)))
    a, b, c = mesh.vertices[mesh.faces].swapaxes(0, 1)
    normal = np.cross(b - a, c - a)
    middle = (a + b + c) / 3 - [0, 1, 0]
    assert (middle * normal).sum(axis=1)[np.linalg.norm(normal, axis=1) > 1e-9].min() > 1e-3
    assert normal.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)  # what a closed surface adds up to
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1)


@pytest.mark.parametrize("hair", HAIR_STYLES)
def test_every_hair_style_makes_a_body(hair: str) -> None:
    _check_mesh(Person.of(replace(Look(), hair_style=hair)))


@pytest.mark.parametrize("top", TOPS)
@pytest.mark.parametrize("bottom", BOTTOMS)
def test_every_garment_makes_a_body(top: str, bottom: str) -> None:
    _check_mesh(Person.of(replace(Look(), top=top, bottom=bottom)))


def _check_mesh(person: Person) -> None:
    mesh = person.body.mesh
    assert np.isfinite(mesh.vertices).all() and mesh.weights.min() >= -1e-12
    np.testing.assert_allclose(mesh.weights.sum(axis=1), 1, atol=1e-9)
    assert set(mesh.part) == set(range(1, PARTS + 1)) and mesh.faces.max() < len(mesh.vertices)
    assert ((mesh.surface[:, :2] > 0) & (mesh.surface[:, :2] < 1)).all()


def test_in_the_pose_it_was_built_in_the_body_does_not_change() -> None:
    person = Person.of(Look())
    vertices, normals = deform(replace(person, body=replace(person.body, loose=np.zeros(0, int))), person.body.joints, 0)
    np.testing.assert_allclose(vertices, person.body.mesh.vertices, atol=1e-12)
    np.testing.assert_allclose(normals, person.body.mesh.normals, atol=1e-12)


@pytest.mark.parametrize("joint", ["elbow_l", "wrist_r", "knee_r", "ankle_l"])
def test_skin_goes_with_its_bones(joint: str) -> None:
    """The vertices that follow a joint's bone alone keep their distances to the joint whatever the pose."""
    person = Person.of(Look())
    vertices, joints = person.body.mesh.vertices, person.pose(dance(np.array([0.3, 1.1]), MotionStyle()))
    own = person.body.mesh.weights[:, J[joint]] > 0.999
    assert own.sum() > 10
    before = np.linalg.norm(vertices[own] - person.body.joints.position[0, J[joint]], axis=1)
    for frame in range(2):
        after = np.linalg.norm(deform(person, joints, frame)[0][own] - joints.position[frame, J[joint]], axis=1)
        np.testing.assert_allclose(after, before, atol=1e-9)


def test_soles_are_flat() -> None:
    vertices = Person.of(Look()).body.mesh.vertices
    assert vertices[:, 1].min() == pytest.approx(0) and (vertices[:, 1] < 1e-9).sum() > 60


def test_a_skirt_lies_outside_the_legs() -> None:
    person = Person.of(replace(Look(), bottom="skirt", hem=0.9))
    joints = person.pose(squat(np.array([1.3]), MotionStyle()))
    cloth = deform(person, joints, 0)[0][person.body.loose]
    bare = replace(person, body=replace(person.body, loose=np.zeros(0, int)))
    unpushed = deform(bare, joints, 0)[0][person.body.loose]
    assert _depth_in_thighs(unpushed, joints) > 0.02  # the knees of a crouching person do press into the cloth
    assert _depth_in_thighs(cloth, joints) < 0.02


def _depth_in_thighs(points: np.ndarray, joints: Joints) -> float:
    depth = 0.0
    for s in "lr":
        start, bone = joints.position[0, J[f"hip_{s}"]], joints.position[0, J[f"knee_{s}"]] - joints.position[0, J[f"hip_{s}"]]
        along = np.clip((points - start) @ bone / (bone @ bone), 0, 1)
        depth = max(depth, 0.09 - float(np.linalg.norm(points - start - along[:, None] * bone, axis=1).min()))
    return depth


def test_the_hem_of_a_skirt_is_flat_when_standing() -> None:
    person = Person.of(replace(Look(), bottom="skirt", hem=0.9))
    vertices = deform(person, person.pose(a_pose()), 0)[0][person.body.loose]
    assert np.ptp(vertices[-33:, 1]) < 0.05
