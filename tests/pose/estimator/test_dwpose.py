"""DWPose on tiny networks: from the picture to keypoints in its pixels, and what is said when something is missing."""

import builtins
from pathlib import Path

import cv2
import numpy as np
import pytest

from animato.core.errors import InputError, MissingModelError
from animato.core.media import Clip
from animato.pose.estimator import simcc, yolox
from animato.pose.estimator.dwpose import DETECTOR, ESTIMATOR, DWPose, prepared_size, resized
from animato.pose.keypoints import LEFT_HAND, Point

tiny_onnx = pytest.importorskip("tiny_onnx", reason="small networks are made with onnx")
pytest.importorskip("onnxruntime", reason='needs pip install "animato[dwpose]"')

EYE, LOOK = (640, 640), (36, 48)  # inputs of the two networks
PICTURE = np.full((512, 512, 3), (200, 100, 50), np.uint8)  # stays as it is when it is prepared


def networks(folder: Path, boxes: list, colour: np.ndarray | None = None, score: float = 0.9) -> DWPose:
    points = np.random.default_rng(3).integers(2, 70, (133, 2)) / 2
    tiny_onnx.save_network(folder / DETECTOR, EYE, [tiny_onnx.detector_answer(EYE, boxes)], None if colour is None else [colour])
    tiny_onnx.save_network(folder / ESTIMATOR, LOOK, tiny_onnx.simcc_answer(LOOK, points, np.full(133, score)))
    return DWPose.from_folder(folder)


def expected(box: tuple[float, float, float, float], point: int) -> np.ndarray:
    """Where a point of the 133 lies in the picture, written down plainly: 1.25 x the box, grown to 3:4, about its middle."""
    width, height = 1.25 * (box[2] - box[0]), 1.25 * (box[3] - box[1])
    width, height = max(width, height * 0.75), max(height, width / 0.75)
    corner = np.array([(box[0] + box[2] - width) / 2, (box[1] + box[3] - height) / 2])
    inside = np.random.default_rng(3).integers(2, 70, (133, 2))[point] / 2
    return corner + inside / LOOK * (width, height)


def test_points_in_pixels_of_the_picture(tmp_path: Path) -> None:
    pose = networks(tmp_path, [(320, 250, 100, 200, 0.8)]).estimate_picture(PICTURE)
    box = tuple(0.8 * side for side in (270, 150, 370, 350))  # the letterbox enlarges 512 to 640
    assert pose.size == (512, 512)
    assert pose.points.shape == (1, 1, 134, 3)
    for ours, theirs in ((Point.NOSE, 0), (Point.L_WRIST, 9), (Point.R_EAR, 4), (Point.L_BIG_TOE, 17), (LEFT_HAND.start, 91), (133, 132)):
        np.testing.assert_allclose(pose.points[0, 0, ours, :2], expected(box, theirs), atol=1e-4)
    np.testing.assert_allclose(pose.points[0, 0, Point.NECK, :2], (expected(box, 5) + expected(box, 6)) / 2, atol=1e-4)
    assert pose.score[0, 0, Point.NECK] == 1
    np.testing.assert_allclose(np.delete(pose.score[0, 0], Point.NECK), 0.9, atol=1e-6)


def test_a_picture_of_another_shape_gets_points_in_its_own_pixels(tmp_path: Path) -> None:
    tall = np.zeros((1000, 500, 3), np.uint8)
    small, large = (networks(tmp_path, []).estimate_picture(picture) for picture in (tall[::2, ::2], tall))
    np.testing.assert_allclose(large.points[..., :2], 2 * small.points[..., :2], atol=1e-3)
    assert prepared_size((500, 1000)) == (512, 1024)
    assert prepared_size((1920, 1080)) == (896, 512)
    box = (0, 0, 512, 1024)
    np.testing.assert_allclose(large.points[0, 0, Point.NOSE, :2] * (512 / 500, 1.024), expected(box, 0), atol=1e-3)


def test_the_best_person_comes_first_and_overlapping_boxes_are_one(tmp_path: Path) -> None:
    boxes = [(100, 320, 80, 200, 0.5), (420, 320, 80, 200, 0.9), (428, 320, 80, 200, 0.7), (560, 100, 40, 80, 0.2)]
    pose = networks(tmp_path, boxes).estimate_picture(PICTURE)
    assert pose.people == 2
    np.testing.assert_allclose(pose.points[0, 0, 0, :2] - pose.points[0, 1, 0, :2], (0.8 * 320, 0), atol=1e-4)


def test_the_networks_see_blue_first(tmp_path: Path) -> None:
    colour = np.zeros((3, *tiny_onnx.detector_answer(EYE, []).shape), np.float32)
    colour[0, 0, 4] = 1  # channel 0 makes cell 0 sure that it holds a person
    answer = [(4, 4, 64, 64, 0.001)]
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[..., 2] = 200
    blue = networks(tmp_path, answer, colour).estimate_picture(picture)
    red = networks(tmp_path, answer, colour).estimate_picture(np.ascontiguousarray(picture[..., ::-1]))
    assert np.ptp(blue.points[..., 0]) < 0.2 * np.ptp(red.points[..., 0])  # red finds no box and takes the whole picture


def test_a_person_is_followed_through_a_video(tmp_path: Path) -> None:
    model = networks(tmp_path, [(420, 320, 80, 200, 0.9), (100, 320, 80, 200, 0.5)])
    clip = Clip.of([PICTURE] * 3, 25)
    right, left, also_left = (model.estimate_video(clip, person) for person in ("best", 0, (75.0, 250.0)))
    assert right.points.shape == (3, 1, 134, 3)
    np.testing.assert_allclose(right.points[..., 0] - left.points[..., 0], 0.8 * 320, atol=1e-4)
    np.testing.assert_array_equal(left.points, also_left.points)
    assert right.fps == 25
    for nobody in (2, (500.0, 20.0), "the tall one"):
        with pytest.raises(InputError):
            model.estimate_video(clip, nobody)


def test_nobody(tmp_path: Path) -> None:
    model = networks(tmp_path, [], score=0.2)
    with pytest.raises(InputError, match="picture"):
        model.estimate_picture(PICTURE)
    with pytest.raises(InputError, match="video"):
        model.estimate_video(Clip.of([PICTURE] * 2, 25))


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match=DETECTOR):
        DWPose.from_folder(tmp_path)
    networks(tmp_path, [])
    with pytest.raises(MissingModelError, match="outputs"):
        DWPose(tmp_path / ESTIMATOR, tmp_path / DETECTOR)
    (tmp_path / DETECTOR).write_bytes(b"not a network")
    with pytest.raises(MissingModelError, match="cannot be read"):
        DWPose.from_folder(tmp_path)


def test_a_folder_of_pth_files_is_told(tmp_path: Path) -> None:
    """As MusePose has the same two networks."""
    for name in ("dw-ll_ucoco_384.pth", "yolox_l_8x8_300e_coco.pth"):
        (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(MissingModelError, match=r"dw-ll_ucoco_384\.pth beside it is for another program: ONNX files are due"):
        DWPose.from_folder(tmp_path)


def test_networks_that_take_any_size_get_the_published_one(tmp_path: Path) -> None:
    fixed = networks(tmp_path, [(320, 250, 100, 200, 0.8)]).estimate_picture(PICTURE)
    tiny_onnx.save_network(tmp_path / DETECTOR, ("width", "height"), [tiny_onnx.detector_answer(EYE, [(320, 250, 100, 200, 0.8)])])
    points = np.random.default_rng(3).integers(2, 70, (133, 2)) / 2
    tiny_onnx.save_network(tmp_path / ESTIMATOR, ("width", "height"), tiny_onnx.simcc_answer((288, 384), 8 * points, np.full(133, 0.9)))
    free = DWPose.from_folder(tmp_path).estimate_picture(PICTURE)
    np.testing.assert_allclose(free.points, fixed.points, atol=1e-4)


def test_scores_are_between_0_and_1(tmp_path: Path) -> None:
    assert networks(tmp_path, [], score=1.3).estimate_picture(PICTURE).score.max() == 1


def test_without_onnxruntime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.startswith("onnxruntime"):
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingModelError, match=r'pip install "animato\[dwpose\]"'):
        DWPose.from_folder(tmp_path)


def test_suppression_counts_both_ends_and_keeps_the_threshold() -> None:
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 4.4], [0, 0, 9, 3.4]], float)  # overlaps with the first: .54 and .44
    assert list(yolox.suppress(boxes, np.array([0.9, 0.8, 0.7]))) == [0, 2]


def test_hidden_points_keep_the_bin_before_the_first() -> None:
    x, y = (np.zeros((1, 2, 8)) for _ in range(2))
    x[0, 0, 3], y[0, 0, 5] = 0.4, 0.7
    points, score = simcc.decode(x, y)
    np.testing.assert_array_equal(points[0], [[1.5, 2.5], [-0.5, -0.5]])
    np.testing.assert_array_equal(score[0], [0.4, 0])


def test_pictures_grow_and_shrink_as_published() -> None:
    small = np.random.default_rng(1).integers(0, 255, (100, 70, 3), np.uint8)
    np.testing.assert_array_equal(resized(small, 128), cv2.resize(small, (128, 192), interpolation=cv2.INTER_LANCZOS4))
    np.testing.assert_array_equal(resized(small, 64), cv2.resize(small, (64, 64), interpolation=cv2.INTER_AREA))
