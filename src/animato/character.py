"""The picture's side of a scene: the picture in the result's size, its figure's outline and pose, estimated or given by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from animato.core.errors import InputError
from animato.core.fit import Fit, fit
from animato.core.opacity import Cut, check_mask, cut_by_alpha, read_cut, read_mask
from animato.core.picture import Colour, read_picture
from animato.core.progress import Progress
from animato.core.reading import is_missing
from animato.core.shapes import Size
from animato.people.shipped import background_path, character_path, characters
from animato.pose.by_hand import pose_by_hand
from animato.pose.estimator.around import mask_around
from animato.pose.estimator.estimate import people_in
from animato.pose.estimator.five import judged_picture
from animato.pose.keypoints import BODY, PoseSequence
from animato.systems.scene import check_picture

BOX = (1024, 768)  # px; without a size the result has the picture's own shape, as large as fits into this box
COVERED = 0.5  # share of the seen joints that an outline by hand must cover


@dataclass(frozen=True, eq=False)
class Character:
    """A picture, and what its user knows of it better than the estimator.

    picture  a file, the name of a shipped character, H W 3 uint8, or H W 4 with the figure's outline as its alpha
    pose     the figure's pose: a file (`animato pose PICTURE -o FILE` writes one; OpenPose's own is taken, too) or one frame of poses
    mask     which pixels show the figure: a picture file as large as the picture (white on the figure, or transparent around it), or
             H W uint8 or bool; without one, the alpha of the picture, if it has one
    kept     a folder in which the pose that is estimated is kept for the next time (core/kept.py); none: it is not
    background  the same shot without the figure: a file as large as the picture, or H W 3 uint8; without one it is made up where the
             figure stood. Shipped characters have theirs
    """

    picture: str | Path | np.ndarray
    pose: str | Path | PoseSequence | None = None
    mask: str | Path | np.ndarray | None = None
    kept: Path | None = None
    background: str | Path | np.ndarray | None = None

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that it is read from."""
        given = (self.picture, self.pose, self.mask, self.background)
        return tuple(Path(one) for one in given if isinstance(one, str | Path))


Picture = str | Path | np.ndarray | Character


@dataclass(frozen=True, eq=False)
class Opened:
    """A character read, checked and as large as the result.

    pixels   H W 3  uint8
    opacity  H W    uint8, 255 on the figure, exact; None where none was given
    pose     its pose in these pixels, one frame; None where none was given
    notes    sentences for the user
    kept     where an estimated pose is kept, if anywhere
    background  H W 3  uint8, the same shot without the figure; None where it is not known
    """

    pixels: np.ndarray
    opacity: np.ndarray | None
    pose: PoseSequence | None
    notes: tuple[str, ...] = ()
    kept: Path | None = None
    background: np.ndarray | None = None


def character_of(picture: Picture) -> Character:
    """A picture with nothing known of it, or what is known."""
    return picture if isinstance(picture, Character) else Character(picture)


def open_cut(picture: Picture) -> Cut:
    """The picture at its own size, and its figure's outline if that was given. Raises InputError."""
    character = character_of(picture)
    given = character.picture
    cut = cut_by_alpha(given) if isinstance(given, np.ndarray) else read_cut(_file(given))
    mask = character.mask
    if mask is None:
        return cut
    shape = cut.pixels.shape
    return Cut(cut.pixels, check_mask(mask, shape) if isinstance(mask, np.ndarray) else read_mask(mask, shape))


def opened(picture: Picture, size: Size | None) -> Opened:
    """A picture with all that was given with it, brought to the result's size together. Raises InputError."""
    cut = open_cut(picture)
    character = character_of(picture)
    own = cut.pixels.shape[1], cut.pixels.shape[0]
    pose = None if character.pose is None else pose_by_hand(character.pose, own)
    placed = placing(own, size)
    opacity = None if cut.opacity is None else placed.frame(cut.opacity)
    border = border_colour(cut.pixels)
    behind = _background(character, cut)
    background = None if behind is None else placed.frame(behind, border)
    return Opened(placed.frame(cut.pixels, border), opacity, pose and _placed(pose, placed), cut.notes, character.kept, background)


def _background(character: Character, cut: Cut) -> np.ndarray | None:
    """H W 3 uint8: the shot without the figure, where it is known. Raises InputError for one of another size.

    Behind a figure that its own alpha cuts out there is nothing but the white that it was laid over.
    """
    given = character.background
    shape = cut.pixels.shape
    if given is None and character.mask is None and cut.opacity is not None:
        return np.full_like(cut.pixels, 255)
    if given is None and isinstance(character.picture, str | Path) and is_missing(Path(character.picture)):
        given = background_path(str(character.picture))
    if given is None:
        return None
    pixels = given if isinstance(given, np.ndarray) else read_picture(given)
    check_picture(pixels)
    if pixels.shape != shape:
        due = f"{shape[1]}x{shape[0]}"
        raise InputError(f"The background is {pixels.shape[1]}x{pixels.shape[0]} pixels and the picture {due}: give one of the same size.")
    return pixels


def placing(own: Size, size: Size | None) -> Fit:
    """Where a picture lies in the result: fitted into BOX with its own shape, or, with bars, in the middle of exactly `size`."""
    if size is None:
        factor = min(BOX[0] / own[0], BOX[1] / own[1])
        size = max(2, round(own[0] * factor / 2) * 2), max(2, round(own[1] * factor / 2) * 2)
    return fit(own, size, "pad")


def border_colour(picture: np.ndarray) -> Colour:
    """The usual colour of a picture's outermost pixels, which bars get."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    red, green, blue = (int(value) for value in np.median(border, axis=0))
    return red, green, blue


def reference_of(character: Opened, progress: Progress) -> tuple[PoseSequence, tuple[str, ...]]:
    """The figure's pose with its mask, and sentences for the user. Raises InputError where nobody is found."""
    if character.pose is None:
        found = judged_picture(character.pixels, kept=character.kept, progress=progress)
        pose = found.pose
        notes = (*character.notes, *company(character.pixels), *found.notes)
    else:
        progress("picture", 0, 1)
        pose = _masked(character.pose, character)
        notes = character.notes
        progress("picture", 1, 1)
    if character.opacity is not None:
        _check_covers(character.opacity, pose)
        pose = replace(pose, mask=character.opacity[None])
    return pose, notes


def _masked(pose: PoseSequence, character: Opened) -> PoseSequence:
    """A pose by hand with the mask that the estimator sees around it, if it sees one and none was given."""
    if pose.mask is not None or character.opacity is not None:
        return pose
    return replace(pose, mask=mask_around(character.pixels, pose))


def company(picture: np.ndarray) -> tuple[str, ...]:
    """What to say where several people are in a picture."""
    count = len(people_in(picture))
    return (f"{count} people are in the picture; took the largest: crop the picture to take another one.",) if count > 1 else ()


def _file(picture: str | Path) -> Path:
    return file_or_shipped(picture, character_path(str(picture)), characters())


def file_or_shipped(given: str | Path, shipped: Path | None, names: tuple[str, ...]) -> Path:
    """The file of a name, or what is shipped under it. Raises InputError where there is neither."""
    path = Path(given)
    if not is_missing(path):
        return path
    if shipped is None:
        raise InputError(
            f"There is no file {given}, and nothing of that name is shipped: check the path, or use one of {', '.join(names)}."
        )
    return shipped


def _placed(pose: PoseSequence, placed: Fit) -> PoseSequence:
    """A pose of the whole picture in the pixels of the result."""
    points = pose.points.copy()
    points[..., :2] = placed.points(points[..., :2])
    points[..., 2] *= placed.scale[0]
    mask = None
    if pose.mask is not None:
        mask = placed.frame(cv2.resize(pose.mask[0], pose.size, interpolation=cv2.INTER_LINEAR))[None]
    return replace(pose, points=points, size=placed.size, mask=mask)


def _check_covers(opacity: np.ndarray, pose: PoseSequence) -> None:
    """Raises InputError where the outline leaves out most of the joints: it is another figure's, or inverted."""
    xy = pose.points[0, 0, BODY, :2][pose.present()[0, 0, BODY]].astype(int)
    xy = xy[((xy >= 0) & (xy < opacity.shape[::-1])).all(axis=1)]
    if len(xy) and (opacity[xy[:, 1], xy[:, 0]] > 0).mean() < COVERED:
        raise InputError("The mask leaves out most of the figure's joints: it must be of this picture and white or opaque on the figure.")
