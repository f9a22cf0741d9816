"""What every system is given, and the checks that come before any work is done."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np

from animato.core.errors import InputError
from animato.core.media import Clip
from animato.core.shapes import Size
from animato.core.timing import usual_rate
from animato.pose.keypoints import PoseSequence

RATE = 24  # frames a second of a motion that knows no rate


@dataclass(frozen=True, eq=False)
class BodyParts:
    """A driving signal that is followed as it is: a clip of body parts in the colours of pose/surface/densepose.py."""

    title: ClassVar[str] = "a DensePose video"
    clip: Clip


Signal = (
    PoseSequence  # aligned to the picture's body
    | BodyParts  # followed as they are
)
"""What drives a character: a closed union. A system says which of its members it follows. All but poses come as a clip."""

POSES, PARTS = PoseSequence, BodyParts


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture and what it is to perform.

    picture    H W 3 uint8, as large as the result
    reference  the picture's pose in its pixels, one frame, with the person's mask if there is one
    motion     poses aligned to the reference (pose/alignment), in the same pixels; or another signal
    sound      the file whose sound the result carries
    clip       the driving video, if there was one
    opacity    H W uint8, 255 where the picture shows the person: exact, given by hand; None where the mask has to tell
    background H W 3 uint8, the same shot without the person; None where it is not known
    kept       a folder in which what was found out about the picture is kept for the next time; None: it is not
    """

    picture: np.ndarray
    reference: PoseSequence
    motion: Signal
    sound: Path | None = None
    clip: Clip | None = None
    opacity: np.ndarray | None = None
    background: np.ndarray | None = None
    kept: Path | None = None

    @property
    def size(self) -> Size:
        return self.picture.shape[1], self.picture.shape[0]

    @property
    def frames(self) -> int:
        """Of the motion; a clip that does not know its length is run through."""
        if isinstance(self.motion, PoseSequence):
            return len(self.motion)
        return self.motion.clip.length or sum(1 for _ in self.motion.clip)

    @property
    def fps(self) -> Fraction:
        if isinstance(self.motion, PoseSequence):
            return usual_rate(self.motion.fps or RATE)
        return self.motion.clip.fps

    def poses(self) -> PoseSequence:
        """The motion, where it is poses, checked. Raises InputError for another signal, or parts that do not belong together."""
        check_picture(self.picture)
        if not isinstance(self.motion, PoseSequence):
            raise InputError(f"This system follows poses, and {self.motion.title} shows none: give the video that it was made of.")
        check_sizes(self.size, self.reference, self.motion)
        if not len(self.motion) or not self.motion.people:
            raise InputError("The motion has no frames or nobody in it: give one with at least one frame and one person.")
        return self.motion


def check_picture(picture: np.ndarray) -> None:
    """Raises InputError for what is no picture."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InputError(f"The picture must be H x W x 3 bytes, not {' x '.join(map(str, picture.shape))} of {picture.dtype}.")


def check_sizes(size: Size, reference: PoseSequence, motion: PoseSequence) -> None:
    """Raises InputError where picture, pose and motion are not of one size."""
    if reference.size != size or motion.size != size:
        raise InputError(f"The picture is {size}, its pose {reference.size} and the motion {motion.size} pixels: bring all to one size.")
