"""The 134 keypoints of a procedural person, read off the bones and the surface of the head, and which of them are seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.raster import Raster
from animato.people.extremities import finger_tip
from animato.people.head import HeadShape, face_outline, face_points, nose_tip, origin
from animato.people.looks import Look
from animato.people.scene import Camera
from animato.people.skeleton import FINGERS, SIDES, J, Joints
from animato.pose.keypoints import FACE, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point

SEEN, HIDDEN, MISSING = 1.0, 0.5, 0.0
_BONES = {"SHOULDER": "shoulder", "ELBOW": "elbow", "WRIST": "wrist", "HIP": "hip", "KNEE": "knee", "ANKLE": "ankle"}
_FEET = {"BIG_TOE": (0.2, 0.68), "SMALL_TOE": (-0.3, 0.58), "HEEL": (0.0, -0.2)}  # inwards and forwards from the ankle in foot lengths


@dataclass(frozen=True, eq=False)
class Known:
    """Keypoints in space.

    xyz       K 3  metres
    depth     K    metres that each lies at most under the surface
    outwards  K 3  normals of the points on the head, 0 for others
    pelvis    3    the middle of the hips
    """

    xyz: np.ndarray
    depth: np.ndarray
    outwards: np.ndarray
    pelvis: np.ndarray


def keypoints(look: Look, joints: Joints, frame: int) -> Known:
    """All 134 points of one frame."""
    xyz = np.zeros((KEYPOINTS, 3))
    depth = np.full(KEYPOINTS, 0.05)
    outwards = np.zeros((KEYPOINTS, 3))
    position, rotation, girth = joints.position[frame], joints.rotation[frame], look.build.girth
    for point in Point:
        side, _, name = point.name.partition("_")
        if name in _BONES:
            xyz[point] = position[J[f"{_BONES[name]}_{side.lower()}"]]
            depth[point] = girth * {"HIP": 0.17, "SHOULDER": 0.13}.get(name, 0.09)
        elif name in _FEET:
            xyz[point], depth[point] = _foot(look, joints, frame, name, side.lower()), 0.1
    xyz[Point.NECK] = (xyz[Point.R_SHOULDER] + xyz[Point.L_SHOULDER]) / 2
    depth[Point.NECK] = 0.14 * girth
    _head(look, position[J["head"]], rotation[J["head"]], xyz, outwards)
    for s, hand in zip(SIDES, (LEFT_HAND, RIGHT_HAND), strict=True):
        xyz[hand], depth[hand] = _hand(joints, frame, s), 0.035
    return Known(xyz, depth, outwards, (xyz[Point.R_HIP] + xyz[Point.L_HIP]) / 2)


def _foot(look: Look, joints: Joints, frame: int, name: str, s: str) -> np.ndarray:
    inwards, forwards = _FEET[name]
    length, sign = look.build.foot, (-1.0 if s == "l" else 1.0)
    joint = "ankle" if name == "HEEL" else "ball"
    low = 0.25 * look.build.ankle - look.build.ankle if joint == "ankle" else -0.01
    local = np.array([sign * inwards * 0.4 * length, low, length * (forwards - (0.52 if joint == "ball" else 0.0))])
    return joints.position[frame, J[f"{joint}_{s}"]] + joints.rotation[frame, J[f"{joint}_{s}"]] @ local


def _head(look: Look, at: np.ndarray, rotation: np.ndarray, xyz: np.ndarray, outwards: np.ndarray) -> None:
    h, base = look.build.head, origin(look.build)
    shape = HeadShape(h, look.face.jaw)
    parts = face_outline(look.face)
    local = np.zeros((KEYPOINTS, 3))
    local[FACE] = face_points(look)
    local[Point.NOSE] = nose_tip(look)
    for point, name in ((Point.R_EYE, "right_eye"), (Point.L_EYE, "left_eye")):
        x, y = parts[name].mean(axis=0)
        local[point] = shape.surface(h * x, y)
    for point, sign in ((Point.R_EAR, -1), (Point.L_EAR, 1)):
        local[point] = [sign * float(shape.width(np.array(0.44))), 0.44 * h, 0.0]
    which = np.r_[FACE, [Point.NOSE, Point.R_EYE, Point.L_EYE, Point.R_EAR, Point.L_EAR]]
    xyz[which] = at + (local[which] + base) @ rotation.T
    normal = local[which] * [1 / 0.32**2, 0, 1 / 0.38**2]
    outwards[which] = normal / np.linalg.norm(normal, axis=1, keepdims=True) @ rotation.T


def _hand(joints: Joints, frame: int, s: str) -> np.ndarray:
    """21 3: wrist, then thumb to little finger from the root to the tip."""
    points = [joints.position[frame, J[f"wrist_{s}"]]]
    for finger in FINGERS:
        points += [joints.position[frame, J[f"{finger}{k}_{s}"]] for k in (1, 2, 3)]
        points.append(finger_tip(joints, finger, s)[frame])
    return np.array(points)


def scores(known: Known, camera: Camera, raster: Raster) -> tuple[np.ndarray, np.ndarray]:
    """Places in the picture (134 3, z in pixels from the middle of the hips) and scores (134).

    A point is hidden if the surface before it is nearer than its own can be. Points of the head that face away from the camera are missing.
    """
    pixels, near = camera.project(known.xyz)
    hip_near = float(camera.project(known.pelvis)[1])
    z = (known.pelvis[2] - known.xyz[:, 2]) * camera.size[1] * camera.focal * hip_near
    height, width = raster.depth.shape
    scale = height / camera.size[1]
    column = np.clip((pixels[:, 0] * scale).astype(int), 0, width - 1)
    row = np.clip((pixels[:, 1] * scale).astype(int), 0, height - 1)
    surface = raster.depth[row, column]
    covered = (surface > 0) & (1 / np.maximum(surface, 1e-6) < 1 / near - known.depth)
    outside = (pixels < 0).any(1) | (pixels[:, 0] >= camera.size[0]) | (pixels[:, 1] >= camera.size[1])
    towards = np.array([0, camera.height, camera.distance]) - known.xyz
    facing = (known.outwards * towards).sum(1) / np.linalg.norm(towards, axis=1)
    away = (np.abs(known.outwards).sum(1) > 0) & (facing < -0.2)
    score = np.where(outside | away, MISSING, np.where(covered, HIDDEN, SEEN))
    return np.concatenate([pixels, z[:, None]], axis=1), score
