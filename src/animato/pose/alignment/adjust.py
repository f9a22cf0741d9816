"""What a user changes by hand on an aligned motion: the scale and the place of each group of limbs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from animato.core.errors import InputError
from animato.pose.keypoints import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND, Point


@dataclass(frozen=True)
class Nudge:
    """`scale` multiplies the lengths of a group's bones; `offset` (x, y in picture pixels) then moves the group and what hangs on it."""

    scale: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Adjust:
    """One nudge per group.

    Moving the torso takes head, arms and hands along and leaves the legs on the ground; the whole is scaled about the feet.
    """

    whole: Nudge = Nudge()
    head: Nudge = Nudge()
    torso: Nudge = Nudge()
    arms: Nudge = Nudge()
    hands: Nudge = Nudge()
    legs: Nudge = Nudge()
    feet: Nudge = Nudge()

    def __post_init__(self) -> None:
        for group in fields(self):
            nudge = getattr(self, group.name)
            if not (np.isfinite(nudge.scale) and nudge.scale > 0 and np.isfinite(nudge.offset).all()):
                raise InputError(
                    f"The adjustment of '{group.name}' needs a scale above 0 and a finite offset, not {nudge.scale} and {nudge.offset}."
                )


GROUP_OF_BONE = {
    **dict.fromkeys(("neck", "face"), "head"),
    **dict.fromkeys(("torso", "shoulder", "hip"), "torso"),
    **dict.fromkeys(("upper_arm", "forearm"), "arms"),
    "hand": "hands",
    **dict.fromkeys(("thigh", "shin"), "legs"),
    "foot": "feet",
}


def bone_scale(adjust: Adjust, bone: str) -> float:
    """By how much the nudges of its group and of the whole change a bone."""
    return adjust.whole.scale * getattr(adjust, GROUP_OF_BONE[bone]).scale


def point_offsets(adjust: Adjust, points: int) -> np.ndarray:
    """K 3: how far each of the first `points` keypoints is moved, in pixels."""
    offsets = np.zeros((points, 3))
    for group, indices in _moved().items():
        offsets[indices, :2] += getattr(adjust, group).offset
    return offsets


def _moved() -> dict[str, list[int]]:
    """Group -> the keypoints that its offset moves."""
    hands = [*range(LEFT_HAND.start, LEFT_HAND.stop), *range(RIGHT_HAND.start, RIGHT_HAND.stop)]
    arms = [Point.R_ELBOW, Point.R_WRIST, Point.L_ELBOW, Point.L_WRIST, *hands]
    head = [Point.NOSE, Point.R_EYE, Point.L_EYE, Point.R_EAR, Point.L_EAR, *range(FACE.start, FACE.stop)]
    feet = list(range(FEET.start, FEET.stop))
    legs = [Point.R_KNEE, Point.R_ANKLE, Point.L_KNEE, Point.L_ANKLE, *feet]
    torso = [*(point for point in range(BODY.stop) if point not in legs), *hands, *range(FACE.start, FACE.stop)]
    return {"whole": [*torso, *legs], "head": head, "torso": torso, "arms": arms, "hands": hands, "legs": legs, "feet": feet}
