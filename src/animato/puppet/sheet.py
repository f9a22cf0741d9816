"""A sheet is one layer ready to be moved: its mesh, what the bones do to it, and the pieces in which it is painted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from animato.puppet.affine import unit
from animato.puppet.arap import Polish
from animato.puppet.handles import handles
from animato.puppet.hinge import Hinge, bends, hinge
from animato.puppet.mesh import Mesh, coverage, grid_mesh, signed_areas
from animato.puppet.paint import Texture, dimmed, mixed, texture
from animato.puppet.parts import Layer, Parts
from animato.puppet.prolong import prolonged
from animato.puppet.rig import LAYER_BONES, TORSO
from animato.puppet.skin import bone_weights, nearest_joints, piece_weights, skinned

_PULL, _LIMB_PULL = 0.02, 0.1  # arap.Polish: more would tear a skirt, less would cut the corner of a bent elbow
_SQUEEZED = (0.4, 0.55)  # scale along a bone: below the first a layer is only skinned, from the second on fully polished
_FLIPPED = (0.05, 0.025)  # the same for the share of overturned triangles
_SLIVER, _SHARD = 0.08, 5.0  # of its area at rest: a triangle pressed smaller shows specks instead of its texture, a larger one a smear
_LEFT = np.deg2rad(12)  # the turn against the torso from which on a limb has left what lies over it in the picture
_RIM = 7  # pixels: a triangle that comes so near to what shows of a piece belongs to it


@dataclass(frozen=True, eq=False)
class Piece:
    """What is painted at once.

    triangles  T 3  int32    in the order of painting
    weights    V B  float64  how the bones move it when the limb has come apart at its hinge
    joined     its pixels while the layer is one skin
    apart      the same when it has come apart and lies under, or over, the other piece
    resting    its pixels where it lies as in the picture, with the gaps where something else lies over it there; None: no gaps
    """

    triangles: np.ndarray
    weights: np.ndarray
    joined: Texture
    apart: tuple[Texture, Texture]
    resting: Texture | None = None


@dataclass(frozen=True, eq=False)
class Placed:
    """A sheet in one frame.

    points    V complex for each piece
    stiff     0..1: how far its pieces have come apart
    polished  whether it is as good as it can be
    moved     for each piece 0..1: how far it has left what lies over it in the picture
    """

    points: list[np.ndarray]
    stiff: float
    polished: bool
    moved: list[float]


@dataclass(frozen=True, eq=False)
class Sheet:
    """One layer.

    weights  V B  float64     how much each bone moves a vertex while the layer is one skin
    pivots   V    complex128  the joint it bends about
    pieces   ROOT and TIP (order.py), or the torso alone
    hinge    where a limb comes apart, if it may
    long     the bones whose foreshortening matters, by number
    back     the pixels of the torso seen from behind, where they differ
    polish   None if it is to be fast
    """

    mesh: Mesh
    weights: np.ndarray
    pivots: np.ndarray
    pieces: tuple[Piece, ...]
    hinge: Hinge | None
    long: list[int]
    back: Texture | None
    polish: Polish | None

    def placed(self, maps: np.ndarray, along: np.ndarray, back: bool) -> Placed:
        """Where the sheet goes by the maps of rig.bone_maps.

        A limb that bends much farther or less far than in the picture would be wrung like a rag: its pieces come apart, and turn about
        the hinge as they are. It goes from one state to the other step by step, lest it jump.
        """
        stiff = 0.0 if self.hinge is None else self.hinge.stiffness(maps[self.long[0]], maps[self.long[1]])
        moved = [_moved(maps[bone], maps[TORSO]) for bone in self.long[: len(self.pieces)]]
        if stiff == 1:
            return Placed([self._apart(piece, maps, back) for piece in self.pieces], stiff, True, moved)
        whole, polished = self._whole(maps, along, back)
        points = [whole + stiff * (self._apart(piece, maps, back) - whole) if stiff else whole for piece in self.pieces]
        return Placed(points, stiff, polished, moved)

    def _apart(self, piece: Piece, maps: np.ndarray, back: bool) -> np.ndarray:
        return skinned(self.mesh.points, piece.weights, self.pivots, maps, back)[0]

    def _whole(self, maps: np.ndarray, along: np.ndarray, back: bool) -> tuple[np.ndarray, bool]:
        """The layer as one skin, and whether any polish is left in it.

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
        """The triangles of a piece that show their face, neither pressed to a sliver nor torn to a shard."""
        triangles = self.pieces[piece].triangles
        growth = signed_areas(moved, triangles) * (-1 if back else 1) / signed_areas(self.mesh.points, triangles)
        return triangles[(growth > _SLIVER) & (growth < _SHARD)]

    def image(self, piece: int, placed: Placed, over: bool, back: bool) -> Texture:
        """The pixels of a piece, which lies over the other one or under it."""
        if back and self.back is not None:
            return self.back
        one = self.pieces[piece]
        image = mixed(one.joined, one.apart[over], placed.stiff)
        return image if one.resting is None else mixed(one.resting, image, placed.moved[piece])


def sheet(layer: Layer, parts: Parts, step: int, polished: bool) -> Sheet:
    """The sheet of a layer, with mesh cells of `step` pixels."""
    bend = hinge(layer, parts) if bends(layer) else None
    layer, corner = prolonged(layer, parts.torso)
    mesh = grid_mesh(layer.texture[..., 3], step, corner)
    image = texture(layer.texture, corner)
    weights = bone_weights(mesh.points, layer.name, parts)
    if bend is None:
        pieces = _whole(layer.name, mesh, weights, image)
    else:
        pieces = _cut(mesh, bend, piece_weights(mesh.points, layer.name, parts), image)
    if layer.covered is not None:
        pieces = tuple(replace(piece, resting=_uncovered(piece.joined, layer.covered)) for piece in pieces)
    return Sheet(
        mesh=mesh,
        weights=weights,
        pivots=nearest_joints(mesh.points, layer.name, parts),
        pieces=pieces,
        hinge=bend,
        long=LAYER_BONES[layer.name][:2],
        back=None if layer.back is None else texture(layer.back, corner),
        polish=Polish(mesh, handles(layer.name, parts), _PULL if layer.name == "torso" else _LIMB_PULL) if polished else None,
    )


def _whole(name: str, mesh: Mesh, weights: np.ndarray, image: Texture) -> tuple[Piece, ...]:
    """A layer that stays in one. Where its mesh folds, what shows more lies on top, and so does the head over the collar."""
    tip = weights[mesh.triangles].mean(axis=1)[:, LAYER_BONES[name][1:]].sum(axis=1)
    order = np.lexsort((coverage(mesh, 255 - image.clear, image.corner), tip > 0.5))
    return (Piece(mesh.triangles[order], weights, image, (image, image)),)


def _cut(mesh: Mesh, bend: Hinge, weights: tuple[np.ndarray, np.ndarray], image: Texture) -> tuple[Piece, ...]:
    """The two pieces of a limb, which overlap about its hinge."""
    pieces = []
    for share, moved_by in zip(bend.shares(image.clear.shape, image.corner), weights, strict=True):
        joined, under, over = (dimmed(image, part) for part in (share.joined, share.under, share.over))
        pieces.append(Piece(_shown(mesh, 255 - joined.clear, image.corner), moved_by, joined, (under, over)))
    return tuple(pieces)


def _shown(mesh: Mesh, alpha: np.ndarray, corner: complex) -> np.ndarray:
    """The triangles that show anything. What shows more is painted later, lest the empty rim wipe out flesh where a mesh folds."""
    near = coverage(mesh, cv2.dilate(alpha, np.ones((_RIM, _RIM), np.uint8)), corner) > 0
    order = np.argsort(coverage(mesh, alpha, corner), kind="stable")
    return mesh.triangles[order[near[order]]]


def _uncovered(image: Texture, covered: np.ndarray) -> Texture:
    """A texture without what something else covers in the picture (H W uint8)."""
    left, top = round(image.corner.real), round(image.corner.imag)
    height, width = image.clear.shape
    return dimmed(image, 1 - covered[top : top + height, left : left + width] / np.float32(255))


def _moved(bone: np.ndarray, torso: np.ndarray) -> float:
    """0..1: how far a bone has turned against the torso, by their maps (3 complex), mirrored or not."""
    turns = [unit(one[0] if abs(one[0]) >= abs(one[1]) else one[1]) for one in (bone, torso)]
    share = _ramp(abs(float(np.angle(turns[0] * np.conj(turns[1])))), 0, _LEFT)
    return share * share * (3 - 2 * share)


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))
