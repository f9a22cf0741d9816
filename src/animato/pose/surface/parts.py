"""Poses -> body parts: for every pixel one of DensePose's 24 parts and a point (u, v) of it, by rendering a body fitted to the joints."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from animato.core.raster import interpolate, rasterize
from animato.core.shapes import Size
from animato.pose.keypoints import PoseSequence
from animato.pose.lift import lifted
from animato.pose.limbs import body
from animato.pose.surface.flesh import Surface, surface
from animato.pose.surface.stance import stance

PARTS = 24
HANDS_AND_FEET = (3, 4, 5, 6)
SEEN = 0.1  # score from which a joint is used: the estimator guesses hidden ones better than nothing does
REACH = 0.25  # metres by which hair and clothes may stand away from the body
RIM = 0.015  # metres under the outline from which they take it: at the very edge a sliver of the far side is seen
SLACK = 0.02  # metres by which the body may stick out of the mask


def parts(poses: PoseSequence, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of the first person: labels F H W uint8 (0 background, 1..24 as in flesh.py), (u, v) F H W 2 float32 (0..1).

    poses  joints without depth are lifted first (pose/lift.py); where there is a mask, the parts are fitted to it
    size   (width, height) of the result; the poses are scaled to it
    """
    labels, uv = np.zeros((len(poses), *size[::-1]), np.uint8), np.zeros((len(poses), *size[::-1], 2), np.float32)
    for index, (label, uv_here) in enumerate(rendered(poses, size)):
        labels[index], uv[index] = label, uv_here
    return labels, uv


def rendered(poses: PoseSequence, size: Size) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What `parts` gives, frame by frame."""
    there = np.asarray((poses.score[:, :1] > 0).any(axis=(1, 2)))
    standing = stance(body(lifted(poses.person(0).scaled(size)), SEEN)) if there.any() else None
    mesh = surface(standing) if standing else None
    for index in range(len(poses)):
        if standing is None or mesh is None or not there[index]:
            yield np.zeros(size[::-1], np.uint8), np.zeros((*size[::-1], 2), np.float32)
        elif poses.mask is None:
            yield drawn(mesh, index, size)
        else:
            yield fitted(*drawn(mesh, index, size), poses.mask[index], float(standing.scale[index]))


def drawn(mesh: Surface, index: int, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Labels H W and (u, v) H W 2 of one frame of a mesh, seen from far away."""
    points = mesh.points[index]
    near = 1 + points[:, 2].max() - points[:, 2]
    raster = rasterize(points[:, :2], near, mesh.faces, size)
    pixel, uv_here = interpolate(raster, points[:, :2], mesh.faces, mesh.uv.astype(np.float32))
    face = raster.face.ravel()[pixel]
    labels, uv = np.zeros(size[0] * size[1], np.uint8), np.zeros((size[0] * size[1], 2), np.float32)
    labels[pixel] = mesh.part[face]
    uv[pixel] = np.clip(uv_here + mesh.shift[face], 0, 1)
    return labels.reshape(size[::-1]), uv.reshape(*size[::-1], 2)


def fitted(labels: np.ndarray, uv: np.ndarray, mask: np.ndarray, metre: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels and (u, v) brought to a person's outline: hair and clothes beyond the body are what is nearest of it, within REACH.

    What sticks out of the mask is taken away, but for hands and feet, which masks often lose.

    mask   h w uint8, as in PoseSequence
    metre  in pixels of the labels
    """
    shrinks = mask.shape[0] > labels.shape[0]
    inside = cv2.resize(mask, labels.shape[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR) >= 128
    if not (inside & (labels > 0)).any():
        return labels, uv
    ends = np.isin(labels, HANDS_AND_FEET)
    known = (labels > 0) & ((_distance(~inside) <= SLACK * metre) | ends)
    deep = _distance(known) > RIM * metre
    if not deep.any():
        return np.where(known, labels, 0).astype(np.uint8), np.where(known[..., None], uv, 0)
    away, nearest = cv2.distanceTransformWithLabels((~deep).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    source = np.zeros(int(nearest.max()) + 1, np.int64)
    source[nearest[deep]] = np.flatnonzero(deep)
    sure = known & (deep | ends | (_distance(inside) <= RIM * metre))
    taken = np.where(sure, np.arange(labels.size).reshape(labels.shape), source[nearest])
    kept = known | (inside & (away <= REACH * metre))
    return np.where(kept, labels.ravel()[taken], 0).astype(np.uint8), np.where(kept[..., None], uv.reshape(-1, 2)[taken], 0)


def _distance(region: np.ndarray) -> np.ndarray:
    """H W: pixels from each position of a region (bool) to the nearest outside it."""
    return cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 3)
