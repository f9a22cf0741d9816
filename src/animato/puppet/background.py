"""The background without the person and without the shadow around the feet."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from animato.core.progress import Progress, silent
from animato.pose.skeleton import SIDES
from animato.puppet.cast import cast_shadow, contact_shadow
from animato.puppet.figure import Figure, distance_to_point, widened
from animato.puppet.inpaint import inpaint
from animato.puppet.kept_plan import fill_rough
from animato.puppet.plate import halo
from animato.puppet.rough import rough_part

# Distances in T.
HALO = 0.2  # from the person, within which what is not like the background leaves with the person
AROUND_HALO = 0.02  # by which a found halo is widened
AROUND = 0.04  # by which the person is, for the mask of a small picture is as rough as that of a large one
FEET = 0.22  # around ankles and toes, where the floor holds their shadow
FEATHER = 0.015  # sigma of the way from the filling into the picture


def background(figure: Figure, probability: np.ndarray, kept: Path | None = None, progress: Progress = silent) -> np.ndarray:
    """H W 3 uint8: the picture with the person, and the floor close to the feet, filled from around (docs/puppet.md, 5).

    probability  H W  float32  0..1, the estimator's person mask, which also covers veils and stray hair that the opacity leaves out
    kept         a folder in which it is kept from where a rough background is copied; none: it is not
    """
    hole = hole_of(figure, probability)
    hole |= widened(halo(figure.picture, hole, HALO * figure.unit), AROUND_HALO * figure.unit)
    hole |= cast_shadow(figure.picture, hole, figure.unit)
    feet = np.array([figure.joint(f"{name}_{side}") for name in ("ankle", "toe") for side in SIDES])
    hole |= contact_shadow(figure.picture, hole, feet, figure.unit)
    filled = inpaint(figure.picture, hole)
    rough = rough_part(figure.picture, hole, figure.unit)
    if rough.any():
        filled = fill_rough(figure.picture, filled, hole, rough, kept, progress)
    share = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), max(FEATHER * figure.unit, 1))[..., None]
    share = np.maximum(share, (figure.alpha > 0.03)[..., None])
    return np.clip(figure.picture + (filled - figure.picture) * share, 0, 255).astype(np.uint8)


def hole_of(figure: Figure, probability: np.ndarray) -> np.ndarray:
    """H W bool: everything that shows the person, widely, and the floor around the feet, which holds their shadow."""
    hole = widened((figure.alpha > 0.03) | (probability > 0.1), AROUND * figure.unit)
    for joint in ("ankle_l", "ankle_r", "toe_l", "toe_r"):
        hole |= distance_to_point(figure.joint(joint), figure.shape) < FEET * figure.unit
    return hole
