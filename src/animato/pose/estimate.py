"""The embedded pose estimator: a picture or a clip in, a PoseSequence of one chosen person out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from animato.core.errors import InputError
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.pose.blaze import MIN_SCORE, BodyLandmarks, Detector, Found, Landmarks, sigmoid
from animato.pose.convert import keypoints_of
from animato.pose.keypoints import KEYPOINTS, PoseSequence
from animato.pose.region import Region, blend

Person = str | int | tuple[float, float]
VIEWS = (1.0, 1.3, 2.0)
LOOKS = 3
NEW_SHARE = 0.2
MASK_SIDE = 512


def people_in(picture: np.ndarray, models: Path | None = None) -> list[Found]:
    """H W 3 uint8 -> the people in a picture, from left to right."""
    return _people(Detector(models), picture)


def estimate_picture(
    picture: np.ndarray, models: Path | None = None, *, person: Person = "largest", hands: bool = True, face: bool = True
) -> PoseSequence:
    people = people_in(picture, models)
    if not people:
        raise InputError("No person was found in the picture. Use a picture that shows one person whole, or at least from the hips up.")
    found = _settle(BodyLandmarks(models), picture, _chosen(people, person).region)
    size = picture.shape[1], picture.shape[0]
    points, score = keypoints_of(found, size)
    return PoseSequence(points[None, None], score[None, None], size, mask=_mask(found, size)[None])


def estimate_video(
    clip: Clip,
    models: Path | None = None,
    *,
    person: Person = "largest",
    hands: bool = True,
    face: bool = True,
    progress: Progress = silent,
) -> PoseSequence:
    detector, landmarks = Detector(models), BodyLandmarks(models)
    points, score, masks = [], [], []
    region = None
    for done, picture in enumerate(clip):
        found = landmarks(picture, region) if region else None
        if found is None or found.presence < MIN_SCORE:
            people = _people(detector, picture)
            found = _settle(landmarks, picture, _chosen(people, person).region) if people else None
            region = found.next if found else None
        else:
            region = blend(found.region, found.next, NEW_SHARE)
        p, s = keypoints_of(found, clip.size) if found else (np.zeros((KEYPOINTS, 3)), np.zeros(KEYPOINTS))
        points.append(p)
        score.append(s)
        masks.append(_mask(found, clip.size) if found else np.zeros_like(masks[0]))
        progress("pose", done + 1, clip.length or 0)
    return PoseSequence(np.array(points)[:, None], np.array(score)[:, None], clip.size, float(clip.fps), np.array(masks))


def _people(detector: Detector, picture: np.ndarray) -> list[Found]:
    height, width = picture.shape[:2]
    for view in VIEWS:
        people = detector(picture, Region(width / 2, height / 2, view * max(width, height)))
        if people:
            return sorted(people, key=lambda one: one.region.x)
    return []


def _chosen(people: list[Found], person: Person) -> Found:
    return max(people, key=lambda one: one.region.side)


def _settle(landmarks: BodyLandmarks, picture: np.ndarray, region: Region) -> Landmarks:
    for _ in range(LOOKS):
        found = landmarks(picture, region)
        region = found.next
    return found


def _mask(found: Landmarks, size: Size) -> np.ndarray:
    shrink = min(1.0, MASK_SIDE / max(size))
    small = max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
    return np.rint(255 * found.region.paste(sigmoid(found.mask), small, size)).astype(np.uint8)
