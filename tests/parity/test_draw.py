"""The drawn skeletons equal the published ones pixel for pixel."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file

from animato.pose.draw import Figure, draw, figure, smart_width
from animato.pose.keypoints import PoseSequence
from animato.pose.styles import animate_anyone, muse_pose, uni_animate


def read(file: Path) -> tuple[dict, dict[str, np.ndarray]]:
    return json.loads(file.with_suffix(".json").read_text()), load_file(file)


def published_figure(tensors: dict[str, np.ndarray], key: str) -> Figure:
    """What the published MusePose drawing takes out of its detector's arrays."""
    body, subset = tensors[f"outputs.bodies_candidate_{key}"], tensors[f"outputs.bodies_subset_{key}"]
    return Figure(body[:18], subset[0] >= 0, tensors[f"outputs.hands_{key}"][:2], tensors[f"outputs.faces_{key}"][0])


def resized(canvas: np.ndarray, hw: list[int]) -> np.ndarray:
    return cv2.resize(canvas, hw[::-1], interpolation=cv2.INTER_LINEAR)


@pytest.mark.parity("moore_dwpose_draw*.safetensors")
def test_animate_anyone(fixture_file: Path) -> None:
    meta, tensors = read(fixture_file)
    for case in meta["cases"]:
        key, (height, width) = case["case"], case["detect_hw"]
        points, score = tensors[f"outputs.keypoints134_px_{key}"], tensors[f"outputs.scores134_{key}"]
        pose = PoseSequence(np.pad(points, ((0, 0), (0, 0), (0, 1)))[None], score[None], (width, height))
        person = int(score[:, :18].mean(axis=1).argmax())
        canvas = draw(figure(pose, person=person, hand_points=0), animate_anyone.STYLE, (width, height))
        np.testing.assert_array_equal(resized(canvas, case["canvas_hw"]), tensors[f"outputs.canvas_{key}"])


@pytest.mark.parity("musepose_dwpose_draw*.safetensors")
def test_muse_pose(fixture_file: Path) -> None:
    meta, tensors = read(fixture_file)
    for case in meta["cases"]:
        key, (height, width) = str(case["case"]), case["detect_hw"]
        canvas = draw(published_figure(tensors, key), muse_pose.STYLE, (width, height))
        np.testing.assert_array_equal(resized(canvas, case["canvas_hw"])[..., ::-1], tensors[f"outputs.canvas_cv2_{key}"])


@pytest.mark.parity("musepose_dwpose_draw*.safetensors")
def test_muse_pose_with_face(fixture_file: Path) -> None:
    _, tensors = read(fixture_file)
    style = replace(muse_pose.STYLE, face=True, reversed=False)
    for name in (name for name in tensors if name.startswith("outputs.draw_")):
        _, size, _, key = name.split("_")
        height, width = map(int, size.split("x"))
        np.testing.assert_array_equal(draw(published_figure(tensors, key), style, (width, height)), tensors[name])


@pytest.mark.parity("pose_align_*.safetensors")
def test_uni_animate(fixture_file: Path) -> None:
    meta, tensors = read(fixture_file)
    height, width = meta["config"]["small_hw"]
    names = sorted(name for name in tensors if name.startswith("outputs.canvas_png."))
    if not names:
        pytest.skip("this file holds no UniAnimate drawings")
    for index, name in enumerate(names):
        body, subset, hands, faces = (tensors[f"outputs.aligned.{part}"][index] for part in ("candidate", "subset", "hands", "faces"))
        person = Figure(body[:20], subset[0] >= 0, hands[:2], faces[0])
        saved = cv2.imdecode(tensors[name], cv2.IMREAD_UNCHANGED)[..., ::-1]
        np.testing.assert_array_equal(draw(person, uni_animate.STYLE, (saved.shape[1], saved.shape[0])), saved)
        plain = replace(uni_animate.STYLE, reversed=False)
        np.testing.assert_array_equal(draw(person, plain, (width, height)), tensors["outputs.small_canvas_noface"][index])
        np.testing.assert_array_equal(draw(person, replace(plain, face=True), (width, height)), tensors["outputs.small_canvas_face"][index])


@pytest.mark.parity("musepose_pose_align*.json")
def test_thickness_of_bones(fixture_file: Path) -> None:
    for length, width in json.loads(fixture_file.read_text())["smart_width"]:
        assert smart_width(length) == width


@pytest.mark.parity("musepose_pose_align*.safetensors")
def test_frames_of_muse_pose_videos(fixture_file: Path) -> None:
    """MusePose draws in the driving video's shape and resizes to the picture's; every fourth pixel of the first frame is recorded."""
    meta, tensors = read(fixture_file)
    for case in meta["cases"]:
        prefix = f"outputs.{case['case']}."
        if f"{prefix}frame0_subsampled4" in tensors:
            body, hands, faces, subset = (tensors[f"{prefix}final_{part}"][0] for part in ("candidate", "hands", "faces", "subset"))
            canvas = draw(Figure(body, subset[0] >= 0, hands, faces[0]), muse_pose.STYLE, tuple(case["draw_canvas_hw"][::-1]))
            frame = resized(canvas, case["pose_video_hw"])
            np.testing.assert_array_equal(frame[::4, ::4], tensors[f"{prefix}frame0_subsampled4"])
