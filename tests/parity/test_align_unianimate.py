"""UniAnimate's alignment gives the published coordinates."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from animato.pose.alignment import unianimate
from animato.pose.alignment.align import align, published
from animato.pose.keypoints import BODY, FACE, FEET, KEYPOINTS, LEFT_HAND, RIGHT_HAND, PoseSequence

COORDINATES = 1e-9
HIDDEN = -1.0
LEFT_TOES, RIGHT_TOES = slice(FEET.start, FEET.start + 2), slice(FEET.start + 3, FEET.start + 5)

recorded_poses = pytest.mark.parity("pose_align_*.safetensors")


def unit(tensors: dict[str, np.ndarray], which: str) -> np.ndarray:
    """F K 2: the first person of what the published code calls `detector` or `aligned`. A foot's one point stands for both its toes."""
    body, hands, faces = (tensors[f"outputs.{which}.{part}"] for part in ("candidate", "hands", "faces"))
    points = np.full((len(body), KEYPOINTS, 2), HIDDEN)
    points[:, BODY], points[:, FACE] = body[:, :18], faces[:, 0]
    points[:, LEFT_HAND], points[:, RIGHT_HAND] = hands[:, 0], hands[:, 1]
    points[:, LEFT_TOES], points[:, RIGHT_TOES] = body[:, 18:19], body[:, 19:20]
    return points


def recorded(file: Path) -> tuple[dict[str, np.ndarray], tuple[int, int], tuple[int, int]]:
    """Tensors, and width and height of video and picture."""
    tensors, config = load_file(file), json.loads(file.with_suffix(".json").read_text())["config"]
    if "outputs.aligned.candidate" not in tensors:
        pytest.skip("this file holds no alignment by UniAnimate")
    return tensors, tuple(config["video_hw"][::-1]), tuple(config["ref_hw"][::-1])


def pose_of(points: np.ndarray, size: tuple[int, int], score: np.ndarray | None = None) -> PoseSequence:
    """Unit coordinates F K 2 in pixels; all points seen unless told otherwise."""
    pixels = np.pad(points * size, ((0, 0), (0, 0), (0, 1)))
    return PoseSequence(pixels[:, None], np.ones((len(points), 1, KEYPOINTS)) if score is None else score[:, None], size)


@recorded_poses
def test_coordinates_as_published(fixture_file: Path) -> None:
    """Fed as the published code feeds itself: -1 counts as a place like any other. Where it divides by zero, nothing can match."""
    tensors, video, picture = recorded(fixture_file)
    given, wanted = unit(tensors, "detector"), unit(tensors, "aligned")
    aligned, _ = unianimate.align(pose_of(given[-1:], picture), pose_of(given[:-1], video))
    known = [point for point in range(KEYPOINTS) if point not in (FEET.start + 2, FEET.stop - 1)]  # no heels are recorded
    mine, theirs = (aligned.points[:, 0, :, :2] / picture)[:, known], wanted[:-1, known]
    finite = np.isfinite(theirs)
    np.testing.assert_allclose(mine[finite], theirs[finite], atol=COORDINATES, rtol=0)


@recorded_poses
def test_points_that_were_not_seen_change_no_others(fixture_file: Path) -> None:
    """As users call it: points marked -1 are hidden. In frames with all of the body, what was seen is as published."""
    tensors, video, picture = recorded(fixture_file)
    given, wanted = unit(tensors, "detector"), unit(tensors, "aligned")
    score = (given != HIDDEN).any(axis=2).astype(float)
    if not score[[0, -1], BODY].all():
        pytest.skip("ratios are measured on points that were not seen")
    aligned = align(
        pose_of(given[-1:], picture, score[-1:]), pose_of(given[:-1], video, score[:-1]), published(unianimate.NAME, unianimate.align)
    )
    seen = (score[:-1] > 0) & score[:-1, BODY].all(axis=1, keepdims=True)
    assert seen.any()
    np.testing.assert_allclose((aligned.pose.points[:, 0, :, :2] / picture)[seen], wanted[:-1][seen], atol=COORDINATES, rtol=0)
    assert (aligned.pose.score[:, 0] == score[:-1]).all()
