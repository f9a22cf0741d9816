"""The numerics around DWPose's two networks equal the published ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from animato.pose.estimator import simcc, yolox
from animato.pose.estimator.dwpose import prepared_size

PREPOST = pytest.mark.parity("*dwpose_prepost*.safetensors")
DRAW = pytest.mark.parity("*dwpose_draw*.safetensors")


@PREPOST
def test_detector_input_and_boxes(fixture_file: Path) -> None:
    tensors = load_file(fixture_file)
    image = tensors["inputs.image_uint8"]
    small, ratio = yolox.letterbox(image, (64, 64))
    assert ratio == pytest.approx(json.loads(fixture_file.with_suffix(".json").read_text())["det_resize_ratio"])
    np.testing.assert_array_equal(small, tensors["outputs.det_padded_64"])
    np.testing.assert_allclose(yolox.decode(tensors["inputs.det_raw"], (64, 64)), tensors["outputs.det_decoded"], atol=1e-4)
    raw = np.zeros((1, 8400, 85), np.float32)
    cells = tensors["inputs.det640_cells"]
    raw[0, cells, :6], raw[0, cells, 6:] = tensors["inputs.det640_rows"][0], 0.02
    _, ratio = yolox.letterbox(image, (640, 640))
    np.testing.assert_allclose(yolox.people(raw, (640, 640), ratio), tensors["outputs.det_boxes"], atol=1e-4)


@PREPOST
def test_pose_input_and_keypoints(fixture_file: Path) -> None:
    tensors = load_file(fixture_file)
    bins = tensors["inputs.simcc_x"], tensors["inputs.simcc_y"]
    size = tensors["outputs.pose_crop0"].shape[1::-1]
    for index, box in enumerate(tensors["inputs.pose_boxes"]):
        centre, extent = simcc.region(box, size)
        np.testing.assert_allclose(centre, tensors["outputs.pose_center"][index], atol=1e-6)
        np.testing.assert_allclose(extent, tensors["outputs.pose_scale"][index], atol=1e-5)
        crop = simcc.crop(tensors["inputs.image_uint8"], centre, extent, size)
        np.testing.assert_allclose(crop, tensors[f"outputs.pose_crop{index}"], atol=1e-5)
        x, y = bins if index == 0 else (side[..., ::-1] for side in bins)
        points, score = simcc.decode(x, y)
        np.testing.assert_allclose(simcc.to_picture(points[0], centre, extent, size), tensors["outputs.keypoints"][index], atol=1e-5)
        np.testing.assert_array_equal(score[0], tensors["outputs.scores"][index])


@DRAW
def test_prepared_size_and_openpose_order(fixture_file: Path) -> None:
    meta, tensors = json.loads(fixture_file.with_suffix(".json").read_text()), load_file(fixture_file)
    for case in meta["cases"]:
        key, (height, width) = case["case"], case["image_hw"]
        assert prepared_size((width, height), case.get("detect_resolution", 256)) == tuple(case["detect_hw"][::-1])
        if f"outputs.keypoints134_px_{key}" not in tensors:
            continue
        pixels = tensors[f"inputs.keypoints133_unit_{key}"] * case["detect_hw"][::-1]
        points, score = simcc.openpose_order(pixels, tensors[f"inputs.scores133_{key}"])
        np.testing.assert_allclose(points, tensors[f"outputs.keypoints134_px_{key}"], atol=1e-9)
        np.testing.assert_array_equal(score, tensors[f"outputs.scores134_{key}"])


@pytest.mark.parity("musepose_pose_align*.json")
def test_prepared_sizes(fixture_file: Path) -> None:
    for height, width, resolution, new_height, new_width in json.loads(fixture_file.read_text())["size_calculate_h_w_res_H_W"]:
        assert prepared_size((width, height), resolution) == (new_width, new_height)
