"""Alignment in particular situations: steps and jumps, cropped and turned pictures, tight pictures, changes by hand, bad input."""

from dataclasses import replace

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.alignment import musepose
from animato.pose.alignment.adjust import Adjust, Nudge
from animato.pose.alignment.align import NONE, align, published
from animato.pose.alignment.robust import general_scale
from animato.pose.keypoints import FACE, LEFT_HAND, RIGHT_HAND, Point, PoseSequence
from animato.pose.limbs import CROWN, body, bone_lengths
from dancers import SIZE, dancer

ANKLES = [Point.R_ANKLE, Point.L_ANKLE]
LONG_LEGS = {"thigh": 0.28, "shin": 0.27}


def hide(pose: PoseSequence, points: list[int] | slice, frames: slice = slice(None)) -> PoseSequence:
    """The same with some points missing and their coordinates meaningless."""
    hidden = replace(pose, points=pose.points.copy(), score=pose.score.copy())
    hidden.points[frames, :, points], hidden.score[frames, :, points] = 1e5, 0.0
    return hidden


def cropped(pose: PoseSequence) -> PoseSequence:
    """A picture that ends at the thighs: the lower part of it is cut away."""
    cut = int(pose.points[0, 0, [Point.R_HIP, Point.R_KNEE], 1].mean())
    hidden = hide(pose, [*range(18, 24), 9, 10, 12, 13])
    return replace(hidden, size=(pose.size[0], cut))


def shifted(pose: PoseSequence, by: np.ndarray) -> PoseSequence:
    return replace(pose, points=pose.points + by.reshape(-1, 1, 1, 3))


def hopping(frames: slice, rows: float) -> PoseSequence:
    """A dancer who is so many rows lower in some frames; negative: higher."""
    hop = np.zeros((24, 3))
    hop[frames, 1] = rows
    return shifted(dancer(2), hop)


def test_a_planted_foot_does_not_slide() -> None:
    motion = dancer(2)
    foot = motion.points[:, 0, Point.L_ANKLE].copy()
    motion = shifted(motion, (300, 740, 0) - foot)
    motion.points[:, 0, [10, 21, 22, 23], 1] = 690  # the other foot is lifted
    aligned = align(dancer(3, 1, 400, LONG_LEGS, still=True), motion)
    planted = aligned.pose.points[:, 0, Point.L_ANKLE, :2]
    assert np.ptp(planted, axis=0).max() < 0.5
    assert planted[0, 1] == pytest.approx(740, abs=0.5)


def test_a_jump_is_as_high_as_the_legs_are_long() -> None:
    motion = dancer(2)
    rise = np.zeros((24, 3))
    rise[5:9, 1] = -60
    reference = dancer(3, 1, 400, LONG_LEGS, still=True)
    flat, jumping = align(reference, motion), align(reference, shifted(motion, rise))
    lift = flat.pose.points[..., 1] - jumping.pose.points[..., 1]  # F 1 K
    legs = [pose.points[0, 0, [8, 9, 10]] for pose in (reference, dancer(2, still=True))]
    ours, theirs = (np.linalg.norm(np.diff(leg, axis=0)[:, :2], axis=1).sum() for leg in legs)
    np.testing.assert_allclose(lift[5:9], 60 * ours / theirs, rtol=0.01)
    np.testing.assert_allclose(lift[9:], 0, atol=0.1)


def test_frames_without_feet_take_their_height_from_their_neighbours() -> None:
    motion = dancer(2)
    reference = dancer(3, 1, 400, LONG_LEGS, still=True)
    whole, without = align(reference, motion), align(reference, hide(motion, ANKLES, slice(10, 13)))
    seen = [Point.NECK, Point.R_WRIST, Point.L_HIP]
    np.testing.assert_allclose(without.pose.points[:, 0, seen], whole.pose.points[:, 0, seen], atol=3)


def test_a_hidden_foot_carries_nothing() -> None:
    motion = dancer(2)
    motion = shifted(motion, (300, 740, 0) - motion.points[:, 0, Point.L_ANKLE])
    motion.points[:, 0, [10, 21, 22, 23], 1] = 790
    motion.points[12:, 0, [10, 21, 22, 23], 1] = 690
    planted = align(dancer(3, 1, 400, LONG_LEGS, still=True), hide(motion, [10, 21, 22, 23], slice(1, 12))).pose
    foot = planted.points[1:, 0, Point.L_ANKLE, :2]
    assert np.ptp(foot, axis=0).max() < 0.5


def test_frames_without_shoulders_keep_what_is_seen_in_its_place() -> None:
    reference, motion = dancer(3, 1, 400, LONG_LEGS | {"upper_arm": 0.21}, still=True), dancer(2)
    whole, without = align(reference, motion), align(reference, hide(motion, [1, 2, 5], slice(10, 13)))
    seen = [Point.R_WRIST, Point.L_HIP, Point.L_KNEE]
    np.testing.assert_allclose(without.pose.points[:, 0, seen], whole.pose.points[:, 0, seen], atol=12)


def test_the_less_foreshortened_side_of_the_picture_counts() -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2)
    before = align(reference, motion).ratios
    shoulder = reference.points[0, 0, Point.R_SHOULDER]
    reference.points[0, 0, [3, 4, *range(113, 134)]] = shoulder + 0.4 * (reference.points[0, 0, [3, 4, *range(113, 134)]] - shoulder)
    assert align(reference, motion).ratios == pytest.approx(before)


def test_the_general_scale() -> None:
    assert general_scale({"torso": 1.0, "thigh": 2.0, "shin": 3.0, "shoulder": 0.5, "upper_arm": 9.0}) == 1.0
    assert general_scale({"torso": 1.0, "thigh": 2.0, "shin": 3.0}) == 1.5
    assert general_scale({"neck": 4.0, "forearm": 6.0}) == 5.0


def test_the_neck_is_usually_where_the_picture_has_it() -> None:
    reference = dancer(3, 1, 400, still=True)
    reference = shifted(reference, np.array([[40.0, 0, 0]]))
    motion = shifted(dancer(2), np.where(np.arange(24)[:, None] == 0, -100, 0) * np.array([1.0, 0, 0]))  # the first frame is an outlier
    necks = align(reference, motion).pose.points[:, 0, Point.NECK, 0]
    assert np.median(necks) == pytest.approx(340, abs=1e-6)


def test_a_cropped_picture_has_no_ground_and_keeps_the_neck() -> None:
    reference, motion = cropped(dancer(3, 1, 700, still=True)), dancer(2)
    aligned = align(reference, motion)
    ours, theirs = bone_lengths(body(aligned.pose)), bone_lengths(body(reference))
    for bone in ("torso", "shoulder", "upper_arm", "forearm"):
        assert ours[bone] == pytest.approx(aligned.ratios["shrink"] * theirs[bone])
    assert aligned.ratios["thigh"] == pytest.approx(aligned.ratios["torso"], rel=0.05)
    neck = np.median(aligned.pose.points[:, 0, Point.NECK, :2], axis=0)
    np.testing.assert_allclose(neck, reference.points[0, 0, Point.NECK, :2], atol=40)
    upper = aligned.pose.points[:, 0, [0, 14, 15, 16, 17], :2]
    assert upper.min() >= 0
    assert (upper <= reference.size).all()


def test_a_cropped_picture_s_neck_is_usually_where_it_was() -> None:
    reference = cropped(shifted(dancer(3, 1, 300, still=True), np.array([[0.0, -200, 0]])))
    motion = shifted(dancer(2), np.where(np.arange(24)[:, None] == 0, -100, 0) * np.array([1.0, 1.0, 0]))
    necks = align(reference, motion).pose.points[:, 0, Point.NECK, :2]
    np.testing.assert_allclose(np.median(necks, axis=0), reference.points[0, 0, Point.NECK, :2], atol=1e-6)


def test_ankles_below_the_edge_are_no_ground() -> None:
    reference = replace(dancer(3, 1, 400, still=True), size=(600, 700))  # the ankles on row 740 are estimated, not in the picture
    necks = align(reference, dancer(2)).pose.points[:, 0, Point.NECK, 1]
    assert np.median(necks) == pytest.approx(reference.points[0, 0, Point.NECK, 1], abs=1e-6)


def test_a_wide_way_in_a_cropped_picture_is_shortened_in_both_directions() -> None:
    reference = cropped(dancer(3, 1, 500, still=True))
    aligned = align(reference, hopping(slice(4, 6), -700))
    assert 0 < aligned.ratios["travel"] < 1
    assert aligned.pose.points[:, 0, [0, 14, 15, 16, 17], 1].min() >= 0


def test_an_arm_outside_the_picture_need_not_come_in() -> None:
    reference = dancer(3, 1, 400, still=True)
    motion = dancer(2)
    width = reference.points[0, 0, [Point.R_WRIST, Point.L_WRIST], 0]
    narrow = replace(
        shifted(reference, np.array([[-width[0] - 5, 0, 0]])), size=(int(width[1] - width[0]) - 10, 800)
    )  # both wrists outside
    assert align(narrow, motion).ratios["shrink"] > 0.9
    wider = replace(shifted(reference, np.array([[-width[0] + 5, 0, 0]])), size=(int(width[1] - width[0]) + 10, 800))
    assert align(wider, motion).ratios["shrink"] < 0.8


def test_room_for_the_top_of_the_head() -> None:
    reference = dancer(3, 1, 700, still=True)
    crown = body(align(reference, hopping(slice(4, 6), -130)).pose).xyz[:, CROWN, 1]
    assert crown.min() == pytest.approx(0, abs=1)
    top = reference.points[..., 1].min() - 3
    cut = replace(shifted(reference, np.array([[0, -top, 0]])), size=(600, int(800 - top)))  # the picture ends above the face
    assert align(cut, cut).pose.points == pytest.approx(cut.points)


@pytest.mark.parametrize(("height", "inside"), [(755, True), (735, False)])
def test_feet_that_the_edge_cuts_off_are_raised_but_not_far(height: int, inside: bool) -> None:
    pose = dancer(3, 1, 400, still=True)
    pose = replace(pose, points=pose.points - (0, 10, 0), size=(600, height))
    lowest = pose.points[..., 1].max()
    raised = align(pose, pose).pose.points
    np.testing.assert_allclose((pose.points - raised)[..., 1], min(max(lowest - height, 0), 0.02 * height), atol=1e-9)
    assert (raised[..., 1].max() <= height) == inside


@pytest.mark.parametrize(("width", "sinks"), [(600, 0), (500, 22)])
def test_a_shrunk_cropped_figure_sinks_only_as_far_as_its_cut_end_asks(width: int, sinks: float) -> None:
    reference = cropped(dancer(3, 1, 700, still=True))
    middle = reference.points[0, 0, Point.NECK, 0]
    reference = replace(reference, points=reference.points - (middle - width / 2, 0, 0), size=(width, reference.size[1]))
    aligned = align(reference, dancer(2))
    shrink, neck = aligned.ratios["shrink"], reference.points[0, 0, Point.NECK, 1]
    assert 0.75 < shrink < 0.95
    sunk = np.median(aligned.pose.points[:, 0, Point.NECK, 1]) - neck
    assert sunk == pytest.approx(sinks, abs=1)
    assert (1 - shrink) * (reference.size[1] - neck) - sunk <= 0.3 * shrink * 700 * 0.29 + 1


def test_a_cropped_figure_is_not_shrunk_for_one_arm_when_the_picture_does_not_show_the_other() -> None:
    reference = cropped(dancer(3, 1, 700, still=True))
    middle = reference.points[0, 0, Point.NECK, 0]
    reference = replace(reference, points=reference.points - (middle - 250, 0, 0), size=(500, reference.size[1]))
    aligned = align(hide(reference, [Point.L_WRIST, *range(92, 113)]), dancer(2))
    assert aligned.ratios["shrink"] == 1
    assert any("tight" in note for note in aligned.notes)


def test_a_cropped_figure_that_hops_stays_below_the_upper_edge() -> None:
    reference = cropped(dancer(3, 1, 500, still=True))
    aligned = align(reference, hopping(slice(4, 6), -310))
    assert 0.85 < aligned.ratios["shrink"] < 0.99
    assert aligned.ratios["travel"] == 1
    assert body(aligned.pose).xyz[:, CROWN, 1].min() == pytest.approx(0, abs=3)


def test_a_wide_pose_in_a_narrow_picture_is_shrunk_no_more_for_a_long_way() -> None:
    reference = dancer(3, 1, 700, still=True)
    middle = reference.points[0, 0, Point.NECK, 0]
    reference = replace(reference, points=reference.points - (middle - 190, 0, 0), size=(380, 800))
    short, long = (align(reference, dancer(2, travel=travel)).ratios for travel in (0, 400))
    assert short["shrink"] < 0.85
    assert long["travel"] < 0.5
    assert long["shrink"] > 0.95 * short["shrink"]


def test_a_tight_cropped_picture_keeps_at_least_the_head() -> None:
    reference = cropped(dancer(3, 1, 700, still=True))
    middle = reference.points[0, 0, Point.NECK, 0]
    reference = replace(reference, points=reference.points - (middle - 165, 0, 0), size=(330, reference.size[1]))
    aligned = align(reference, dancer(2, travel=300))
    head = aligned.pose.points[:, 0, [0, 14, 15, 16, 17], 0]
    assert head.min() >= 0
    assert head.max() <= 330
    assert aligned.ratios["shrink"] > 0.9
    assert any("tight" in note for note in aligned.notes)


def test_arms_above_the_head_shrink_the_figure_onto_its_feet() -> None:
    reference = dancer(3, 1, 700, still=True)
    motion = dancer(2)
    for shoulder, hand in ((2, RIGHT_HAND), (5, LEFT_HAND)):
        up = motion.points[8, 0, shoulder] - np.array([[0, 85, 0], [0, 160, 0]])
        motion.points[8, 0, [shoulder + 1, shoulder + 2]] = up
        motion.points[8, 0, hand] = up[1] - (motion.points[7, 0, hand] - motion.points[7, 0, hand.start])
    aligned = align(reference, motion)
    assert 0.85 <= aligned.ratios["shrink"] < 1
    assert aligned.pose.points[..., 1].min() == pytest.approx(0, abs=1e-6)
    assert np.median(aligned.pose.points[:, 0, ANKLES, 1].max(axis=1)) == pytest.approx(740)


def test_feet_at_the_lower_edge_stay_in_the_picture() -> None:
    reference = replace(dancer(3, 1, 400, still=True), size=(600, 780))
    steps = np.zeros((24, 3))
    steps[12:15, 1] = 25  # towards the camera
    aligned = align(reference, shifted(dancer(2), steps))
    assert aligned.pose.points[..., 1].max() <= 780
    low = aligned.pose.points[:, 0, ANKLES, 1].max(axis=1)
    assert np.median(low) == pytest.approx(740, abs=4)
    assert low[13] > np.median(low) + 5  # the step is shortened, not lost


def test_longer_feet_at_the_lower_edge_raise_the_figure() -> None:
    reference = dancer(3, 1, 400, {"foot": 0.03}, still=True)
    reference = replace(reference, size=(600, int(np.ceil(reference.points[..., 1].max()))))
    aligned = align(reference, dancer(2))
    low = aligned.pose.points[:, 0, ANKLES, 1].max(axis=1)
    assert aligned.pose.points[..., 1].max() == pytest.approx(reference.size[1])
    assert 725 < np.median(low) < 739


@pytest.mark.parametrize("who", ["picture", "motion"])
def test_a_turned_person_is_said_and_does_not_narrow_the_shoulders(who: str) -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2, still=True)
    turned = reference if who == "picture" else motion
    for side in ([5, 6, 7, *range(92, 113)], [2, 3, 4, *range(113, 134)]):
        turned.points[:, :, side, 0] -= 0.9 * (turned.points[:, :, side[0], 0] - turned.points[:, :, Point.NECK, 0])[..., None]
    middle = turned.points[:, :, [Point.NECK], 0]
    turned.points[:, :, [Point.R_HIP, Point.L_HIP], 0] = middle + 0.1 * (turned.points[:, :, [Point.R_HIP, Point.L_HIP], 0] - middle)
    aligned = align(reference, motion)
    assert any(who in note and "side" in note for note in aligned.notes)
    assert aligned.ratios["shoulder"] == pytest.approx(aligned.ratios["torso"], rel=1e-6)
    assert aligned.ratios["hip"] == pytest.approx(aligned.ratios["torso"], rel=1e-6)


def test_a_bone_that_only_one_of_them_shows_borrows_its_neighbour_s_ratio() -> None:
    reference = hide(dancer(3, 1, 400, {"upper_arm": 0.2}, still=True), [4, 7, *range(92, 134), *range(24, 92)])
    ratios = align(reference, dancer(2, still=True)).ratios
    assert ratios["forearm"] == pytest.approx(ratios["upper_arm"]) == pytest.approx(0.8 * 0.2 / 0.17)
    assert ratios["hand"] == pytest.approx(ratios["forearm"])


def test_scaling_a_group_by_hand() -> None:
    reference, motion = dancer(3, 1, 300, still=True), dancer(2)
    plain = align(reference, motion)
    longer = align(reference, motion, adjust=Adjust(arms=Nudge(scale=1.2), legs=Nudge(scale=0.8)))
    before, after = bone_lengths(body(plain.pose)), bone_lengths(body(longer.pose))
    for bone, factor in (("upper_arm", 1.2), ("forearm", 1.2), ("hand", 1), ("thigh", 0.8), ("shin", 0.8), ("torso", 1)):
        assert after[bone] == pytest.approx(factor * before[bone]), bone
    for pose in (plain.pose, longer.pose):
        assert np.median(pose.points[:, 0, ANKLES, 1].max(axis=1)) == pytest.approx(740)
    half = align(reference, motion, adjust=Adjust(whole=Nudge(scale=0.5)))
    np.testing.assert_allclose(np.ptp(half.pose.points, axis=2), np.ptp(plain.pose.points, axis=2) / 2, rtol=1e-9)
    assert np.median(half.pose.points[:, 0, ANKLES, 1].max(axis=1)) == pytest.approx(740)


def test_moving_a_group_by_hand_takes_along_what_hangs_on_it() -> None:
    reference, motion = dancer(3, 1, 300, still=True), dancer(2)
    plain = align(reference, motion).pose.points
    moved = {
        "whole": range(134),
        "head": [0, 14, 15, 16, 17, *range(24, 92)],
        "torso": [*range(9), 11, *range(14, 18), *range(24, 134)],
        "arms": [3, 4, 6, 7, *range(92, 134)],
        "hands": range(92, 134),
        "legs": [9, 10, 12, 13, *range(18, 24)],
        "feet": range(18, 24),
    }
    for group, points in moved.items():
        after = align(reference, motion, adjust=Adjust(**{group: Nudge(offset=(7, -5))})).pose.points
        expected = np.zeros((134, 3))
        expected[list(points)] = (7, -5, 0)
        np.testing.assert_allclose(after - plain, np.broadcast_to(expected, plain.shape), atol=1e-9, err_msg=group)


def test_musepose_as_a_method() -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2)
    aligned = align(reference, motion, published(musepose.NAME, musepose.align))
    pose, ratios = musepose.align(reference, motion)
    np.testing.assert_array_equal(aligned.pose.points, pose.points)
    assert aligned.ratios == ratios
    feet = (pose.points[:, 0, 18] - pose.points[:, 0, 13]) / (motion.points[:, 0, 18] - motion.points[:, 0, 13])
    np.testing.assert_allclose(feet[:, :2], ratios["leg_lower"], rtol=1e-9)


def test_musepose_with_a_hidden_elbow_and_without_a_neck_in_the_first_frame() -> None:
    reference = dancer(3, 1, 400, still=True)
    motion = hide(hide(dancer(2), [Point.L_ELBOW]), [Point.NECK, Point.R_SHOULDER], slice(0, 2))
    pose, ratios = musepose.align(reference, motion)
    assert np.abs(pose.points[pose.score > 0]).max() < 2000
    assert musepose.align(reference, motion, frame=2)[1] == ratios
    assert musepose.align(reference, hide(dancer(2), [Point.L_HIP]))[1]["body"] == 1
    with pytest.raises(InputError, match="shoulders"):
        musepose.align(reference, hide(motion, [Point.NECK]))


def test_musepose_uses_unsure_body_points_but_no_unsure_hands() -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2)
    ratios = musepose.align(reference, motion)[1]
    unsure = replace(reference, points=reference.points.copy(), score=np.full_like(reference.score, 0.1))
    unsure.points[:, :, LEFT_HAND] = 0
    unsure.score[:, :, RIGHT_HAND] = 1
    after = musepose.align(unsure, motion)[1]
    assert {name: after[name] for name in ratios if name != "hand"} == {name: ratios[name] for name in ratios if name != "hand"}
    assert after["hand"] == pytest.approx(ratios["hand"], rel=0.02)


def test_none_only_fits_the_driving_picture_into_the_other() -> None:
    motion = dancer(2)
    pose = align(replace(dancer(3, 1), size=(900, 400)), motion, NONE).pose
    assert pose.size == (900, 400)
    np.testing.assert_allclose(pose.points[..., :2], motion.points[..., :2] / 2 + (300, 0))
    np.testing.assert_allclose(pose.points[..., 2], motion.points[..., 2] / 2)
    motion.points[:, :, Point.NOSE], motion.score[:, :, Point.NOSE] = np.nan, 0
    assert np.isfinite(align(dancer(3, 1), motion, NONE).pose.points).all()


def test_the_first_person_is_aligned() -> None:
    reference, motion = dancer(3, 1, 400, still=True), dancer(2)
    other = dancer(9)
    both = replace(motion, points=np.concatenate([motion.points, other.points], 1), score=np.concatenate([motion.score, other.score], 1))
    aligned = align(reference, both)
    assert aligned.pose.people == 1
    assert aligned.pose.fps == 25
    np.testing.assert_array_equal(aligned.pose.points, align(reference, motion).pose.points)
    assert both.points.base is None
    assert (motion.points == dancer(2).points).all()


def test_z_is_scaled_like_the_rest_with_the_hips_at_zero() -> None:
    reference, motion = dancer(3, 1, 250, still=True), dancer(2)
    aligned = align(reference, motion).pose.points
    np.testing.assert_allclose(aligned[:, 0, [8, 11], 2].mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(aligned[:, 0, FACE, 2].std(), 0.5 * motion.points[:, 0, FACE, 2].std(), rtol=0.1)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("nobody in the picture", "picture"),
        ("nobody in the motion", "motion"),
        ("nothing in common", "in common"),
        ("no number", "not numbers"),
    ],
)
def test_bad_input(what: str, says: str) -> None:
    reference, motion = dancer(3, 1), dancer(2)
    if what == "nobody in the picture":
        reference = hide(reference, slice(0, 134))
    elif what == "nobody in the motion":
        motion = hide(motion, slice(0, 134))
    elif what == "nothing in common":
        reference = hide(reference, slice(2, 134))
        motion = hide(motion, [0, 1, *range(14, 134)])
    else:
        motion.points[3, 0, 4] = np.nan
    with pytest.raises(InputError, match=says):
        align(reference, motion)


@pytest.mark.parametrize("nudge", [Nudge(scale=0), Nudge(scale=-1), Nudge(scale=float("nan")), Nudge(offset=(float("inf"), 0))])
def test_impossible_adjustments(nudge: Nudge) -> None:
    with pytest.raises(InputError, match="arms"):
        Adjust(arms=nudge)


def test_size_is_the_picture_s() -> None:
    reference = dancer(3, 1)
    assert align(reference, dancer(2)).pose.size == SIZE == reference.size


def portrait(reference: PoseSequence, rows: tuple[float, float]) -> PoseSequence:
    """A picture that shows the rows from the first to the last of another one."""
    return replace(shifted(reference, np.array([[0, -rows[0], 0]])), size=(600, int(rows[1] - rows[0])))


def test_a_head_that_the_upper_edge_cuts_off_does_not_sink_into_a_portrait() -> None:
    """What lies above the edge would have to be made up."""
    reference = dancer(1)
    crown = body(reference).xyz[0, CROWN, 1]
    bust = portrait(reference, (crown + 8, reference.points[0, 0, Point.R_HIP, 1] - 30))
    aligned = align(bust, hopping(slice(8, 16), 25))
    head = body(aligned.pose).xyz[:, [CROWN, Point.L_EYE, Point.R_EYE, *range(FACE.start, FACE.stop)], 1]  # frames joints
    assert head[:, 0].max() < 1 or head[:, 1:].min() < 1  # or the face would leave the picture
    assert not any("arms leave" in note for note in aligned.notes)


def test_arms_that_reach_the_edge_of_a_portrait_need_no_room() -> None:
    """Hands on the lower edge: a wide motion does not shrink the figure."""
    reference = dancer(1)
    hips = reference.points[0, 0, Point.R_HIP, 1]
    for wrist in (Point.L_WRIST, Point.R_WRIST):
        reference.points[0, 0, wrist, 1] = hips - 34
    reference.score[0, 0, [*range(LEFT_HAND.start, RIGHT_HAND.stop)]] = 0
    bust = portrait(reference, (0, hips - 30))
    motion = dancer(2)
    motion.points[:, 0, [Point.L_WRIST, Point.R_WRIST], 0] += (400, -400)
    aligned = align(replace(bust, size=(500, bust.size[1])), motion)
    assert not any("shrunk" in note or "arms leave" in note for note in aligned.notes)
