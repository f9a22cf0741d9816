"""The embedded pose estimator: a picture or a clip in, a PoseSequence of one chosen person out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from animato.core.errors import InputError
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.pose.blaze import Body, Found
from animato.pose.convert import keypoints_of
from animato.pose.keypoints import KEYPOINTS, PoseSequence
from animato.pose.network import sigmoid
from animato.pose.tracker import LARGEST, Estimator, Person, Tracker, chosen

MASK_SIDE = 512


def people_in(picture: np.ndarray, models: Path | None = None) -> list[Found]:
    """H W 3 uint8 -> the people in a picture, from left to right."""
    return Estimator(models, hands=False, face=False).people(picture)


def estimate_picture(
    picture: np.ndarray, models: Path | None = None, *, person: Person = LARGEST, hands: bool = True, face: bool = True
) -> PoseSequence:
    estimator = Estimator(models, hands=hands, face=face)
    people = estimator.people(picture)
    if not people:
        raise InputError("No person was found in the picture. Use a picture that shows one person whole, or at least from the hips up.")
    body = estimator.settled(picture, chosen(people, person).region)
    size = picture.shape[1], picture.shape[0]
    points, score = keypoints_of(estimator.whole(picture, body))
    return PoseSequence(points[None, None], score[None, None], size, mask=_mask(body, size)[None])


def estimate_video(
    clip: Clip,
    models: Path | None = None,
    *,
    person: Person = LARGEST,
    hands: bool = True,
    face: bool = True,
    progress: Progress = silent,
    masks: bool = False,
) -> PoseSequence:
    tracker = Tracker(Estimator(models, hands=hands, face=face), person)
    points, score, mask = [], [], []
    for done, picture in enumerate(clip):
        seen = tracker(picture)
        p, s = keypoints_of(seen) if seen else (np.zeros((KEYPOINTS, 3)), np.zeros(KEYPOINTS))
        points.append(p)
        score.append(s)
        if masks:
            mask.append(_mask(seen.body if seen else None, clip.size))
        progress("pose", done + 1, clip.length or 0)
    return PoseSequence(np.array(points)[:, None], np.array(score)[:, None], clip.size, float(clip.fps), np.array(mask) if masks else None)


def _mask(body: Body | None, size: Size) -> np.ndarray:
    shrink = min(1.0, MASK_SIDE / max(size))
    small = max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
    if body is None:
        return np.zeros(small[::-1], np.uint8)
    return np.rint(255 * body.region.paste(sigmoid(body.mask), small, size)).astype(np.uint8)
