"""Tiny ONNX networks with the interface of DWPose's two files: they answer what a test tells them, and look at the mean colour."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save_network(path: Path, size: tuple[int | str, int | str], answers: list[np.ndarray], colour: list[np.ndarray] | None = None) -> Path:
    """1 3 h w -> each answer, plus (with `colour`, arrays of shape 3 + answer) each channel's mean times an array of its own."""
    colour = colour or [np.zeros((3, *answer.shape), np.float32) for answer in answers]
    nodes, constants, outputs = [helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=0)], [], []
    constants.append(numpy_helper.from_array(np.array([2, 3], np.int64), "axes"))
    for index, (answer, slope) in enumerate(zip(answers, colour, strict=True)):
        constants += [
            numpy_helper.from_array(slope.reshape(3, -1).astype(np.float32), f"slope{index}"),
            numpy_helper.from_array(answer.reshape(1, -1).astype(np.float32), f"answer{index}"),
            numpy_helper.from_array(np.array([1, *answer.shape], np.int64), f"shape{index}"),
        ]
        nodes += [
            helper.make_node("MatMul", ["mean", f"slope{index}"], [f"seen{index}"]),
            helper.make_node("Add", [f"seen{index}", f"answer{index}"], [f"flat{index}"]),
            helper.make_node("Reshape", [f"flat{index}", f"shape{index}"], [f"output{index}"]),
        ]
        outputs.append(helper.make_tensor_value_info(f"output{index}", TensorProto.FLOAT, [1, *answer.shape]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, size[1], size[0]])
    graph = helper.make_graph(nodes, "tiny", [image], outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def detector_answer(size: tuple[int, int], boxes: list[tuple[float, float, float, float, float]]) -> np.ndarray:
    """N 85: what a YOLOX network with input `size` says for boxes (centre x, y, width, height, score) in pixels of its input."""
    strides = [8, 16, 32]
    cells = sum((size[0] // stride) * (size[1] // stride) for stride in strides)
    answer = np.zeros((cells, 85), np.float32)
    for x, y, width, height, score in boxes:
        row = int(y) // 8 * (size[0] // 8) + int(x) // 8
        answer[row] = [x / 8 - int(x) // 8, y / 8 - int(y) // 8, np.log(width / 8), np.log(height / 8), score, 1, *[0] * 79]
    return answer


def simcc_answer(size: tuple[int, int], points: np.ndarray, score: np.ndarray) -> list[np.ndarray]:
    """K W' and K H': what a SimCC network with input `size` says for points K 2 in pixels of its input."""
    bins = np.round(points * 2).astype(int)
    answer = [np.zeros((len(points), 2 * side), np.float32) for side in size]
    for axis in (0, 1):
        answer[axis][np.arange(len(points)), bins[:, axis]] = score
    return answer
