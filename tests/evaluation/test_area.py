"""Where the person may be seen: bones drawn thick, as thick as the picture's mask asks for."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from animato.evaluation.area import MOST, SPARE, WITHOUT_MASK, PersonArea, drawn
from animato.pose.keypoints import Point, PoseSequence
from animato.pose.skeleton import BONES, PRIOR, J, skeleton, torso_length
from dancers import dancer


@pytest.fixture(scope="module")
def motion() -> PoseSequence:
    return dancer(1, 4)


def plain(poses: PoseSequence, margin: float) -> np.ndarray:
    """H W bool of the first frame: the distance of every pixel's middle from every bone, written out."""
    bones = skeleton(poses)
    unit = torso_length(bones)
    y, x = np.mgrid[: poses.size[1], : poses.size[0]] + 0.5
    inside = np.zeros(x.shape, bool)
    for layer, pairs in BONES.items():
        for (a, b), half in zip(pairs, PRIOR[layer], strict=True):
            (ax, ay), (bx, by) = bones.xyz[0, J[a], :2], bones.xyz[0, J[b], :2]
            along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
            along = np.clip(along, 0, 1)
            inside |= np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) <= (half + margin) * unit
    return inside


def mask(poses: PoseSequence, margin: float) -> np.ndarray:
    """1 h w uint8, half as large as the picture: a person who reaches so many T beyond the bones' prior thickness."""
    return cv2.resize(plain(poses, margin).astype(np.uint8) * 255, (poses.size[0] // 2, poses.size[1] // 2))[None]


def test_bones_are_as_thick_as_they_say(motion: PoseSequence) -> None:
    """The area is that of the distances written out, but for a pixel at its edge."""
    bones = skeleton(motion)
    expected = plain(motion, 0.1)
    area = drawn(bones, 0, motion.size, torso_length(bones), 0.1)
    kernel = np.ones((5, 5), np.uint8)
    assert not (area & ~(cv2.dilate(expected.astype(np.uint8), kernel) > 0)).any()
    assert not ((cv2.erode(expected.astype(np.uint8), kernel) > 0) & ~area).any()


@pytest.mark.parametrize("width", [0.1, 0.3])
def test_the_margin_is_that_of_the_mask(motion: PoseSequence, width: float) -> None:
    """A person in wide clothes is covered in the picture and, as wide, in every frame of the motion."""
    reference = replace(motion.frames(slice(0, 1)), mask=mask(motion, width))
    area = PersonArea(reference, motion)
    assert area.margin == pytest.approx(width + SPARE, abs=0.03)
    for index in range(4):
        assert area(index)[plain(motion.frames(slice(index, index + 1)), width)].mean() > 0.99
    assert not np.array_equal(area(0), area(2))


def test_without_a_mask_and_with_one_that_is_far_too_wide(motion: PoseSequence) -> None:
    still = motion.frames(slice(0, 1))
    assert PersonArea(still, motion).margin == WITHOUT_MASK
    assert PersonArea(replace(still, mask=np.zeros((1, 20, 15), np.uint8)), motion).margin == WITHOUT_MASK
    assert PersonArea(replace(still, mask=np.full((1, 20, 15), 255, np.uint8)), motion).margin == MOST


def test_unseen_joints_are_left_out_and_hands_are_guessed(motion: PoseSequence) -> None:
    score = motion.score.copy()
    score[:, 0, [Point.L_KNEE, Point.L_ANKLE, Point.R_KNEE, Point.R_ANKLE]] = 0
    score[:, 0, 92:134] = 0
    bones = skeleton(replace(motion, score=score))
    area = drawn(bones, 0, motion.size, torso_length(bones), 0.0)
    for joint, there in (("ankle_l", False), ("ankle_r", False), ("tips_l", True), ("tips_r", True)):
        x, y = bones.xyz[0, J[joint], :2].astype(int)
        assert area[y, x] == there


def test_nobody_is_nowhere(motion: PoseSequence) -> None:
    nobody = replace(motion, score=np.zeros_like(motion.score))
    assert not PersonArea(motion.frames(slice(0, 1)), nobody)(0).any()
    assert not PersonArea(nobody.frames(slice(0, 1)), nobody)(0).any()
