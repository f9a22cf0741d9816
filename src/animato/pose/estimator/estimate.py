"""The embedded pose estimator: a picture or a clip in, a PoseSequence of one chosen person out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from animato.core.errors import InputError, NobodyFound
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.pose.by_hand import MEND
from animato.pose.estimator.belief import bodies_of
from animato.pose.estimator.blaze import Body
from animato.pose.estimator.convert import keypoints_of
from animato.pose.estimator.network import sigmoid
from animato.pose.estimator.people import LARGEST, People, Person, Someone, around_point, chosen, describe_choice
from animato.pose.estimator.whole import Details
from animato.pose.keypoints import KEYPOINTS, PoseSequence

__all__ = ["Person", "describe_choice", "estimate_picture", "estimate_video", "frames_without_person", "people_in"]

MASK_SIDE = 512


def people_in(picture: np.ndarray, models: Path | None = None, *, person: Person = LARGEST) -> list[Someone]:
    """H W 3 uint8 -> the people in a picture, from left to right, each with score, middle, size and box.

    A point as `person` makes it look there more closely, as estimating does.
    """
    return People(models)(picture, around_point(picture, person))


def estimate_picture(
    picture: np.ndarray, models: Path | None = None, *, person: Person = LARGEST, hands: bool = True, face: bool = True
) -> PoseSequence:
    """The pose of one person in a picture.

    picture  H W 3 uint8 RGB
    models   folder of the model files; default: the cache
    person   "largest", an index from left to right, or a point (x, y) in pixels
    Returns one frame of one person, with the person's mask.
    Raises NobodyFound when nobody is there, InputError when there is no such person, MissingModelError without models.
    """
    find = People(models)
    details = Details(models, hands=hands, face=face)
    people = find(picture, around_point(picture, person))
    if not people:
        raise NobodyFound(
            "No person was found in the picture. Use a picture that shows one person whole, or at least from the hips up; "
            f"point at a small one with --person X,Y; for a drawing or a doll: {MEND}."
        )
    body = chosen(people, person).body
    size = picture.shape[1], picture.shape[0]
    points, score = keypoints_of(details(picture, body))
    return PoseSequence(points[None, None], score[None, None], size, mask=mask_of(body, size)[None])


def estimate_video(
    clip: Clip,
    models: Path | None = None,
    *,
    person: Person = LARGEST,
    hands: bool = True,
    face: bool = True,
    masks: bool = False,
    progress: Progress = silent,
) -> PoseSequence:
    """The pose of one person in every frame of a clip.

    person   as in estimate_picture, in the first frame that shows anybody who is found again; followed from there, and backwards
    masks    whether to keep the person's mask of every frame (147 kB each)
    Frames in which the person is not to be seen have score 0: `frames_without_person` lists them.
    Raises InputError when no frame shows anybody or the chosen person is not among the first to be seen, MissingModelError without models.
    """
    details = Details(models, hands=hands, face=face)
    frames, mask, seen = [], [], None
    for done, (picture, body) in enumerate(bodies_of(clip, People(models), person)):
        seen = details(picture, body, seen) if body else None
        frames.append(keypoints_of(seen) if seen else (np.zeros((KEYPOINTS, 3)), np.zeros(KEYPOINTS)))
        if masks:
            mask.append(mask_of(body, clip.size))
        progress("pose", done + 1, clip.length or 0)
    _check_anybody([score for _, score in frames])
    points, scores = (np.stack(part)[:, None] for part in zip(*frames, strict=True))
    return PoseSequence(points, scores, clip.size, float(clip.fps), np.stack(mask) if masks else None)


def frames_without_person(sequence: PoseSequence) -> list[int]:
    """Numbers (from 0) of the frames in which nothing of the first person was found."""
    return [int(frame) for frame in np.flatnonzero(~(sequence.score[:, 0] > 0).any(axis=1))]


def _check_anybody(scores: list[np.ndarray]) -> None:
    if not scores:
        raise InputError("The video has no frames. Use another one.")
    if not any(score.any() for score in scores):
        first = ", ".join(str(frame) for frame in range(min(3, len(scores))))
        more = ", ..." if len(scores) > 3 else ""
        advice = "Use a video of one person, seen at least from the hips up."
        raise InputError(f"No person was found in the video: frames {first}{more} show nobody. {advice}")


def mask_of(body: Body | None, size: Size) -> np.ndarray:
    """h w uint8: how surely each pixel of the (reduced) whole picture shows the person."""
    shrink = min(1.0, MASK_SIDE / max(size))
    small = max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
    if body is None:
        return np.zeros(small[::-1], np.uint8)
    return np.rint(255 * body.region.paste(sigmoid(body.mask), small, size)).astype(np.uint8)
