"""The stage: a picture taken apart is set up once and then shown in any frame of a motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from animato.puppet.arap import Polish
from animato.puppet.body import Skeleton
from animato.puppet.face import face_share, nose_shift
from animato.puppet.handles import handles
from animato.puppet.mesh import Mesh, coverage, grid_mesh, signed_areas
from animato.puppet.paint import Texture, lay, texture
from animato.puppet.parts import Layer, Parts
from animato.puppet.plan import FramePlan, plan
from animato.puppet.prolong import prolonged
from animato.puppet.rig import HEAD, LAYER_BONES, bone_maps, rig
from animato.puppet.shadow import cast, ground
from animato.puppet.skin import bone_weights, nearest_joints, skinned

Quality = Literal["fast", "good"]

_STEP = {"good": 1 / 20, "fast": 1 / 12}  # of T: 12 and 20 pixels for a figure of 240
_MIN_AREA = 30  # pixels of a layer worth moving
_SQUEEZED = (0.4, 0.55)  # scale along a bone: below the first a layer is only skinned, from the second on fully polished
_FLIPPED = (0.05, 0.025)  # the same for the share of overturned triangles

_SLIVER = 0.08  # of its area at rest: a triangle pressed smaller shows specks instead of its texture
_FULL = 0.97  # mean alpha of a triangle that is all flesh
_OVERLAP = 0.45  # of the weight: from where a triangle at the joint belongs to the other piece too


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


@dataclass(frozen=True, eq=False)
class Sheet:
    """One layer ready to be moved.

    weights  V B  float64     how much each bone moves a vertex
    pivots   V    complex128  the joint it bends about
    pieces   T 3  int32       the triangles of ROOT and TIP (order.py)
    bones    its own bones, by number
    polish   None if it is to be fast
    """

    mesh: Mesh
    weights: np.ndarray
    pivots: np.ndarray
    pieces: tuple[np.ndarray, np.ndarray]
    bones: list[int]
    front: Texture
    back: Texture
    polish: Polish | None


class Stage:
    """Parts set up for a quality: `good`, or `fast` for coarser meshes without polish."""

    def __init__(self, parts: Parts, quality: Quality = "good") -> None:
        self.parts = parts
        self._rig, self._ground = rig(parts), ground(parts)
        step = max(round(_STEP[quality] * parts.torso), 4)
        self._sheets = {
            name: _sheet(layer, parts, step, polished=quality == "good")
            for name, layer in parts.layers.items()
            if np.count_nonzero(layer.texture[..., 3] > 127) >= _MIN_AREA
        }
        if "torso" in self._sheets:
            torso = self._sheets["torso"]
            self._face = face_share(torso.mesh.points, torso.weights, self._rig)

    def frame(self, what: FramePlan) -> tuple[np.ndarray, FrameReport]:
        """H W 3 uint8 and what to know about it."""
        maps, along = bone_maps(self._rig, what.joints, what.back)
        canvas = self.parts.background.copy()
        if self._ground:
            cast(canvas, what.joints, self._ground)
        moved = {name: _moved(sheet, maps, along, what.back) for name, sheet in self._sheets.items()}
        if not what.back and "torso" in moved:
            moved["torso"][0][:] += self._face * nose_shift(self._rig, what.joints, maps[HEAD])
        for name, piece in what.order:
            if name in moved:
                sheet, points = self._sheets[name], moved[name][0]
                image = sheet.back if what.back else sheet.front
                lay(canvas, image, sheet.mesh.points, points, _faces(sheet, points, sheet.pieces[piece], what.back))
        plain = tuple(name for name, sheet in self._sheets.items() if sheet.polish and not moved[name][1])
        return canvas, FrameReport(what.turned, plain, what.held)


def perform(parts: Parts, target: Skeleton, quality: Quality = "good") -> Iterator[tuple[np.ndarray, FrameReport]]:
    """The frames of an aligned motion (H W 3 uint8) one after the other. InputError as plan.plan."""
    plans, stage = plan(parts, target), Stage(parts, quality)
    return (stage.frame(one) for one in plans)


def self_drive(parts: Parts, picture: np.ndarray) -> float:
    """PSNR in dB of the picture (H W 3 uint8) driven by its own pose: below 25 the parts do not add up to the picture."""
    frame, _ = next(iter(perform(parts, parts.skeleton)))
    error = np.square(frame.astype(np.float32) - picture).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-3)))


def _sheet(layer: Layer, parts: Parts, step: int, polished: bool) -> Sheet:
    layer, corner = prolonged(layer, parts.torso)
    alpha = layer.texture[..., 3]
    mesh = grid_mesh(alpha, step, corner)
    front = texture(layer.texture, corner)
    back = front if layer.back is None else texture(layer.back, corner)
    bones = LAYER_BONES[layer.name]
    polish = Polish(mesh, handles(layer.name, parts)) if polished else None
    weights = bone_weights(mesh.points, layer.name, parts)
    pivots = nearest_joints(mesh.points, layer.name, parts)
    return Sheet(
        mesh, weights, pivots, _pieces(layer.name, mesh, weights, coverage(mesh, alpha, corner) > _FULL), bones, front, back, polish
    )


def _moved(sheet: Sheet, maps: np.ndarray, along: np.ndarray, back: bool) -> tuple[np.ndarray, bool]:
    """Where the vertices go, and whether any polish was left in it."""
    start, blended = skinned(sheet.mesh.points, sheet.weights, sheet.pivots, maps)
    share = _ramp(along[sheet.bones].min(), *_SQUEEZED)
    if sheet.polish is None or share == 0:
        return start, False
    better = sheet.polish(start, blended, maps)
    overturned = signed_areas(better, sheet.mesh.triangles) * (-1 if back else 1) <= 0
    share *= _ramp(overturned.mean(), *_FLIPPED)
    return start + share * (better - start), share > 0


def _faces(sheet: Sheet, moved: np.ndarray, triangles: np.ndarray, back: bool) -> np.ndarray:
    """The triangles that show their face, and more of it than a sliver."""
    areas = signed_areas(moved, triangles) * (-1 if back else 1)
    return triangles[areas > _SLIVER * signed_areas(sheet.mesh.points, triangles)]


def _pieces(name: str, mesh: Mesh, weights: np.ndarray, full: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangles of the two pieces of a layer, which overlap at the joint; of the torso layer all are one.

    They are in the order of painting, which matters where a mesh folds: the empty rim must not wipe out flesh, nor the collar the head.
    """
    share = weights[mesh.triangles].mean(axis=1)  # T B
    tip = share[:, LAYER_BONES[name][1:]].sum(axis=1)
    order = np.lexsort((full, tip > 0.5)) if name == "torso" else np.argsort(full, kind="stable")
    triangles, tip = mesh.triangles[order], tip[order]
    if name == "torso":
        return triangles, triangles[:0]
    return triangles[tip < 1 - _OVERLAP], triangles[tip > _OVERLAP]


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))
