"""The head from behind: the face is covered with the hair, or whatever else, that surrounds it."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.keypoints import FACE, Point, PoseSequence
from animato.puppet.fill import spread_colours

_HEAD = [Point.NOSE, Point.R_EYE, Point.L_EYE, Point.R_EAR, Point.L_EAR]
FOREHEAD = 0.45  # of the height from chin to brows: how far above the brows the face goes on
WIDER, TALLER = 0.6, 0.95  # half extents of the face over the distance of the ears, when only these are known
RING = 0.35  # of the face's size: how far around it colours are taken from


def seen_from_behind(texture: np.ndarray, pose: PoseSequence) -> np.ndarray | None:
    """H W 4 uint8: the torso layer's texture without the face, or None if no face was seen."""
    face = face_region(pose, texture.shape[:2])
    if face is None:
        return None
    x, y, width, height = cv2.boundingRect(face.astype(np.uint8))
    reach = max(round(RING * max(width, height)), 2)
    window = slice(max(y - reach, 0), y + height + reach), slice(max(x - reach, 0), x + width + reach)
    colours, inside = np.ascontiguousarray(texture[window][..., :3]), face[window]
    solid = texture[window][..., 3] > 250
    skin, hair = _skin_and_hair(colours, inside, solid)
    if not hair.any():
        return None
    across = (pose.points[0, 0, Point.L_EYE] - pose.points[0, 0, Point.R_EYE])[:2]
    filled = spread_colours(colours, hair, across)
    rows = np.arange(inside.shape[0])[:, None] + window[0].start
    cover = inside | (skin & (rows < y + height))
    share = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), max(reach / 12, 1))[..., None]
    result = texture.copy()
    result[window][..., :3] = np.round(texture[window][..., :3] * (1 - share) + filled * share).astype(np.uint8)
    return result


def _skin_and_hair(colours: np.ndarray, face: np.ndarray, solid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels around a face (H W bool) have its colour and which have the colour of what is above it (both H W bool)."""
    lab = cv2.cvtColor(colours, cv2.COLOR_RGB2LAB).astype(np.float32)
    top = np.flatnonzero(face.any(axis=1))[0]
    above = solid & ~face & (np.arange(len(face))[:, None] < top + 0.25 * face.any(axis=1).sum())
    if not above.any():
        return np.zeros_like(face), above
    to_skin, to_hair = (np.linalg.norm(lab - np.median(lab[region], axis=0), axis=2) for region in (face, above))
    ring = solid & ~face
    return ring & (to_skin < to_hair), ring & (to_hair <= to_skin)


def face_region(pose: PoseSequence, shape: tuple[int, int]) -> np.ndarray | None:
    """H W bool: the face with its forehead, from the 68 face points or else from eyes, ears and nose; None without either."""
    points, seen = pose.points[0, 0, :, :2], pose.present()[0, 0]
    canvas = np.zeros(shape, np.uint8)
    if seen[FACE].all():
        outline = _with_forehead(points[FACE])
        cv2.fillConvexPoly(canvas, cv2.convexHull(np.round(outline).astype(np.int32)), 1)
    elif seen[_HEAD].all():
        left, right = points[Point.L_EAR], points[Point.R_EAR]
        across = left - right
        centre = (points[_HEAD].mean(axis=0) + (left + right) / 2) / 2
        size = float(np.hypot(*across))
        angle = float(np.degrees(np.arctan2(across[1], across[0])))
        cv2.ellipse(canvas, (tuple(centre.tolist()), (2 * WIDER * size, 2 * TALLER * size), angle), 1, -1)
    return canvas > 0 if canvas.any() else None


def _with_forehead(face: np.ndarray) -> np.ndarray:
    """The 68 points of a face and its brows once more, moved up."""
    brows = face[17:27]
    up = brows.mean(axis=0) - face[8]
    middle = brows.mean(axis=0)
    return np.concatenate([face, brows + FOREHEAD * up, middle + (brows - middle) * 0.7 + 1.2 * FOREHEAD * up])
