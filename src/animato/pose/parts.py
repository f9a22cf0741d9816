"""Poses -> body parts: for every pixel one of DensePose's 24 parts and a place (u, v) in it, by rendering a body fitted to the joints."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from animato.core.raster import interpolate, rasterize
from animato.core.shapes import Size
from animato.pose.flesh import Surface, surface
from animato.pose.keypoints import PoseSequence
from animato.pose.lift import lifted
from animato.pose.limbs import body
from animato.pose.stance import stance

PARTS = 24
SEEN = 0.1  # score from which a joint is used: hidden ones are placed better by the estimator than by nothing


def parts(poses: PoseSequence, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of the first person: labels F H W uint8 (0 background, 1..24 as in pose/flesh.py), (u, v) F H W 2 float32 (0..1).

    poses  joints without depth (all z 0) are lifted first (pose/lift.py); where there is a mask, the parts are fitted to it
    size   (width, height) of the result; the poses are scaled to it
    """
    frames = list(rendered(poses, size))
    if not frames:
        return np.zeros((0, size[1], size[0]), np.uint8), np.zeros((0, size[1], size[0], 2), np.float32)
    return np.stack([labels for labels, _ in frames]), np.stack([places for _, places in frames])


def rendered(poses: PoseSequence, size: Size) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What `parts` gives, frame by frame."""
    there = np.asarray((poses.score[:, :1] > 0).any(axis=(1, 2)))
    mesh = surface(stance(body(lifted(poses.person(0).scaled(size)), SEEN))) if there.any() else None
    for index in range(len(poses)):
        if mesh is None or not there[index]:
            yield np.zeros((size[1], size[0]), np.uint8), np.zeros((size[1], size[0], 2), np.float32)
            continue
        labels, places = _drawn(mesh, index, size)
        yield labels, places


def _drawn(mesh: Surface, index: int, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """H W and H W 2: what is seen of a frame's mesh, the camera far away."""
    points = mesh.points[index]
    near = 1 + points[:, 2].max() - points[:, 2]
    raster = rasterize(points[:, :2], near, mesh.faces, size)
    pixel, place = interpolate(raster, points[:, :2], mesh.faces, mesh.place.astype(np.float32))
    face = raster.face.ravel()[pixel]
    labels, places = np.zeros(size[0] * size[1], np.uint8), np.zeros((size[0] * size[1], 2), np.float32)
    labels[pixel] = mesh.part[face]
    places[pixel] = np.clip(place + mesh.shift[face], 0, 1)
    return labels.reshape(size[1], size[0]), places.reshape(size[1], size[0], 2)
