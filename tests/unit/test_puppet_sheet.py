"""One layer moved by its bones: polish that holds on to the joints, gives way in time, and paints the right triangles."""

import numpy as np
import pytest

from animato.puppet.arap import Handles
from animato.puppet.body import J
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


def bent(angle: float, squeezed: float = 1.0) -> np.ndarray:
    """The left forearm turned about the elbow, the upper arm foreshortened."""
    joints = REST.copy()
    elbow = REST[J["shoulder_l"]] + squeezed * (REST[J["elbow_l"]] - REST[J["shoulder_l"]])
    for name in ("elbow_l", "wrist_l", "palm_l", "tips_l"):
        joints[J[name]] = elbow + (REST[J[name]] - REST[J["elbow_l"]]) * np.exp(1j * angle)
    return joints


def moved(part, joints: np.ndarray, back: bool = False):
    return part.moved(*bone_maps(RIG_OF, joints, back), back)


@pytest.mark.parametrize("angle", [1.0, -1.7, 2.2])
def test_polish_leaves_the_joints_where_they_belong(angle):
    part, names = arm(), ["elbow_l", "wrist_l"]
    joints = bent(angle)
    _, rows = Handles(REST[[J[n] for n in names]], np.zeros(2, int), np.ones(2)).inside(part.mesh)
    points, polished = moved(part, joints)
    assert polished and np.abs(rows @ points - joints[[J[n] for n in names]]).max() < 2.0


def test_arm_and_torso_stay_together_at_a_raised_shoulder():
    joints, shoulder = REST.copy(), REST[J["shoulder_l"]]
    for name in ("elbow_l", "wrist_l", "palm_l", "tips_l"):
        joints[J[name]] = shoulder + (REST[J[name]] - shoulder) * np.exp(-1.3j)
    along = (REST[J["elbow_l"]] - shoulder) / abs(REST[J["elbow_l"]] - shoulder)
    spots = Handles(shoulder + along * np.array([2, 3 - 4j, 3 + 3j]), np.zeros(3, int), np.ones(3))
    places = []
    for name in ("torso", "arm_l"):
        part = sheet(PARTS.layers[name], PARTS, 4, True)
        places.append(spots.inside(part.mesh)[1] @ moved(part, joints)[0])
    assert np.abs(places[0] - places[1]).max() < 2.5


def test_polish_fades_out_as_a_limb_points_at_the_camera():
    part, plain = arm(), arm(polished=False)
    difference = [np.abs(moved(part, bent(1.0, s))[0] - moved(plain, bent(1.0, s))[0]).max() for s in (0.6, 0.5, 0.45, 0.41, 0.39)]
    assert difference[0] > 0.5 and difference[-1] == 0 and (np.diff(difference[1:]) <= 0).all() and 0 < difference[3] < 0.2 * difference[1]


def test_at_rest_nothing_moves():
    for name, layer in PARTS.layers.items():
        part = sheet(layer, PARTS, 5, True)
        assert np.abs(moved(part, REST)[0] - part.mesh.points).max() < 0.01, name


def test_pieces_meet_at_the_elbow():
    part = arm()
    centres = [part.mesh.points[part.pieces[k]].mean(axis=1) for k in (ROOT, TIP)]
    axis = REST[J["wrist_l"]] - REST[J["shoulder_l"]]
    along = [((c - REST[J["elbow_l"]]) * np.conj(axis)).real / abs(axis) for c in centres]
    assert along[0].max() < 10 and along[1].min() > -10 and along[0].max() > along[1].min()


def test_what_shows_more_is_painted_later():
    part = arm()
    x, y = (part.mesh.points[part.pieces[TIP]].mean(axis=1).view(float).reshape(-1, 2).astype(int)).T
    shown = PARTS.layers["arm_l"].texture[y, x, 3]
    assert shown[: len(shown) // 4].mean() < 60 and shown[-len(shown) // 4 :].min() > 250


def test_overturned_triangles_and_slivers_are_not_painted():
    part = arm()
    flat = part.mesh.points.real + 0.01j * part.mesh.points.imag
    mirrored = -part.mesh.points.conj()
    assert len(part.faces(ROOT, flat, back=False)) == 0 == len(part.faces(ROOT, mirrored, back=False))
    assert len(part.faces(ROOT, mirrored, back=True)) == len(part.pieces[ROOT])


def test_handles_hold_on_to_all_that_the_layer_follows():
    assert set(handles("arm_l", PARTS).bone) == set(LAYER_BONES["arm_l"])
    arms = {b for b, (a, _) in enumerate(RIG) if a.startswith("shoulder")}
    thighs = {b for b, (a, _) in enumerate(RIG) if a.startswith("hip")}
    assert set(handles("torso", PARTS).bone) == {TORSO, HEAD} | arms
    assert set(handles("torso", drawn_parts(garment=0.5)).bone) == {TORSO, HEAD} | arms | thighs
