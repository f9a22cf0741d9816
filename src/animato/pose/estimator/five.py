"""The pose of a picture by five looks at it: as it is, in a mirror, smaller, and turned to both sides.

Their median is the better pose, and how far they are apart tells whether it can be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from animato.core.errors import InputError, OutputError
from animato.core.fit import fit_frame
from animato.core.kept import drop_oldest, name_of, pages_of, used
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.pose.by_hand import MEND
from animato.pose.estimator.estimate import estimate_picture
from animato.pose.estimator.people import LARGEST, Person
from animato.pose.io import load_poses, save_poses
from animato.pose.keypoints import BODY, KEYPOINTS, LEFT_HAND, OTHER_SIDE, RIGHT_HAND, Point, PoseSequence
from animato.pose.skeleton import skeleton, torso_length

SMALLER = 0.8
TURN = 8.0  # degrees
LOOKS = 5
ENOUGH = (1536, 1536)  # px; a larger picture is shrunk for all looks but the plain one: the networks see squares of 256
FEWEST = 4  # looks that must find the person for a pose that can be trusted
APART, OFF = 0.05, 0.1  # T: the usual joint, and a joint that counts as off
MOST_OFF = 0.25  # share of the joints
HANDS = 2  # looks that must find a hand which the plain one does not find


@dataclass(frozen=True, eq=False)
class Look:
    """One way of looking at a picture.

    matrix    2 3  from places in the picture to places in what is looked at
    size      (width, height) of what is looked at
    mirrored  whether left and right are exchanged in it
    """

    matrix: np.ndarray
    size: Size
    mirrored: bool = False

    def picture(self, picture: np.ndarray) -> np.ndarray:
        """H W 3 uint8 as this look sees it; beyond the edge its last pixels go on."""
        matrix = self.matrix.copy()
        matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5  # OpenCV counts from the middle of the first pixel
        return cv2.warpAffine(picture, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def seen(self, xy: np.ndarray) -> np.ndarray:
        """... 2 places of the picture as this look sees them."""
        return xy @ self.matrix[:, :2].T + self.matrix[:, 2]

    def back(self, pose: PoseSequence, size: Size) -> PoseSequence:
        """A pose found in this look, in the picture's own pixels, without its mask."""
        inverse = cv2.invertAffineTransform(self.matrix)
        points = pose.points.copy()
        points[..., :2] = points[..., :2] @ inverse[:, :2].T + inverse[:, 2]
        points[..., 2] /= np.sqrt(abs(np.linalg.det(self.matrix[:, :2])))
        order = OTHER_SIDE if self.mirrored else np.arange(len(OTHER_SIDE))
        return PoseSequence(points[:, :, order], pose.score[:, :, order], size)


@dataclass(frozen=True, eq=False)
class Judged:
    """A pose and what five looks say of it.

    pose   one frame, with the person's mask
    found  looks that found the person
    apart  T, the usual joint's mean distance from the median
    off    share of the joints that are farther than OFF from it
    """

    pose: PoseSequence
    found: int
    apart: float
    off: float

    @property
    def doubtful(self) -> bool:
        """Whether the looks are too far apart for the pose to be trusted."""
        return self.found < FEWEST or self.apart > APART or self.off > MOST_OFF

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user is told of a doubtful pose."""
        if not self.doubtful:
            return ()
        why = f"{self.found} of {LOOKS} looks at it found the figure" if self.found < FEWEST else f"{LOOKS} looks at it do not agree"
        return (f"The picture's pose is doubtful ({why}). Look at it and mend it: {MEND}.",)


def judged_picture(
    picture: np.ndarray, models: Path | None = None, *, person: Person = LARGEST, kept: Path | None = None, progress: Progress = silent
) -> Judged:
    """The pose of one person in a picture, by five looks.

    picture, models, person  as in `estimate_picture`, whose errors are raised
    kept                     a folder in which the looks are kept for the next time; none: they are not
    """
    path = kept / f"{name_of(picture, repr(person), pages_of(Path(__file__).parent))}.npz" if kept else None
    looked = _recalled(path) if path else None
    if looked is None:
        looked = _looked(picture, models, person, progress)
        if path:
            _keep(looked, path)
    progress("picture", LOOKS, LOOKS)
    return judged(looked)


def judged(looked: PoseSequence) -> Judged:
    """The median of the looks, one a frame, the plain one first with the mask that is taken, and how far they are apart."""
    seen = looked.score[:, 0] > 0  # looks 134
    points, score = _median(looked, slice(None), np.arange(KEYPOINTS))
    for wrist, hand in ((Point.L_WRIST, LEFT_HAND), (Point.R_WRIST, RIGHT_HAND)):
        found = np.asarray(seen[:, hand].all(axis=1))  # looks
        if found[0] or found.sum() >= HANDS:  # where there is a hand, there is its wrist
            part = [wrist, *range(hand.start, hand.stop)]
            points[part], score[part] = _median(looked, found, part)
    plain = looked.frames(slice(1))
    pose = replace(plain, points=points[None, None], score=score[None, None])
    body = np.flatnonzero(pose.present()[0, 0, BODY])
    unit = max(torso_length(skeleton(pose)), 1.0)
    away = np.linalg.norm(looked.points[:, 0, body, :2] - points[body, :2], axis=2) / unit  # looks joints
    apart = np.ma.array(away, mask=~seen[:, body]).mean(axis=0).filled(0.0)
    if not len(body):
        return Judged(pose, len(looked), float("inf"), 1.0)
    return Judged(pose, len(looked), float(np.median(apart)), float((apart > OFF).mean()))


def _median(looked: PoseSequence, which: slice | np.ndarray, part: np.ndarray | list[int]) -> tuple[np.ndarray, np.ndarray]:
    """n 3 and n: the median of some points over the looks that saw them, and of their scores over all of `which`."""
    points, score = looked.points[which, 0][:, part], looked.score[which, 0][:, part]
    unseen = np.repeat((score == 0)[..., None], 3, axis=2)
    return np.ma.median(np.ma.array(points, mask=unseen), axis=0).filled(0.0), np.median(score, axis=0)


def looks(size: Size) -> tuple[Look, ...]:
    """The four beside the plain one."""
    width, height = size
    mirror = Look(np.array([[-1.0, 0, width], [0, 1, 0]]), size, True)
    smaller = Look(np.array([[SMALLER, 0, 0], [0, SMALLER, 0]]), (max(round(width * SMALLER), 1), max(round(height * SMALLER), 1)))
    return mirror, smaller, _turned(size, TURN), _turned(size, -TURN)


def _turned(size: Size, degrees: float) -> Look:
    """The whole picture turned about its middle, in a picture that holds all of it."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[cos, sin], [-sin, cos]])
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size]) @ turn.T
    low = corners.min(axis=0)
    width, height = np.ceil(corners.max(axis=0) - low).astype(int)
    return Look(np.column_stack([turn, -low]), (int(width), int(height)))


def _looked(picture: np.ndarray, models: Path | None, person: Person, progress: Progress) -> PoseSequence:
    """The looks that found the person, one a frame, the plain one first; each with the mask of the plain one."""
    progress("picture", 0, LOOKS)
    plain = estimate_picture(picture, models, person=person)
    progress("picture", 1, LOOKS)
    found = [plain, *_others(picture, plain, models, progress)]
    points, score = (np.concatenate([getattr(one, name) for one in found]) for name in ("points", "score"))
    mask = None if plain.mask is None else np.repeat(plain.mask, len(found), axis=0)
    return PoseSequence(points, score, plain.size, 0.0, mask)


def _others(picture: np.ndarray, plain: PoseSequence, models: Path | None, progress: Progress) -> Iterator[PoseSequence]:
    small = fit_frame(picture, ENOUGH) if max(plain.size) > max(ENOUGH) else picture
    size = small.shape[1], small.shape[0]
    hips = plain.scaled(size).points[0, 0, [Point.L_HIP, Point.R_HIP], :2].mean(axis=0)
    for number, look in enumerate(looks(size)):
        x, y = look.seen(hips)
        with suppress(InputError):  # this look may find nobody there
            found = estimate_picture(look.picture(small), models, person=(float(x), float(y)))
            yield look.back(found, size).scaled(plain.size)
        progress("picture", number + 2, LOOKS)


def _recalled(path: Path) -> PoseSequence | None:
    """What was kept; None where nothing was, or it is damaged."""
    if not path.exists():
        return None
    try:
        looked = load_poses(path)
    except InputError:
        return None
    used(path)
    return looked


def _keep(looked: PoseSequence, path: Path) -> None:
    """Keeps the looks where that is possible; that it is not is no reason to stop."""
    try:
        save_poses(looked, path)
    except OutputError:
        return
    drop_oldest(path.parent)
