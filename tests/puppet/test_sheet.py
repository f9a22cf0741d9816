"""One layer moved by its bones: polish that holds on to the joints, gives way in time, and paints the right triangles."""

import numpy as np
import pytest

from animato.pose.skeleton import J
from animato.puppet.arap import Handles
from animato.puppet.handles import handles
from animato.puppet.order import ROOT, TIP
from animato.puppet.rig import HEAD, LAYER_BONES, RIG, TORSO, bone_maps, rig
from animato.puppet.sheet import sheet
from puppet_parts import drawn_parts

PARTS = drawn_parts()
RIG_OF = rig(PARTS)
REST = RIG_OF.joints


def arm(polished: bool = True):
    return sheet(PARTS.layers["arm_l"], PARTS, 4, polished)


def turned(angle: float, squeezed: float = 1.0) -> np.ndarray:
    """The left forearm turned about the elbow, the upper arm foreshortened."""
    joints = REST.copy()
    elbow = REST[J["shoulder_l"]] + squeezed * (REST[J["elbow_l"]] - REST[J["shoulder_l"]])
    for name in ("elbow_l", "wrist_l", "palm_l", "tips_l"):
        joints[J[name]] = elbow + (REST[J[name]] - REST[J["elbow_l"]]) * np.exp(1j * angle)
    return joints


def placed(part, joints: np.ndarray, back: bool = False):
    return part.placed(*bone_maps(RIG_OF, joints, back), back)


@pytest.mark.parametrize("angle", [0.3, -0.4, 0.7, -1.7, 2.2])
def test_the_joints_go_where_they_belong(angle):
    """While the arm is one skin, while it comes apart, and after that; the elbow with both pieces, the wrist with the forearm."""
    part, joints = arm(), turned(angle)
    _, rows = Handles(REST[[J["elbow_l"], J["wrist_l"]]], np.zeros(2, int), np.ones(2)).inside(part.mesh)
    found = placed(part, joints)
    assert found.polished and (found.stiff == 0) == (abs(angle) < 0.43) and (found.stiff == 1) == (abs(angle) > 1.1)
    (upper_elbow, _), (elbow, wrist) = (rows @ points for points in found.points)
    assert max(abs(upper_elbow - joints[J["elbow_l"]]), abs(elbow - joints[J["elbow_l"]]), abs(wrist - joints[J["wrist_l"]])) < 2.0


def test_pieces_that_have_come_apart_do_not_bend():
    part = arm()
    for piece, points in zip(part.pieces, placed(part, turned(-2.0)).points, strict=True):
        inner = part.mesh.points.imag < REST[J["wrist_l"]].imag - 8
        inner &= np.abs(part.mesh.points - REST[J["shoulder_l"]]) > 25
        corners = piece.triangles[inner[piece.triangles].all(axis=1)]
        sides = [np.abs(p[corners] - p[np.roll(corners, 1, axis=1)]) for p in (part.mesh.points, points)]
        assert len(corners) > 10 and np.abs(sides[1] / sides[0] - 1).max() < 0.1


def test_arm_and_torso_stay_together_at_a_raised_shoulder():
    joints, shoulder = REST.copy(), REST[J["shoulder_l"]]
    for name in ("elbow_l", "wrist_l", "palm_l", "tips_l"):
        joints[J[name]] = shoulder + (REST[J[name]] - shoulder) * np.exp(-1.3j)
    along = (REST[J["elbow_l"]] - shoulder) / abs(REST[J["elbow_l"]] - shoulder)
    spots = Handles(shoulder + along * np.array([2, 3 - 4j, 3 + 3j]), np.zeros(3, int), np.ones(3))
    places = []
    for name in ("torso", "arm_l"):
        part = sheet(PARTS.layers[name], PARTS, 4, True)
        places.append(spots.inside(part.mesh)[1] @ placed(part, joints).points[ROOT])
    assert np.abs(places[0] - places[1]).max() < 2.5


def test_polish_fades_out_as_a_limb_points_at_the_camera():
    part, plain = arm(), arm(polished=False)
    poses = [turned(0.4, squeezed) for squeezed in (0.6, 0.5, 0.45, 0.41, 0.39)]
    difference = [np.abs(placed(part, pose).points[ROOT] - placed(plain, pose).points[ROOT]).max() for pose in poses]
    assert difference[0] > 0.5 and difference[-1] == 0 and (np.diff(difference[1:]) <= 0).all() and 0 < difference[3] < 0.2 * difference[1]


def test_at_rest_nothing_moves():
    for name, layer in PARTS.layers.items():
        part = sheet(layer, PARTS, 5, True)
        assert np.abs(placed(part, REST).points - part.mesh.points).max() < 0.01, name


def test_pieces_meet_at_the_elbow():
    part = arm()
    centres = [part.mesh.points[part.pieces[k].triangles].mean(axis=1) for k in (ROOT, TIP)]
    axis = REST[J["wrist_l"]] - REST[J["shoulder_l"]]
    along = [((c - REST[J["elbow_l"]]) * np.conj(axis)).real / abs(axis) for c in centres]
    assert along[0].max() < 16 and along[1].min() > -16 and along[0].max() > along[1].min()


def test_what_shows_more_is_painted_later():
    part = arm()
    x, y = (part.mesh.points[part.pieces[TIP].triangles].mean(axis=1).view(float).reshape(-1, 2).astype(int)).T
    shown = PARTS.layers["arm_l"].texture[y, x, 3]
    assert shown[: len(shown) // 4].mean() < 60 and shown[-len(shown) // 4 :].min() > 250


def test_overturned_triangles_slivers_and_shards_are_not_painted():
    part = arm()
    flat = part.mesh.points.real + 0.01j * part.mesh.points.imag
    mirrored = -part.mesh.points.conj()
    for wrong in (flat, mirrored, 3 * part.mesh.points):
        assert len(part.faces(ROOT, wrong, back=False)) == 0
    assert len(part.faces(ROOT, mirrored, back=True)) == len(part.pieces[ROOT].triangles) == len(part.faces(ROOT, part.mesh.points, False))


def test_handles_hold_on_to_all_that_the_layer_follows():
    assert set(handles("arm_l", PARTS).bone) == set(LAYER_BONES["arm_l"])
    arms = {b for b, (a, _) in enumerate(RIG) if a.startswith("shoulder")}
    thighs = {b for b, (a, _) in enumerate(RIG) if a.startswith("hip")}
    assert set(handles("torso", PARTS).bone) == {TORSO, HEAD} | arms
    assert set(handles("torso", drawn_parts(garment=0.5)).bone) == {TORSO, HEAD} | arms | thighs
