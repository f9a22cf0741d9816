"""The two networks that find a person: the detector (where is somebody?) and the landmarks (where are the joints in this region?).

Input ranges, anchors, output layouts and the way from points to a region are those that the published BlazePose graphs use with the same files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from animato.pose.models import DETECTOR, LANDMARKS, find_model
from animato.pose.region import Region, upright

BOXES_PER_CELL = {8: 2, 16: 2, 32: 6}  # stride in pixels of the 224-pixel input: boxes a cell
JOINTS = 33
LOGIT_LIMIT = 80.0
BODY_MARGIN = 1.25
MIN_SCORE = 0.5
SAME_PERSON_OVERLAP = 0.3


class Network:
    """One .tflite file on one thread: a square uint8 picture in, its outputs in the order of the file."""

    def __init__(self, path: Path, low: float = 0.0, high: float = 1.0) -> None:
        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        entry = self._interpreter.get_input_details()[0]
        self._input, self.size = entry["index"], int(entry["shape"][1])
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]
        self._scale, self._low = np.float32((high - low) / 255), np.float32(low)

    def __call__(self, pixels: np.ndarray) -> list[np.ndarray]:
        self._interpreter.set_tensor(self._input, (pixels * self._scale + self._low)[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)))


@dataclass(frozen=True)
class Found:
    """A person seen by the detector: how surely (0..1), the square that holds the whole body, and the box x0 y0 x1 y1 of the head, in pixels."""

    score: float
    region: Region
    head: tuple[float, float, float, float]


class Detector:
    """Finds people in a picture."""

    def __init__(self, folder: Path | None = None) -> None:
        self._network = Network(find_model(DETECTOR, folder), low=-1.0)
        self._anchors = anchors(self._network.size)

    def __call__(self, picture: np.ndarray, view: Region) -> list[Found]:
        """H W 3 uint8 -> the people inside the square `view`, best first."""
        boxes, logits = self._network(view.crop(picture, self._network.size))
        score = sigmoid(logits[:, 0].astype(np.float64))
        sure = score >= MIN_SCORE
        boxes = boxes[sure].reshape(-1, 6, 2) / self._network.size  # n 6 2: centre, size, then four points
        boxes[:, [0, 2, 3, 4, 5]] += self._anchors[sure][:, None]
        return [_found(box, best, view) for box, best in merged(boxes, score[sure])]


def anchors(size: int) -> np.ndarray:
    """N 2: the cell centres (x, y in 0..1) to which the detector's boxes are relative, in the order of its outputs."""
    centres = []
    for stride, boxes in BOXES_PER_CELL.items():
        middle = (np.arange(size // stride) + 0.5) * stride / size
        grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
        centres.append(grid.repeat(boxes, axis=0))
    return np.concatenate(centres)


def merged(boxes: np.ndarray, score: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Weighted non-maximum suppression: boxes n 6 2 (centre, size, points) that overlap the best one are averaged into it by score."""
    people = []
    while len(boxes):
        best = int(score.argmax())
        same = overlap(boxes[best], boxes) > SAME_PERSON_OVERLAP
        same[best] = True
        people.append((np.average(boxes[same], axis=0, weights=score[same]), float(score[best])))
        boxes, score = boxes[~same], score[~same]
    return people


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """n: intersection over union of a box (6 2) with others (n 6 2)."""
    low = np.maximum(box[0] - box[1] / 2, boxes[:, 0] - boxes[:, 1] / 2)
    high = np.minimum(box[0] + box[1] / 2, boxes[:, 0] + boxes[:, 1] / 2)
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    return shared / (np.prod(box[1]) + np.prod(boxes[:, 1], axis=1) - shared + 1e-12)


def _found(box: np.ndarray, score: float, view: Region) -> Found:
    points = view.to_picture(box[2:])
    head = view.to_picture(np.stack([box[0] - box[1] / 2, box[0] + box[1] / 2])).ravel()
    return Found(score, body_region(points[0], points[1]), (float(head[0]), float(head[1]), float(head[2]), float(head[3])))


def body_region(hips: np.ndarray, top: np.ndarray) -> Region:
    """The square around a body, given the middle of the hips and the point of the circle around the whole body that lies above it."""
    return upright(hips, top, centre=hips, side=2 * BODY_MARGIN * float(np.hypot(*(top - hips))))


@dataclass(frozen=True, eq=False)
class Landmarks:
    """What the landmark network says of one region.

    points    33 2     picture pixels
    score     33       visibility x presence, 0..1
    world     33 3     metres from the middle of the hips; x and y along the region's sides, z smaller nearer the camera
    presence  0..1     whether a person is in the region at all
    region    where it looked
    next      where to look next, by these landmarks
    mask      256 256  float32: logit that a pixel of the region shows the person
    """

    points: np.ndarray
    score: np.ndarray
    world: np.ndarray
    presence: float
    region: Region
    next: Region
    mask: np.ndarray


class BodyLandmarks:
    """Finds the 33 joints of the person in a region."""

    def __init__(self, folder: Path | None = None) -> None:
        self._network = Network(find_model(LANDMARKS, folder))

    def __call__(self, picture: np.ndarray, region: Region) -> Landmarks:
        """H W 3 uint8 -> Landmarks."""
        values, presence, mask, _, world = self._network(region.crop(picture, self._network.size))
        values = values.reshape(-1, 5).astype(np.float64)  # 39 5: x, y, z in pixels of the crop, visibility, presence
        points = region.to_picture(values[:, :2] / self._network.size)
        score = np.prod(sigmoid(values[:JOINTS, 3:]), axis=1)
        return Landmarks(
            points=points[:JOINTS],
            score=score,
            world=world.reshape(-1, 3)[:JOINTS].astype(np.float64),
            presence=float(presence[0]),
            region=region,
            next=body_region(points[JOINTS], points[JOINTS + 1]),
            mask=mask[..., 0],
        )
