"""MusePose's alignment gives the published coordinates wherever its inputs are sound."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from animato.pose.alignment import musepose
from animato.pose.keypoints import BODY, FACE, FEET, KEYPOINTS, LEFT_HAND, RIGHT_HAND, PoseSequence

NAMES = {"body_len": "body"}


def pose_of(arrays: dict[str, np.ndarray], hw: list[int], hidden: float) -> PoseSequence:
    """The first person of detector dicts as the published code reads them: the first two hands. Points marked -1 get the score `hidden`."""
    unit = np.zeros((len(arrays["candidate"]), KEYPOINTS, 2))
    unit[:, BODY], unit[:, FACE] = arrays["candidate"][:, :18], arrays["faces"][:, 0]
    unit[:, LEFT_HAND], unit[:, RIGHT_HAND] = arrays["hands"][:, 0], arrays["hands"][:, 1]
    score = np.where((unit == -1).all(axis=2), hidden, 1.0)
    score[:, FEET] = 0
    points = np.pad(unit * (hw[1], hw[0]), ((0, 0), (0, 0), (0, 1)))
    return PoseSequence(points[:, None], score[:, None], (hw[1], hw[0]))


def cases(file: Path) -> list[tuple[dict, dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]]:
    tensors = load_file(file)

    def part(prefix: str) -> dict[str, np.ndarray]:
        return {name: tensors[f"{prefix}{name}"] for name in ("candidate", "hands", "faces")}

    meta = json.loads(file.with_suffix(".json").read_text())["cases"]
    keys = [(case, f"inputs.{case['case']}", f"outputs.{case['case']}.final_") for case in meta if not case["error"]]
    return [(case, part(f"{inputs}.ref."), part(f"{inputs}.video."), part(outputs)) for case, inputs, outputs in keys]


def published(out: dict[str, np.ndarray], hw: list[int]) -> np.ndarray:
    return pose_of(out, hw, hidden=1.0).points[:, 0, :, :2]


@pytest.mark.parity("musepose_pose_align*.safetensors")
def test_coordinates_as_published(fixture_file: Path) -> None:
    """Fed as the published code feeds itself: -1 counts as a place like any other, hands are the first two of all people."""
    for case, ref, video, out in cases(fixture_file):
        if "inf" in case["scales"].values():
            continue
        first, last = case.get("align_frame", 0), case.get("max_frame", case["n"])
        motion = pose_of(video, case["vid_hw"], hidden=1.0)
        aligned, ratios = musepose.align(pose_of(ref, case["ref_hw"], hidden=1.0), motion, frame=first)
        for name, value in case["scales"].items():
            name = name.removeprefix("scale_")
            assert ratios[NAMES.get(name, name)] == pytest.approx(value, abs=1e-9), (case["name"], name)
        visible = pose_of(video, case["vid_hw"], hidden=0.0).score[first:last, 0] > 0
        expected = published(out, case["ref_hw"])
        mine = aligned.points[first:last, 0, :, :2]
        np.testing.assert_allclose(mine[visible] / case["ref_hw"][::-1], expected[visible] / case["ref_hw"][::-1], atol=1e-6, rtol=0)


@pytest.mark.parity("musepose_pose_align*.safetensors")
def test_hidden_points_change_only_the_hands(fixture_file: Path) -> None:
    """As users call it, with hidden points hidden: body and face as published, and a hand ratio near the arms' instead of 11."""
    for case, ref, video, out in cases(fixture_file):
        hidden = any((part["hands"] == -1).any() for part in (ref, video))
        if "inf" in case["scales"].values() or not hidden:
            continue
        first, last = case.get("align_frame", 0), case.get("max_frame", case["n"])
        aligned, ratios = musepose.align(*(pose_of(part, case[hw], 0.0) for part, hw in ((ref, "ref_hw"), (video, "vid_hw"))), frame=first)
        visible = aligned.score[first:last, 0] > 0
        visible[:, LEFT_HAND], visible[:, RIGHT_HAND] = False, False
        np.testing.assert_allclose(aligned.points[first:last, 0, :, :2][visible], published(out, case["ref_hw"])[visible], atol=1e-4)
        assert 0.5 < ratios["hand"] / np.mean([ratios["arm_upper"], ratios["arm_lower"]]) < 2


@pytest.mark.parity("musepose_pose_align*.safetensors")
def test_a_limb_of_no_length_stays_finite(fixture_file: Path) -> None:
    """Where the published ratio is infinite, all are finite here and the limbs that do not depend on it are as published."""
    for case, ref, video, out in cases(fixture_file):
        if "inf" not in case["scales"].values():
            continue
        reference, motion = pose_of(ref, case["ref_hw"], 0.0), pose_of(video, case["vid_hw"], 0.0)
        aligned, ratios = musepose.align(reference, motion, frame=case.get("align_frame", 0))
        assert np.isfinite(aligned.points).all()
        sound = {name.removeprefix("scale_"): value for name, value in case["scales"].items() if value != "inf"}
        for name, value in sound.items():
            assert ratios[NAMES.get(name, name)] == pytest.approx(value, abs=1e-9)
        if {"neck", "face", "body_len", "leg_upper", "leg_lower"} <= sound.keys():
            limbs = [0, 1, *range(8, 18)]
            np.testing.assert_allclose(aligned.points[:, 0, limbs, :2], published(out, case["ref_hw"])[:, limbs], atol=1e-4)
