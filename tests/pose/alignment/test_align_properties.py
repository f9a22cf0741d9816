"""What alignment must do with any two people: keep lengths, directions, ground and picture, whatever is hidden."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animato.pose.alignment.align import align
from animato.pose.alignment.robust import LIMITS, general_scale, measure
from animato.pose.keypoints import LEFT_HAND, RIGHT_HAND, Point, PoseSequence
from animato.pose.limbs import BONES, body, bone_lengths
from dancers import SIZE, USUAL, dancer, mirrored

seeds = st.integers(0, 10**6)
heights = st.floats(200, 600)
factors = st.dictionaries(st.sampled_from(sorted(USUAL)), st.floats(0.94, 1.07), max_size=6)  # no bone meets its LIMITS
FEW = settings(max_examples=25, deadline=None, derandomize=True)
ANKLES = [Point.R_ANKLE, Point.L_ANKLE]


def person(seed: int, height: float, factor: dict[str, float]) -> PoseSequence:
    """A still reference with its own proportions."""
    return dancer(seed, 1, height, {name: USUAL[name] * value for name, value in factor.items()}, still=True)


def moved(pose: PoseSequence, scale: float, shift: tuple[float, float]) -> PoseSequence:
    """The same seen by another camera."""
    return replace(pose, points=pose.points * scale + (*shift, 0), size=(int(pose.size[0] * scale) + 1, int(pose.size[1] * scale) + 1))


@FEW
@given(seeds, heights, st.integers(1, 5))
def test_a_pose_aligned_to_itself_stays(seed: int, height: float, frames: int) -> None:
    pose = dancer(seed, 1, height)
    still = replace(pose, points=np.repeat(pose.points, frames, axis=0), score=np.repeat(pose.score, frames, axis=0))
    aligned = align(pose, still)
    np.testing.assert_allclose(aligned.pose.points, still.points, atol=1e-9)
    assert aligned.notes == []


@FEW
@given(seeds, heights, factors, st.floats(0.3, 4), st.tuples(st.floats(-500, 500), st.floats(-500, 500)))
def test_the_driving_camera_does_not_matter(seed: int, height: float, factor: dict, scale: float, shift: tuple[float, float]) -> None:
    reference, motion = person(seed, height, factor), dancer(seed + 1, travel=60)
    here, there = align(reference, motion), align(reference, moved(motion, scale, shift))
    np.testing.assert_allclose(there.pose.points, here.pose.points, atol=1e-6)


@FEW
@given(seeds, heights, factors)
def test_bones_get_the_lengths_of_the_picture_and_keep_their_directions(seed: int, height: float, factor: dict) -> None:
    reference, motion = person(seed, height, factor), dancer(seed + 1)
    aligned = align(reference, motion)
    ours, theirs = bone_lengths(body(aligned.pose)), bone_lengths(body(reference))
    for bone in ours:
        assert ours[bone] == pytest.approx(aligned.ratios["shrink"] * theirs[bone], rel=1e-6), bone
    for start, end in ((5, 6), (6, 7), (8, 9), (12, 13), (1, 2)):
        before, after = (pose.points[:, 0, end] - pose.points[:, 0, start] for pose in (motion, aligned.pose))  # F 3, z as x and y
        ratio = np.linalg.norm(after, axis=1) / np.linalg.norm(before, axis=1)
        np.testing.assert_allclose(after, before * ratio[:, None], atol=1e-9)
        assert np.ptp(ratio) < 1e-9


@FEW
@given(seeds, st.sampled_from(BONES), st.lists(st.floats(0.2, 3), min_size=2, max_size=6))
def test_ratios_grow_with_the_picture_s_bone_within_limits(seed: int, bone: str, lengths: list[float]) -> None:
    motion = body(dancer(seed))
    found = []
    for length in sorted(lengths):
        reference = dancer(seed, 1, lengths={bone: USUAL[bone] * length}, still=True)
        notes: list[str] = []
        ratios = measure(body(reference), motion, notes)
        about = ratios["forearm"] if bone == "hand" else general_scale(ratios)
        if bone not in ("torso", "thigh", "shin", "shoulder"):  # these move the general scale with them
            low, high = LIMITS[bone]
            assert low * about - 1e-9 <= ratios[bone] <= high * about + 1e-9
        if not notes:
            found.append(ratios[bone])
    assert (np.diff(found) >= -1e-9).all()


@FEW
@given(seeds, heights, factors, st.floats(0, 900))
def test_nobody_leaves_the_picture(seed: int, height: float, factor: dict, travel: float) -> None:
    reference, motion = person(seed, height, factor), dancer(seed + 1, travel=travel)
    aligned = align(reference, motion)
    points = aligned.pose.points[..., :2]
    assert points.min() >= -1e-6
    assert (points <= np.array(SIZE) + 1e-6).all()
    if travel * height / 500 > 800:
        assert aligned.ratios["travel"] < 1
        assert aligned.notes


@FEW
@given(seeds, heights, factors, st.floats(0, 300))
def test_mirrors(seed: int, height: float, factor: dict, travel: float) -> None:
    reference, motion = person(seed, height, factor), dancer(seed + 1, travel=travel)
    seen = align(mirrored(reference), mirrored(motion))
    np.testing.assert_allclose(seen.pose.points, mirrored(align(reference, motion).pose).points, atol=1e-6)


@FEW
@given(seeds, heights, factors)
def test_the_lower_foot_stays_on_the_ground_of_the_picture(seed: int, height: float, factor: dict) -> None:
    reference, motion = person(seed, height, factor), dancer(seed + 1)  # whose lower ankle is always on one row
    aligned = align(reference, motion)
    low = aligned.pose.points[:, 0, ANKLES, 1].max(axis=1)
    assert np.median(low) == pytest.approx(740, abs=1e-6)
    assert np.ptp(low) < 0.01 * height


@FEW
@given(seeds, heights, st.floats(0, 0.7), st.booleans())
def test_whatever_is_hidden_the_result_is_finite_and_hides_the_same(seed: int, height: float, fraction: float, nonsense: bool) -> None:
    rng = np.random.default_rng(seed)
    reference, motion = dancer(seed, 1, height), dancer(seed + 1)
    for pose in (reference, motion):
        hidden = rng.random(pose.score.shape) < fraction
        hidden[0, 0, [Point.NECK, Point.R_SHOULDER, Point.R_ELBOW]] = False
        pose.score[hidden] = 0
        pose.points[hidden] = np.nan if nonsense else 1e6
    aligned = align(reference, motion)
    assert np.isfinite(aligned.pose.points).all()
    np.testing.assert_array_equal(aligned.pose.score, motion.score)
    assert all(np.isfinite(ratio) and ratio > 0 for bone, ratio in aligned.ratios.items() if bone != "travel")
    visible = aligned.pose.points[..., :2][aligned.pose.score > 0]
    assert np.abs(visible).max() < 5000  # nothing of the hidden coordinates


@FEW
@given(seeds, st.floats(0.3, 1), st.sampled_from(["elbow", "hand", "face"]))
def test_hidden_points_change_no_ratio(seed: int, fraction: float, what: str) -> None:
    """Hidden points of one side or some frames leave the ratios where they were, however wrong their coordinates."""
    reference, motion = dancer(seed, 1, 400, still=True), dancer(seed, 24, still=True)
    before = align(reference, motion).ratios
    points = {"elbow": [Point.L_ELBOW], "hand": list(range(LEFT_HAND.start, LEFT_HAND.stop)), "face": list(range(30, 60))}[what]
    hidden = np.random.default_rng(seed).random(24) < fraction
    motion.points[np.ix_(hidden, [0], points)] = -1
    motion.score[np.ix_(hidden, [0], points)] = 0.1
    reference.points[0, 0, points], reference.score[0, 0, points] = -1, 0.1
    after = align(reference, motion).ratios
    assert after == pytest.approx(before, rel=0.02 if what == "face" else 1e-6)


@FEW
@given(seeds)
def test_one_frame_does_not_decide(seed: int) -> None:
    reference, motion = dancer(seed, 1, 400, still=True), dancer(seed + 1, 48)
    wild = replace(motion, points=motion.points.copy())
    wild.points[seed % 48, 0, :, :2] = np.random.default_rng(seed).uniform(0, 600, (134, 2))
    before, after = align(reference, motion).ratios, align(reference, wild).ratios
    for bone in BONES:
        assert after[bone] == pytest.approx(before[bone], rel=0.03), bone


@FEW
@given(seeds, heights, factors)
def test_hands_and_face_stay_on_their_limbs(seed: int, height: float, factor: dict) -> None:
    reference, motion = person(seed, height, factor), dancer(seed + 1)
    aligned = align(reference, motion)
    for hand, wrist in ((LEFT_HAND, Point.L_WRIST), (RIGHT_HAND, Point.R_WRIST)):
        np.testing.assert_allclose(aligned.pose.points[:, 0, hand.start], aligned.pose.points[:, 0, wrist], atol=1e-9)
    nose, ears = aligned.pose.points[:, 0, Point.NOSE], aligned.pose.points[:, 0, [Point.R_EAR, Point.L_EAR]]
    theirs = motion.points[:, 0, Point.NOSE] - motion.points[:, 0, [Point.R_EAR, Point.L_EAR]].mean(axis=1)
    scale = aligned.ratios["face"] * aligned.ratios["shrink"]
    np.testing.assert_allclose(nose - ears.mean(axis=1), scale * theirs, atol=1e-9)
