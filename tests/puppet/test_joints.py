"""Missing joints, and what cannot be moved because of them."""

from dataclasses import replace

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.keypoints import Point
from animato.pose.skeleton import J, skeleton
from animato.puppet.joints import complete, judge, mirrored
from puppet_figure import HEIGHT, STANDING, WIDTH, pose_of

SIZE = (WIDTH, HEIGHT)
HEAD = {Point.NOSE, Point.R_EYE, Point.L_EYE, Point.R_EAR, Point.L_EAR}


def without(*missing, places=STANDING, hands=False):
    return skeleton(pose_of({point: place for point, place in places.items() if point not in missing}, hands=hands))


def moved(**changes):
    return STANDING | {Point[name]: place for name, place in changes.items()}


def test_a_whole_person_is_moved_without_a_note():
    joints = judge(without(), SIZE)
    assert joints.legs and set(joints.arms.values()) == {"move"} and not joints.behind and joints.notes == []
    assert joints.unit == pytest.approx(76, abs=1)


@pytest.mark.parametrize(
    "missing", [(Point.L_KNEE, Point.L_ANKLE), (Point.R_ANKLE,), (Point.L_ELBOW,), (Point.L_HIP,), tuple(HEAD), (Point.R_SHOULDER,)]
)
def test_guessed_joints_lie_near_where_they_are_in_a_standing_person(missing):
    full, guessed = without(), complete(without(*missing))
    for joint in ("knee_l", "ankle_r", "elbow_l", "hip_l", "head", "shoulder_r"):
        assert np.linalg.norm(full.xy(joint)[0] - guessed.xy(joint)[0]) < 0.25 * 76


def test_seen_joints_stay_and_guessed_ones_are_not_called_present():
    full, guessed = without(), complete(without(Point.L_KNEE))
    assert not guessed.present[0, J["knee_l"]] and guessed.present[0, J["knee_r"]]
    seen = guessed.present[0]
    assert np.array_equal(guessed.xyz[0, seen], full.xyz[0, seen])


def test_a_hand_without_a_seen_wrist_goes_on_from_the_guessed_forearm():
    guessed = complete(without(Point.L_WRIST)).xyz[0]
    elbow, wrist, palm, tips = (guessed[J[f"{name}_l"]] for name in ("elbow", "wrist", "palm", "tips"))
    assert np.allclose(palm, wrist + 0.3 * (wrist - elbow))
    assert np.allclose(tips, wrist + 1.8 * (palm - wrist))


def test_a_lying_person_s_guesses_lie_too():
    lying = {point: (y, HEIGHT / 2 + 96 - x) for point, (x, y) in STANDING.items()}
    full, guessed = without(places=lying), complete(without(Point.L_KNEE, Point.L_ANKLE, places=lying))
    assert np.linalg.norm(full.xy("ankle_l")[0] - guessed.xy("ankle_l")[0]) < 0.4 * 76


@pytest.mark.parametrize("missing", [(Point.L_KNEE,), (Point.R_ANKLE,)])
def test_legs_with_a_missing_joint_are_not_moved(missing):
    joints = judge(without(*missing), SIZE)
    assert not joints.legs and "legs" in joints.notes[0] and len(joints.notes) == 1


def test_legs_that_leave_the_picture_are_not_moved():
    assert not judge(without(), (WIDTH, 230)).legs


def test_a_missing_arm_is_replaced_by_the_other():
    joints = judge(without(Point.L_WRIST), SIZE)
    assert joints.arms == {"arm_l": "mirror", "arm_r": "move"} and "left arm" in joints.notes[0]


def test_arms_without_a_complete_one_are_frozen():
    joints = judge(without(Point.L_WRIST, Point.R_ELBOW), SIZE)
    assert set(joints.arms.values()) == {"freeze"} and len(joints.notes) == 2


def test_an_arm_whose_mirror_image_would_leave_the_picture_is_frozen():
    shifted = {point: (x + 55, y) for point, (x, y) in STANDING.items()}
    assert judge(without(Point.L_WRIST, places=shifted), SIZE).arms["arm_l"] == "freeze"


def test_mirroring_puts_each_shoulder_on_the_other():
    xy = without().xyz[0, :, :2]
    shoulders = xy[[J["shoulder_l"], J["shoulder_r"]]]
    assert np.allclose(mirrored(shoulders, xy), shoulders[::-1])
    assert np.allclose(mirrored(mirrored(xy, xy), xy), xy)


def test_a_side_view_is_told_and_refused_where_its_depth_says_so_too():
    narrow = without(places=moved(L_SHOULDER=(103, 82), R_SHOULDER=(89, 82)))
    assert "from the side" in judge(narrow, SIZE).notes[0]  # narrow shoulders of a flat drawing
    xyz = narrow.xyz.copy()
    xyz[0, J["shoulder_l"], 2] = 40
    turned = replace(narrow, xyz=xyz)
    with pytest.raises(InputError, match="from the side.*--force"):
        judge(turned, SIZE)
    assert "from the side" in judge(turned, SIZE, force=True).notes[0]


def test_who_lies_or_is_upside_down_is_told_and_is_not_seen_from_the_side():
    standing = without()
    for degrees, word in ((0, ""), (40, ""), (90, "lies"), (-90, "lies"), (180, "is upside down")):
        turn = np.exp(1j * np.deg2rad(degrees))
        place = (standing.xyz[..., 0] + 1j * standing.xyz[..., 1] - (96 + 130j)) * turn + (130 + 130j)
        notes = judge(replace(standing, xyz=np.stack([place.real, place.imag, standing.xyz[..., 2]], axis=-1)), (260, 260)).notes
        told = [note for note in notes if "head is up" in note]
        assert len(told) == bool(word) and all(word in note for note in told), degrees
        assert not any("side:" in note or "behind" in note for note in notes)


def test_a_back_is_told():
    other = {"L": "R", "R": "L"}
    swapped = {Point[other[point.name[0]] + point.name[1:]] if point.name[1] == "_" else point: place for point, place in STANDING.items()}
    joints = judge(without(*HEAD, places=swapped), SIZE)
    assert joints.behind and "from behind" in joints.notes[0]


def test_too_small_a_person_is_refused():
    tiny = {point: (x / 3, y / 3) for point, (x, y) in STANDING.items()}
    with pytest.raises(InputError, match="larger picture"):
        judge(without(places=tiny), SIZE)


@pytest.mark.parametrize("missing", [tuple(STANDING), (Point.L_SHOULDER, Point.R_SHOULDER), (Point.NECK, Point.L_SHOULDER)])
def test_no_shoulders_are_refused(missing):
    with pytest.raises(InputError, match="shoulders"):
        judge(without(*missing), SIZE)


ABOVE_THE_HIPS = 140


def test_a_portrait_whose_hands_reach_the_edge_is_a_bust_with_one_note():
    """Hanging arms that the lower edge cuts off, and hands that rest on it."""
    for hand in (HEIGHT, ABOVE_THE_HIPS - 4):
        places = moved(L_WRIST=(110, hand), R_WRIST=(82, hand))
        joints = judge(without(places=places), (WIDTH, ABOVE_THE_HIPS))
        assert joints.bust and set(joints.arms.values()) == {"freeze"} and not joints.legs
        assert joints.notes == ["The picture shows no whole limb: head and shoulders move alone."]


def test_a_raised_arm_of_a_portrait_is_moved():
    joints = judge(without(places=moved(L_ELBOW=(140, 100), L_WRIST=(140, 60))), (WIDTH, ABOVE_THE_HIPS))
    assert joints.arms["arm_l"] == "move" and not joints.bust


def test_arms_that_hang_to_the_edge_beside_visible_hips_are_no_bust():
    joints = judge(without(places=moved(L_WRIST=(140, 160), R_WRIST=(52, 160))), (WIDTH, 164))
    assert set(joints.arms.values()) == {"move"} and not joints.bust
