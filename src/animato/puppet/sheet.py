"""A sheet is one layer ready to be moved: its mesh, what the bones do to it, and its textures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.puppet.arap import Polish
from animato.puppet.handles import handles
from animato.puppet.mesh import Mesh, coverage, grid_mesh, signed_areas
from animato.puppet.paint import Texture, texture
from animato.puppet.parts import Layer, Parts
from animato.puppet.prolong import prolonged
from animato.puppet.rig import LAYER_BONES
from animato.puppet.skin import bone_weights, nearest_joints, skinned

_PULL, _LIMB_PULL = 0.02, 0.1  # arap.Polish: more would tear a skirt, less would cut the corner of a bent elbow
_SQUEEZED = (0.4, 0.55)  # scale along a bone: below the first a layer is only skinned, from the second on fully polished
_FLIPPED = (0.05, 0.025)  # the same for the share of overturned triangles
_SLIVER = 0.08  # of its area at rest: a triangle pressed smaller shows specks instead of its texture
_OVERLAP = 0.45  # of the weight: from where a triangle at the joint belongs to the other piece too


@dataclass(frozen=True, eq=False)
class Sheet:
    """One layer.

    weights  V B  float64     how much each bone moves a vertex
    pivots   V    complex128  the joint it bends about
    pieces   T 3  int32       the triangles of ROOT and TIP (order.py)
    long     the bones whose foreshortening matters, by number
    polish   None if it is to be fast
    """

    mesh: Mesh
    weights: np.ndarray
    pivots: np.ndarray
    pieces: tuple[np.ndarray, np.ndarray]
    long: list[int]
    front: Texture
    back: Texture
    polish: Polish | None

    def moved(self, maps: np.ndarray, along: np.ndarray, back: bool) -> tuple[np.ndarray, bool]:
        """Where the vertices go (V complex) by the maps of rig.bone_maps, and whether any polish was left in it.

        Polish folds a limb that points at the camera, and leaves holes; so it fades out before that, and never from one frame to the next.
        """
        start, blended = skinned(self.mesh.points, self.weights, self.pivots, maps, back)
        share = _ramp(along[self.long].min(), *_SQUEEZED)
        if self.polish is None or share == 0:
            return start, False
        better = self.polish(start, blended, maps, back)
        overturned = signed_areas(better, self.mesh.triangles) * (-1 if back else 1) <= 0
        share *= _ramp(overturned.mean(), *_FLIPPED)
        return start + share * (better - start), share > 0

    def faces(self, piece: int, moved: np.ndarray, back: bool) -> np.ndarray:
        """The triangles of a piece that show their face, and more of it than a sliver."""
        triangles = self.pieces[piece]
        areas = signed_areas(moved, triangles) * (-1 if back else 1)
        return triangles[areas > _SLIVER * signed_areas(self.mesh.points, triangles)]


def sheet(layer: Layer, parts: Parts, step: int, polished: bool) -> Sheet:
    """The sheet of a layer, with mesh cells of `step` pixels."""
    layer, corner = prolonged(layer, parts.torso)
    alpha = layer.texture[..., 3]
    mesh = grid_mesh(alpha, step, corner)
    weights = bone_weights(mesh.points, layer.name, parts)
    front = texture(layer.texture, corner)
    return Sheet(
        mesh=mesh,
        weights=weights,
        pivots=nearest_joints(mesh.points, layer.name, parts),
        pieces=_pieces(layer.name, mesh, weights, coverage(mesh, alpha, corner)),
        long=LAYER_BONES[layer.name][:2],
        front=front,
        back=front if layer.back is None else texture(layer.back, corner),
        polish=Polish(mesh, handles(layer.name, parts), _PULL if layer.name == "torso" else _LIMB_PULL) if polished else None,
    )


def _pieces(name: str, mesh: Mesh, weights: np.ndarray, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangles of the two pieces of a layer, which overlap at the joint; of the torso layer all are one.

    They are in the order of painting, which matters where a mesh folds: what shows more (`shown`, T) lies on top, lest the empty rim
    wipes out flesh, and so does the head over the collar.
    """
    share = weights[mesh.triangles].mean(axis=1)  # T B
    tip = share[:, LAYER_BONES[name][1:]].sum(axis=1)
    if name == "torso":
        return mesh.triangles[np.lexsort((shown, tip > 0.5))], mesh.triangles[:0]
    order = np.argsort(shown, kind="stable")
    triangles, tip = mesh.triangles[order], tip[order]
    return triangles[tip < 1 - _OVERLAP], triangles[tip > _OVERLAP]


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))
