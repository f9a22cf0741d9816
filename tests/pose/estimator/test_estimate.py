"""The embedded estimator as others call it, on shipped characters and procedural people whose joints are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from animato.core.errors import InputError, MissingModelError
from animato.core.media import Clip
from animato.people.people import clip
from animato.pose.estimator.estimate import estimate_picture, estimate_video, frames_without_person, people_in
from animato.pose.keypoints import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, Point, PoseSequence
from seen import GREY, character, cut_out, middle_of_hips, needs_models, put

pytestmark = needs_models

JOINTS = [Point.NECK, *range(Point.R_SHOULDER, Point.L_ANKLE + 1)]
FPS = 24


def errors(found: PoseSequence, true: PoseSequence) -> np.ndarray:
    """F K: distances in parts of the torso's length; infinite where nothing was found, NaN where the truth is hidden."""
    torso = np.linalg.norm(true.points[:, 0, Point.NECK, :2] - middle_of_hips(true), axis=1)
    distance = np.linalg.norm(found.points[:, 0, :, :2] - true.points[:, 0, :, :2], axis=2) / torso[:, None]
    distance[found.score[:, 0] < 0.3] = np.inf
    return np.where(true.score[:, 0] < 0.9, np.nan, distance)


def within(distance: np.ndarray, limit: float) -> float:
    return float((distance[~np.isnan(distance)] < limit).mean())


def test_a_picture_gives_body_feet_hands_face_and_mask() -> None:
    pose = estimate_picture(character("mara"))
    assert pose.points.shape == (1, 1, 134, 3) and pose.size == (512, 768) and pose.fps == 0
    for part in (BODY, FEET, LEFT_HAND, RIGHT_HAND, FACE):
        assert pose.score[0, 0, part].min() > 0.3, part
    at = pose.points[0, 0]
    assert at[Point.R_SHOULDER, 0] < at[Point.L_SHOULDER, 0]  # she looks at us
    assert at[Point.NOSE, 1] < at[Point.NECK, 1] < at[Point.R_HIP, 1] < at[Point.R_KNEE, 1] < at[Point.R_ANKLE, 1]
    assert np.linalg.norm(at[LEFT_HAND.start, :2] - at[Point.L_WRIST, :2]) < 25
    chin, brow = at[FACE.start + 8], at[FACE.start + 19]
    assert brow[1] < at[Point.NOSE, 1] < chin[1] and abs(chin[0] - at[Point.NOSE, 0]) < 15
    assert at[Point.NOSE, 2] < at[Point.L_EAR, 2]


def test_the_mask_is_the_person() -> None:
    frames, true = clip(8, "wave", 1, (384, 576), turn=0)
    pose = estimate_picture(frames[0])
    assert pose.mask is not None and true.mask is not None and pose.mask.shape == (1, 512, 341)
    person = cv2.resize(true.mask[0], (341, 512)) > 127
    guess = pose.mask[0] > 127
    assert (person & guess).sum() > 0.85 * (person | guess).sum()


def test_joints_are_where_they_are_in_picture_and_clip() -> None:
    frames, true = clip(8, "wave", 6, (384, 576), turn=0)
    video = estimate_video(Clip.of(frames, FPS))
    assert len(video) == 6 and video.fps == FPS and video.mask is None
    distance = errors(video, true)
    assert within(distance[:, JOINTS], 0.2) > 0.97 and within(distance[:, JOINTS], 0.1) > 0.75
    assert np.nanmedian(distance[:, FACE]) < 0.05
    hands = distance[:, LEFT_HAND.start : RIGHT_HAND.stop]
    assert np.median(hands[np.isfinite(hands)]) < 0.05
    still = estimate_picture(frames[-1])  # the tracked region gives what a new look gives
    assert np.nanmax(np.abs(still.points[0, 0, JOINTS, :2] - video.points[-1, 0, JOINTS, :2])) < 0.15 * 200


def test_the_same_twice() -> None:
    frames, _ = clip(8, "dance", 3, (240, 360))
    one, other = (estimate_video(Clip.of(frames, FPS), masks=True) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    np.testing.assert_array_equal(one.mask, other.mask)
    assert one.mask is not None and one.mask.shape == (3, 360, 240)


def test_hands_and_face_only_when_wanted() -> None:
    pose = estimate_picture(character("mara"), hands=False, face=False)
    assert pose.score[0, 0, FACE].max() == 0
    assert (pose.score[0, 0, LEFT_HAND] > 0).sum() == 4  # the body's own wrist and knuckles


def test_a_person_who_fills_the_picture_is_found() -> None:
    picture = character("mara")
    pose = estimate_picture(np.ascontiguousarray(picture[20:470, 90:420]))
    assert pose.score[0, 0, [Point.NECK, Point.R_HIP, Point.L_HIP]].min() > 0.3
    assert pose.score[0, 0, [Point.L_ANKLE, Point.R_ANKLE]].max() < 0.3


def test_a_small_person_in_a_corner_is_found() -> None:
    picture = np.full((1500, 1800, 3), GREY, np.uint8)
    picture[1100:1484, 1500:1756] = cv2.resize(character("mara"), (256, 384), interpolation=cv2.INTER_AREA)
    people = people_in(picture)
    assert len(people) == 1
    x0, y0, x1, y1 = people[0].box
    assert 1500 < x0 < x1 < 1756 and 1100 < y0 < y1 < 1484 and y1 - y0 > 250


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A procedural person as a comic shows them, in few colours with black outlines: h w 3, alpha h w 1, joints 134 2."""
    frames, true = clip(seed, "wave", 3, (512, 768), turn=0)
    assert true.mask is not None
    flat, mask = frames[2], true.mask[2]
    for _ in range(6):
        flat = cv2.bilateralFilter(flat, 9, 40, 9)
    flat = (np.round(flat / 48.0) * 48).clip(0, 255).astype(np.uint8)
    grey = cv2.GaussianBlur(cv2.cvtColor(frames[2], cv2.COLOR_RGB2GRAY), (0, 0), 1)
    person = (mask > 127).astype(np.uint8)
    rim = cv2.dilate(person, np.ones((5, 5))) - cv2.erode(person, np.ones((3, 3)))
    flat[(cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3))) > 28) | (rim > 0)] = 20
    alpha = np.maximum(person, rim)[..., None]
    x, y, width, height = cv2.boundingRect(alpha)
    part = np.s_[y : y + height, x : x + width]
    return flat[part], alpha[part].astype(float), true.points[2, 0, :, :2] - (x, y)


def laid(figure: tuple[np.ndarray, np.ndarray, np.ndarray], canvas: np.ndarray, middle: float, top: int, height: int) -> np.ndarray:
    """Puts a figure of a height into a canvas; where its joints are then."""
    picture, alpha, xy = figure
    scale = height / len(picture)
    size = round(picture.shape[1] * scale), height
    left = round(middle - size[0] / 2)
    person, share = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (picture, alpha))
    put(canvas[top : top + height], person, share[..., None], left)
    return xy * scale + (left, top)


def misplaced(canvas: np.ndarray, joints: np.ndarray) -> float:
    """T: how far the usual joint found in a picture is from where it is."""
    found = estimate_picture(canvas, hands=False, face=False).points[0, 0, JOINTS, :2]
    torso = np.linalg.norm(joints[Point.NECK] - joints[[Point.R_HIP, Point.L_HIP]].mean(axis=0))
    return float(np.median(np.linalg.norm(found - joints[JOINTS], axis=1)) / torso)


def test_a_drawn_figure_stands_upright_wherever_it_is_in_a_wide_picture() -> None:
    """In few and strange colours, as in a comic."""
    for seed, width, middle in ((17, 1620, 0.7), (21, 960, 0.3), (5, 960, 0.1), (5, 1620, 0.5)):
        figure, alpha, xy = drawn(seed)
        strange = np.where(figure.max(axis=2, keepdims=True) <= 20, np.uint8(20), np.roll(figure // 96 * 96 + 40, 1, axis=2))
        canvas = np.full((540, width, 3), 255, np.uint8)
        joints = laid((strange, alpha, xy), canvas, float(np.clip(middle * width, 150, width - 150)), 33, 497)
        assert misplaced(canvas, joints) < 0.12, (seed, width)


@pytest.mark.parametrize(("size", "share"), [((1920, 1080), 0.15), ((1024, 1536), 0.2)])
def test_a_person_much_smaller_than_the_picture_is_found(size: tuple[int, int], share: float) -> None:
    canvas = np.full((size[1], size[0], 3), (170, 175, 165), np.uint8)
    pictures, alpha, _ = cut_out(8, 1)
    _, true = clip(8, "idle", 1, (240, 360), turn=0)
    figure = pictures[0], alpha[0], true.points[0, 0, :, :2]
    assert misplaced(canvas, laid(figure, canvas, 0.75 * size[0], round(0.5 * size[1]), round(share * size[1]))) < 0.15


def test_nobody_in_the_picture_is_said() -> None:
    with pytest.raises(InputError, match="No person was found in the picture"):
        estimate_picture(np.full((300, 200, 3), GREY, np.uint8))


def test_nobody_in_the_video_is_said_with_the_first_frames() -> None:
    with pytest.raises(InputError, match=r"No person was found in the video: frames 0, 1, 2, \.\.\. show nobody"):
        estimate_video(Clip.still(np.full((120, 100, 3), GREY, np.uint8), 4, FPS))
    with pytest.raises(InputError, match="has no frames"):
        estimate_video(Clip.still(np.full((120, 100, 3), GREY, np.uint8), 0, FPS))


def test_frames_without_the_person_are_marked_and_the_person_is_found_again() -> None:
    frames, _ = clip(8, "idle", 6, (240, 360), turn=0)
    frames[:1], frames[3:5] = GREY, GREY
    pose = estimate_video(Clip.of(frames, FPS), hands=False, face=False, masks=True)
    assert frames_without_person(pose) == [0, 3, 4]
    assert pose.mask is not None and [bool(mask.any()) for mask in pose.mask] == [False, True, True, False, False, True]


def test_a_phantom_of_one_frame_is_not_believed_and_the_person_is_found_backwards() -> None:
    """Somebody larger flashes up in the first frame and is never seen again; the person who stays is followed back to that frame."""
    pictures, alpha, hips = cut_out(8, 10)
    phantom, phantom_alpha, _ = cut_out(3, 1)
    frames = [np.full((360, 640, 3), GREY, np.uint8) for _ in range(10)]
    for t, frame in enumerate(frames):
        small, share = (cv2.resize(one, (160, 240), interpolation=cv2.INTER_AREA) for one in (pictures[t], alpha[t]))
        put(frame[100:340], small, share[..., None], 400)
    put(frames[0], phantom[0], phantom_alpha[0], 30)
    pose = estimate_video(Clip.of(np.stack(frames), FPS), hands=False, face=False)
    assert frames_without_person(pose) == []
    assert np.abs(middle_of_hips(pose) - (hips * 2 / 3 + (400, 100))).max() < 20


def test_what_flashes_up_in_an_empty_room_is_nobody() -> None:
    pictures, _ = clip(8, "idle", 1, (240, 360), turn=0)
    frames = np.full((30, 360, 240, 3), GREY, np.uint8)
    frames[0] = pictures[0]
    with pytest.raises(InputError, match="No person was found in the video"):
        estimate_video(Clip.of(frames, FPS), hands=False, face=False)


def test_progress_counts_frames() -> None:
    frames, _ = clip(8, "idle", 2, (240, 360), turn=0)
    steps: list[tuple[str, int, int]] = []
    estimate_video(Clip.of(frames, FPS), hands=False, face=False, progress=lambda *step: steps.append(step))
    assert steps == [("pose", 1, 2), ("pose", 2, 2)]


def test_models_that_are_not_there_are_missed(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MissingModelError, match="animato fetch pose"):
        estimate_picture(character("mara"), tmp_path)


def side_by_side(count: int, seeds: tuple[int, int] = (8, 13)) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Two people who sway against each other, and where the hips of each are (count 2 pixels)."""
    frames, hips = [], []
    people = [cut_out(seed, count) for seed in seeds]
    for t in range(count):
        frame = np.full((360, 560, 3), GREY, np.uint8)
        lefts = [20 + round(20 * np.sin(t / 2)), 300 - round(20 * np.sin(t / 2))]
        for (pictures, alpha, _), left in zip(people, lefts, strict=True):
            put(frame, pictures[t], alpha[t], left)
        frames.append(frame)
        hips.append([person[2][t] + (left, 0) for person, left in zip(people, lefts, strict=True)])
    return frames, [np.array(at) for at in zip(*hips, strict=True)]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("by_point", [False, True])
def test_the_chosen_one_of_two_is_followed(which: int, by_point: bool) -> None:
    frames, hips = side_by_side(8)
    assert len(people_in(frames[0])) == 2
    person = (float(hips[which][0, 0]), float(hips[which][0, 1])) if by_point else which
    pose = estimate_video(Clip.of(frames, FPS), person=person, hands=False, face=False)
    assert np.abs(middle_of_hips(pose) - hips[which]).max() < 25


def test_a_picture_of_two_gives_the_one_asked_for() -> None:
    frames, hips = side_by_side(1)
    for picture in (frames[0], np.ascontiguousarray(frames[0][:, ::-1])):
        assert np.diff([one.middle[0] for one in people_in(picture)]) > 0
    for which in (0, 1):
        assert np.abs(middle_of_hips(estimate_picture(frames[0], person=which, hands=False, face=False)) - hips[which]).max() < 25
    with pytest.raises(InputError, match="no person 2: 2 found"):
        estimate_picture(frames[0], person=2)


def test_two_in_the_same_clothes_are_told_apart_by_their_places() -> None:
    frames, hips = side_by_side(14, seeds=(8, 8))
    pose = estimate_video(Clip.of(frames, FPS), person=1, hands=False, face=False)
    assert np.abs(middle_of_hips(pose) - hips[1]).max() < 25


def crossing(chosen: int, other: int, chosen_walks: bool, count: int = 20) -> tuple[list[np.ndarray], np.ndarray]:
    """The chosen person, always behind, and another pass each other; also where the chosen one's hips are (count 2 pixels)."""
    (behind, behind_alpha, hips), (front, front_alpha, _) = cut_out(chosen, count), cut_out(other, count)
    frames, path, stand = [], -40 + 20 * np.arange(count), np.full(count, 200)
    own, others = (path, stand) if chosen_walks else (stand, path)
    for t in range(count):
        frame = np.full((360, 640, 3), GREY, np.uint8)
        put(frame, behind[t], behind_alpha[t], int(own[t]))
        put(frame, front[t], front_alpha[t], int(others[t]))
        frames.append(frame)
    return frames, hips + np.stack([own, np.zeros(count)], axis=1)


@pytest.mark.parametrize("chosen_walks", [False, True])
def test_who_is_hidden_for_a_while_is_not_mistaken_for_the_one_in_front(chosen_walks: bool) -> None:
    frames, hips = crossing(3, 8, chosen_walks)
    pose = estimate_video(Clip.of(frames, FPS), person=(float(hips[0, 0]), float(hips[0, 1])), hands=False, face=False)
    lost = frames_without_person(pose)
    assert 0 < len(lost) < 10 and not {0, len(frames) - 1} & set(lost)
    seen = [t for t in range(len(frames)) if t not in lost]
    assert np.linalg.norm(middle_of_hips(pose)[seen] - hips[seen], axis=1).max() < 40
