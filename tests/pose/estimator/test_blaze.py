"""Decoding of the detector's and the landmark network's outputs, each against a plain version of the same."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from animato.pose.estimator.blaze import BodyLandmarks, Detector, anchors, body_region, merged, overlap, refined
from animato.pose.estimator.models import DETECTOR, find_model
from animato.pose.estimator.network import Network, sigmoid
from animato.pose.estimator.region import Region
from seen import character, needs_models


def test_anchors_are_the_cells_of_five_layers() -> None:
    found = anchors(224)
    assert found.shape == (2254, 2)
    np.testing.assert_allclose(found[[0, 1, 2]], [[0.5 / 28, 0.5 / 28], [0.5 / 28, 0.5 / 28], [1.5 / 28, 0.5 / 28]])
    np.testing.assert_allclose(found[28 * 28 * 2 + 2 * 14], [0.5 / 14, 1.5 / 14])  # second row of the second layer
    last = found[28 * 28 * 2 + 14 * 14 * 2 :]
    np.testing.assert_allclose(last[:6], [[0.5 / 7, 0.5 / 7]] * 6)
    np.testing.assert_allclose(last[6], [1.5 / 7, 0.5 / 7])


def box(x: float, y: float, side: float, mark: float = 0.0) -> np.ndarray:
    return np.array([[x, y], [side, side], [mark, mark], [0, 0], [0, 0], [0, 0]], float)


def test_overlapping_boxes_are_averaged_by_score_and_others_kept() -> None:
    boxes = np.stack([box(0.5, 0.5, 0.2, 1.0), box(0.52, 0.5, 0.2, 4.0), box(0.9, 0.5, 0.2, 7.0)])
    people = merged(boxes, np.array([0.6, 0.9, 0.7]))
    assert [score for _, score in people] == [0.9, 0.7]
    np.testing.assert_allclose(people[0][0][2, 0], (0.6 * 1 + 0.9 * 4) / 1.5)
    np.testing.assert_allclose(people[1][0], boxes[2])


def test_overlap_of_squares() -> None:
    np.testing.assert_allclose(overlap(box(0, 0, 2), np.stack([box(0, 0, 2), box(1, 0, 2), box(5, 0, 2)])), [1, 1 / 3, 0], atol=1e-9)


def refined_slow(points: np.ndarray, heat: np.ndarray) -> np.ndarray:
    result, size = points.copy(), len(heat)
    for n, (x, y) in enumerate(points):
        column, row = int(np.floor(x * size)), int(np.floor(y * size))
        total, weights, best = np.zeros(2), 0.0, 0.0
        for i in range(max(row - 3, 0), min(row + 4, size)):
            for j in range(max(column - 3, 0), min(column + 4, size)):
                weight = 1 / (1 + np.exp(-heat[i, j, n]))
                total += weight * np.array([j, i])
                weights, best = weights + weight, max(best, weight)
        if best >= 0.5:
            result[n] = total / weights / size
    return result


def test_refinement_is_the_slow_refinement_also_at_and_beyond_the_edge() -> None:
    rng = np.random.default_rng(5)
    points = np.concatenate([rng.uniform(0, 1, (30, 2)), [[0.0, 1.0], [-0.2, 0.5], [1.3, 1.1], [0.999, 0.001]]])
    heat = rng.normal(-3, 2.5, (16, 16, len(points)))
    np.testing.assert_allclose(refined(points, heat), refined_slow(points, heat), atol=1e-9)
    assert not np.array_equal(refined(points, heat), points)


def test_body_region_is_upright_for_an_upright_body_and_turns_with_it() -> None:
    assert body_region(np.array([10.0, 50.0]), np.array([10.0, 10.0])) == Region(10.0, 50.0, 100.0, 0.0)
    np.testing.assert_allclose(body_region(np.array([10.0, 50.0]), np.array([50.0, 50.0])).angle, np.pi / 2)


def test_sigmoid_of_huge_logits_is_finite() -> None:
    np.testing.assert_allclose(sigmoid(np.array([-1e4, 0.0, 1e4])), [0, 0.5, 1], atol=1e-9)


@needs_models
def test_the_file_has_as_many_boxes_as_there_are_anchors_and_a_turned_picture_turns_the_region() -> None:
    picture = character("mara")
    side = float(max(picture.shape))
    upright = Detector()(picture, Region(256.0, 384.0, side))[0]
    lying = Detector()(np.ascontiguousarray(np.rot90(picture, -1)), Region(384.0, 256.0, side))[0]  # head to the right
    assert upright.score > 0.9 and abs(upright.region.angle) < 0.2
    assert abs(lying.region.angle - np.pi / 2) < 0.3


@needs_models
def test_landmarks_do_not_depend_on_how_the_region_is_turned() -> None:
    picture = character("mara")
    landmarks = BodyLandmarks()
    one, other = landmarks(picture, Region(255.0, 375.0, 800.0, 0.0)), landmarks(picture, Region(255.0, 375.0, 800.0, 0.15))
    assert np.linalg.norm(one.points[11:29] - other.points[11:29], axis=1).max() < 20
    assert one.presence > 0.9 and landmarks(picture, Region(60.0, 60.0, 100.0)).presence < 0.5


@needs_models
def test_loading_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    Network(find_model(DETECTOR))
    assert capfd.readouterr() == ("", "")


@needs_models
def test_pixels_become_the_range_that_a_network_wants() -> None:
    picture = np.arange(224 * 224 * 3, dtype=np.uint64).reshape(224, 224, 3).astype(np.uint8)
    plain = Interpreter(model_path=str(find_model(DETECTOR)), num_threads=1)
    plain.allocate_tensors()
    plain.set_tensor(plain.get_input_details()[0]["index"], (picture / 127.5 - 1).astype(np.float32)[None])
    plain.invoke()
    for found, expected in zip(Network(find_model(DETECTOR), low=-1.0)(picture), plain.get_output_details(), strict=True):
        np.testing.assert_allclose(found, plain.get_tensor(expected["index"])[0], rtol=1e-3, atol=1e-3)
