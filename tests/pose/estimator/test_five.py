"""Five looks at a picture: where they see the same, what their median is, when it is doubtful, and that they are kept."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from animato.core.errors import MissingModelError
from animato.people.people import clip
from animato.pose.estimator.estimate import estimate_picture
from animato.pose.estimator.five import LOOKS, Look, judged, judged_picture, looks
from animato.pose.keypoints import BODY, LEFT_HAND, OTHER_SIDE, Point, PoseSequence
from animato.pose.skeleton import skeleton, torso_length
from puppet_figure import STANDING, pose_of

SIZE = (300, 200)
FRAMES, TRUTH = clip(1002, "dance", 3, (192, 288))


def torso(pose: PoseSequence) -> float:
    return torso_length(skeleton(pose))


def looked(*moved: dict[Point, tuple[float, float]], hands: tuple[int, ...] = ()) -> PoseSequence:
    """A look for each dict, which says how far some joints are moved in it (in T); `hands` are the looks that find the left hand."""
    plain = pose_of(STANDING)
    unit = torso(plain)
    frames = replace(plain.frames(np.zeros(len(moved), int)), mask=None)
    frames.score[:, 0, LEFT_HAND] = 0
    for frame, joints in enumerate(moved):
        for joint, (x, y) in joints.items():
            frames.points[frame, 0, joint, :2] += np.array([x, y]) * unit
        if frame in hands:
            frames.points[frame, 0, LEFT_HAND, :2] = frames.points[frame, 0, Point.L_WRIST, :2]
            frames.score[frame, 0, LEFT_HAND] = 0.9
    return frames


@pytest.mark.parametrize("look", looks(SIZE))
def test_what_a_look_sees_is_led_back(look: Look) -> None:
    """A dot in the picture is a dot at that place in the look, wholly inside, and comes back to its own place and side."""
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[1:6, 2:7] = 255
    shown = look.picture(picture)[..., 0].astype(float)
    y, x = (np.average(axis, weights=shown) for axis in np.indices(shown.shape))
    seen = np.array([x, y]) + 0.5
    assert np.abs(look.seen(np.array([4.5, 3.5])) - seen).max() < 0.3
    nobody = PoseSequence.nobody(1, look.size)
    there = OTHER_SIDE[Point.L_WRIST] if look.mirrored else Point.L_WRIST
    nobody.points[0, 0, there, :2] = seen
    nobody.score[0, 0, there] = 1
    back = look.back(nobody, SIZE)
    assert back.size == SIZE and back.score[0, 0, Point.L_WRIST] == 1 and back.score.sum() == 1
    assert np.abs(back.points[0, 0, Point.L_WRIST, :2] - [4.5, 3.5]).max() < 0.3


def test_one_wrong_look_is_outvoted() -> None:
    one = judged(looked({}, {Point.L_ANKLE: (3.0, 1.0)}, {}, {}, {}))
    assert np.allclose(one.pose.points[0, 0, BODY], pose_of(STANDING).points[0, 0, BODY]) and not one.doubtful and one.notes == ()


def test_a_joint_that_a_look_does_not_see_is_taken_from_the_others() -> None:
    frames = looked({}, {}, {}, {}, {})
    frames.score[:2, 0, Point.NOSE] = 0
    frames.points[:2, 0, Point.NOSE] = 0
    assert np.allclose(judged(frames).pose.points[0, 0, BODY], pose_of(STANDING).points[0, 0, BODY])


SMALL = [dict.fromkeys(Point, (0.07 * look, 0.0)) for look in range(5)]
FEW = [dict.fromkeys((Point.L_KNEE, Point.L_ANKLE, Point.R_WRIST), (0.4 * look, 0.0)) for look in range(5)]
MANY = [dict.fromkeys(list(Point)[:6], (0.2 * look, 0.0)) for look in range(5)]


@pytest.mark.parametrize(("frames", "doubtful"), [(SMALL, True), (FEW, False), (MANY, True), ([{}, {}, {}], True), ([{}] * 4, False)])
def test_when_a_pose_is_doubtful(frames: list[dict[Point, tuple[float, float]]], doubtful: bool) -> None:
    """All joints a little apart; three joints far apart; a third of the joints; two looks that find nobody; one."""
    one = judged(looked(*frames))
    assert one.doubtful == doubtful and len(one.notes) == doubtful
    assert all("--overlay" in note and "--picture-pose" in note for note in one.notes)


def test_how_far_apart_is_told_in_torso_lengths() -> None:
    one = judged(looked(*SMALL))
    assert one.apart == pytest.approx(0.07 * 6 / 5, rel=0.02) and one.off == 0


@pytest.mark.parametrize(("hands", "found"), [((0,), True), ((1, 3), True), ((2,), False), ((), False)])
def test_where_a_hand_is_there_is_its_wrist(hands: tuple[int, ...], found: bool) -> None:
    """The plain look's hand, or that of two others, with the wrist that these looks see."""
    frames = looked(*({Point.L_WRIST: (0.0, 0.0) if look in hands else (0.5, 0.0)} for look in range(5)), hands=hands)
    pose = judged(frames).pose
    wrist = pose_of(STANDING).points[0, 0, Point.L_WRIST, :2]
    assert (pose.score[0, 0, LEFT_HAND] > 0.3).all() == found
    assert np.allclose(pose.points[0, 0, Point.L_WRIST, :2], wrist) == found


def test_a_person_is_seen_alike_by_all_looks_and_kept(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    one = judged_picture(FRAMES[1], kept=tmp_path, progress=lambda *what: told.append(what))
    assert one.found == LOOKS and one.apart < 0.04 and not one.doubtful and one.pose.mask is not None
    assert told[0] == ("picture", 0, LOOKS) and told[-1] == ("picture", LOOKS, LOOKS) and len(told) >= LOOKS
    again = judged_picture(FRAMES[1], tmp_path / "no models", kept=tmp_path)
    assert np.array_equal(again.pose.points, one.pose.points) and np.array_equal(again.pose.mask, one.pose.mask)
    with pytest.raises(MissingModelError):
        judged_picture(FRAMES[2], tmp_path / "no models", kept=tmp_path)
    [kept] = tmp_path.glob("*.npz")
    kept.write_bytes(b"damaged")
    assert np.array_equal(judged_picture(FRAMES[1], kept=tmp_path).pose.points, one.pose.points)


def test_a_large_picture_is_seen_as_a_small_one() -> None:
    large = cv2.resize(FRAMES[1], None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    one = judged_picture(large)
    assert one.found == LOOKS and one.apart < 0.04 and one.pose.size == (1536, 2304)
    assert np.abs(one.pose.points[0, 0, BODY, :2] / 8 - TRUTH.points[1, 0, BODY, :2]).mean() < 0.1 * torso(one.pose) / 8


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert judged_picture(FRAMES[0], kept=tmp_path / "file").found == LOOKS


def test_the_median_is_nearer_to_the_truth_than_the_plain_look(tmp_path: Path) -> None:
    """In noisy pictures of a person, over all body joints."""
    rng = np.random.default_rng(3)
    errors = []
    for frame in range(3):
        noisy = np.clip(FRAMES[frame] + rng.normal(0, 40, FRAMES[frame].shape), 0, 255).astype(np.uint8)
        one = judged_picture(noisy, kept=tmp_path)
        for pose in (estimate_picture(noisy), one.pose):
            errors.append(np.linalg.norm((pose.points[0, 0] - TRUTH.points[frame, 0])[:18, :2], axis=1).mean() / torso(one.pose))
    assert np.mean(errors[1::2]) < np.mean(errors[::2])
