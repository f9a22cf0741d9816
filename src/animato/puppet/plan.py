"""What happens in every frame of a clip, decided before the first is painted: then a frame depends on nothing but its plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.errors import InputError
from animato.pose.skeleton import J, Skeleton
from animato.puppet.affine import wrap
from animato.puppet.head import with_heads
from animato.puppet.hold import held, limbs_held
from animato.puppet.order import Piece, painting_order, switched
from animato.puppet.parts import Parts
from animato.puppet.rig import across_body, as_complex

_TURNED = np.deg2rad(60)
_FACING_BAND = 0.15  # of the picture's shoulder width


@dataclass(frozen=True, eq=False)
class FramePlan:
    """One frame.

    joints  J  complex128  where the joints stand, x + iy in picture pixels
    order   pieces of the layers, back to front
    back    the body shows the other side than in the picture
    turned  the body is turned more than 60 degrees from the picture: a flat picture cannot show it well
    held    layers whose joints were missing and were held
    """

    joints: np.ndarray
    order: tuple[Piece, ...]
    back: bool
    turned: bool
    held: tuple[str, ...]


def plan(parts: Parts, target: Skeleton) -> list[FramePlan]:
    """One FramePlan for each frame of an aligned target skeleton. InputError if the target has no frame or a joint that is not a number."""
    if not len(target):
        raise InputError("The driving motion has no frame.")
    if not np.isfinite(target.xyz).all():
        raise InputError("The driving motion holds coordinates that are not numbers; estimate its pose again.")
    joints, z, missing = held(with_heads(target, parts.skeleton), parts.skeleton)
    order = painting_order(z, parts.torso)
    back = _shows_back(joints, as_complex(parts.skeleton.xyz[0]))
    turned = np.abs(wrap(_heading(joints, z) - _heading(as_complex(parts.skeleton.xyz), parts.skeleton.xyz[..., 2]))) > _TURNED
    return [FramePlan(*row) for row in zip(joints, order, map(bool, back), map(bool, turned), limbs_held(missing), strict=True)]


def _heading(joints: np.ndarray, z: np.ndarray) -> np.ndarray:
    """F angles of the shoulder line about the spine, 0 where it lies in the picture plane."""
    across = across_body(joints, (J["shoulder_l"], J["shoulder_r"]))
    return np.arctan2((z[:, J["shoulder_l"]] - z[:, J["shoulder_r"]]) / 2, across)


def _shows_back(joints: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """F bool, with hysteresis: left and right have changed places against the picture."""
    pair = (J["shoulder_l"], J["shoulder_r"])
    width = across_body(rest, pair)
    ratio = across_body(joints, pair) * np.sign(width) / max(abs(float(width)), 1e-6)
    return switched(-ratio, -_FACING_BAND, _FACING_BAND)
