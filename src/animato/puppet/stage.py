"""The stage: a picture taken apart is set up once and then shown in any frame of a motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from animato.pose.skeleton import Skeleton
from animato.puppet.face import face_share, nose_shift
from animato.puppet.paint import lay
from animato.puppet.parts import Parts
from animato.puppet.plan import FramePlan, plan
from animato.puppet.rig import HEAD, bone_maps, rig
from animato.puppet.shadow import cast, ground
from animato.puppet.sheet import Placed, sheet

Quality = Literal["fast", "good"]

_STEP = {"good": 1 / 20, "fast": 1 / 12}  # of T: 12 and 20 pixels for a figure of 240
_MIN_AREA = 30  # pixels of a layer worth moving


@dataclass(frozen=True)
class FrameReport:
    """What to know about one frame.

    turned   the body is turned too far from the picture to look right
    skinned  layers that had to do without the as-rigid-as-possible polish
    held     layers that kept their last pose because the motion does not show them
    """

    turned: bool
    skinned: tuple[str, ...]
    held: tuple[str, ...]


class Stage:
    """Parts set up for a quality: `good`, or `fast` for coarser meshes without polish and softer sampling."""

    def __init__(self, parts: Parts, quality: Quality = "good") -> None:
        self.parts, self.quality = parts, quality
        self._rig = rig(parts)
        self._ground = ground(parts)
        step = max(round(_STEP[quality] * parts.torso), 4)
        self.sheets = {
            name: sheet(layer, parts, step, polished=quality == "good")
            for name, layer in parts.layers.items()
            if np.count_nonzero(layer.texture[..., 3] > 127) >= _MIN_AREA
        }
        torso = self.sheets.get("torso")
        self._face = None if torso is None else face_share(torso.mesh.points, self._rig)

    def frame(self, what: FramePlan) -> tuple[np.ndarray, FrameReport]:
        """H W 3 uint8 and what to know about it; it depends on nothing but the plan."""
        placed = self.placed(what)
        plain = tuple(name for name, part in self.sheets.items() if part.polish and not placed[name].polished)
        return self._painted(what, placed), FrameReport(what.turned, plain, what.held)

    def placed(self, what: FramePlan) -> dict[str, Placed]:
        """Layer -> where its vertices go in a frame."""
        maps, along = bone_maps(self._rig, what.joints, what.back)
        placed = {name: part.placed(maps, along, what.back) for name, part in self.sheets.items()}
        if self._face is not None and not what.back:
            placed["torso"].points[0] += self._face * nose_shift(self._rig, what.joints, maps[HEAD])
        return placed

    def _painted(self, what: FramePlan, placed: dict[str, Placed]) -> np.ndarray:
        canvas = self.parts.background.copy()
        if self._ground:
            cast(canvas, what.joints, self._ground)
        before = set()
        for name, piece in what.order:
            if name in placed and piece < len(placed[name].points):
                part, points = self.sheets[name], placed[name].points[piece]
                image = part.image(piece, placed[name], name in before, what.back)
                lay(canvas, image, part.mesh.points, points, part.faces(piece, points, what.back), sharp=self.quality == "good")
                before.add(name)
        return canvas


def perform(parts: Parts, target: Skeleton, quality: Quality = "good") -> Iterator[tuple[np.ndarray, FrameReport]]:
    """The frames of an aligned motion (H W 3 uint8) one after the other. InputError as plan.plan."""
    plans = plan(parts, target)
    stage = Stage(parts, quality)
    return (stage.frame(one) for one in plans)


def self_drive(parts: Parts, picture: np.ndarray) -> float:
    """PSNR in dB of the picture (H W 3 uint8) driven by its own pose: below 25 the parts do not add up to the picture.

    Only the person's pixels can be wrong: the background may differ on purpose, for it loses the person's shadow.
    """
    frame, _ = next(perform(parts, parts.skeleton))
    person = np.any([layer.shown for layer in parts.layers.values()], axis=0)
    error = np.square(frame[person].astype(np.float32) - picture[person]).sum() / picture.size
    return float(10 * np.log10(255**2 / max(error, 1e-3)))
