"""The two networks that find a person: the detector (where is somebody?) and the landmarks (where are the joints?).

Input ranges, anchors, output layouts and the way from points to a region are those of the published BlazePose graphs for the same files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animato.pose.estimator.models import DETECTOR, LANDMARKS, find_model
from animato.pose.estimator.network import Network, sigmoid
from animato.pose.estimator.region import Region, upward

BOXES_PER_CELL = {8: 2, 16: 2, 32: 6}  # stride in pixels of the detector's input: boxes a cell
JOINTS = 33
BODY_MARGIN = 1.25
MIN_SCORE = 0.5
SAME_PERSON_OVERLAP = 0.3
HEAT_REACH = 3
MIN_HEAT = 0.5


@dataclass(frozen=True)
class Found:
    """A person seen by the detector: how surely (0..1), the square that holds the body, and the head's box x0 y0 x1 y1 in pixels."""

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
        boxes, logits = self._network(view.crop_averaged(picture, self._network.size))
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
    head = view.to_picture(np.stack([box[0] - box[1] / 2, box[0] + box[1] / 2]))
    (x0, y0), (x1, y1) = head.min(axis=0), head.max(axis=0)  # the view may be turned
    return Found(score, body_region(points[0], points[1]), (float(x0), float(y0), float(x1), float(y1)))


def body_region(hips: np.ndarray, top: np.ndarray) -> Region:
    """The square around a body, given the middle of the hips and the point above it on the circle around the whole body."""
    return Region(float(hips[0]), float(hips[1]), 2 * BODY_MARGIN * float(np.hypot(*(top - hips))), upward(hips, top))


@dataclass(frozen=True, eq=False)
class Body:
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

    def __call__(self, picture: np.ndarray, region: Region) -> Body:
        """H W 3 uint8 -> Body."""
        values, presence, mask, heat, world = self._network(region.crop_averaged(picture, self._network.size))
        values = values.reshape(-1, 5).astype(np.float64)  # 39 5: x, y, z in pixels of the crop, visibility, presence
        raw = values[:, :2] / self._network.size
        hips, top = region.to_picture(raw[JOINTS : JOINTS + 2])
        return Body(
            points=region.to_picture(refined(raw[:JOINTS], heat)),
            score=np.prod(sigmoid(values[:JOINTS, 3:]), axis=1),
            world=world.reshape(-1, 3)[:JOINTS].astype(np.float64),
            presence=float(presence[0]),
            region=region,
            next=body_region(hips, top),
            mask=mask[..., 0],
        )


def refined(points: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Points n 2 (0..1) moved to the centre of mass of their heat map (logits m m n) within 3 cells, where that map is sure of anything.

    As the published graph does for the body; it moves elbows and wrists of drawn figures onto them and takes a fifth off the jitter.
    """
    size = heat.shape[0]
    reach = np.arange(-HEAT_REACH, HEAT_REACH + 1)
    cell = np.floor(points * size).astype(int)
    x, y = cell[:, 0, None, None] + reach[None, None, :], cell[:, 1, None, None] + reach[None, :, None]  # n 1 7, n 7 1
    within = (x >= 0) & (x < size) & (y >= 0) & (y < size)
    which = np.arange(len(points))[:, None, None]
    weight = np.where(within, sigmoid(heat[np.clip(y, 0, size - 1), np.clip(x, 0, size - 1), which].astype(np.float64)), 0.0)
    total = np.maximum(weight.sum(axis=(1, 2)), 1e-12)
    mean = np.stack([(weight * x).sum(axis=(1, 2)), (weight * y).sum(axis=(1, 2))], axis=1) / total[:, None] / size
    return np.where(weight.max(axis=(1, 2))[:, None] >= MIN_HEAT, mean, points)
