"""Layers: each part's texture with its own pixels, a little of what its neighbours cover, and colours that go on beyond its edge."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.skeleton import LAYERS
from animato.puppet.bones import ARMS, LEGS, TORSO
from animato.puppet.figure import Figure, around, distance_to, trunk, widened
from animato.puppet.fill import spread_colours
from animato.puppet.garment import Garment
from animato.puppet.gusset import gusset

FRAME = 2  # pixels at the picture's edge that may be a frame drawn around it
FAINT = 0.2  # opacity below which the colours of the person are not to be told from the background's
NOTCH = 0.16  # T: half the width of a notch that is closed
CRUMB = 0.02  # of a layer's largest piece: what is smaller is dropped
SMALLEST = 30  # pixels of opacity below which a layer is dropped
BEYOND = 16  # pixels by which a layer's colours go on beyond its opacity
STRANGE = 25  # grey levels by which a pixel at a part's edge may differ from the part's inside
SOFT = 1.3  # sigma in pixels of a layer's edge


def textures(figure: Figure, labels: np.ndarray, garment: Garment, patches: dict[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """Layer -> H W 4 uint8 texture (docs/puppet.md, 5), without those that hold next to nothing.

    labels  H W  uint8  owner of each pixel (ownership.owners, garment.with_garment)
    patches layer -> H W 4 uint8, how it goes on under what lies over it (tube.clean, underneath.underneath)
    """
    patches = patches or {}
    nothing = np.zeros((*figure.shape, 4), np.uint8)
    made = {}
    between = gusset(figure) if np.isin(labels, LEGS).any() and not garment.skirt else np.zeros(figure.shape, bool)
    for label, name in enumerate(LAYERS):
        own = labels == label
        if (own & figure.inside).sum() < SMALLEST:
            continue
        shared, hidden = _torso(figure, labels, between, name in patches) if name == "torso" else _limb(figure, labels, label, garment)
        patch = patches.get(name, nothing)
        region = (own | shared | hidden | (patch[..., 3] > 0)).astype(np.float32)
        solid = np.maximum(figure.alpha, patch[..., 3] / np.float32(255))
        solid = np.maximum(solid, between) if name == "torso" else solid
        alpha = _without_crumbs(solid * cv2.GaussianBlur(region, (0, 0), SOFT)) * _fade(figure, name)
        made[name] = _patched(_texture(figure, name, own | shared, alpha), patch)
    return made


def _texture(figure: Figure, name: str, own: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """H W 4 uint8: own colours, and near the layer's opacity beyond them the nearest colour from well inside the part."""
    texture = np.zeros((*figure.shape, 4), np.uint8)
    texture[..., 3] = np.round(255 * alpha)
    box = cv2.boundingRect((texture[..., 3] > 0).astype(np.uint8))
    left, top = (max(n - BEYOND, 0) for n in box[:2])
    window = slice(top, box[1] + box[3] + BEYOND), slice(left, box[0] + box[2] + BEYOND)
    pure, source = (region[window] for region in _trusted(figure, own))
    ends = figure.bones[name][0].a, figure.bones[name][-3 if len(figure.bones[name]) == 4 else -1].b
    colours = np.ascontiguousarray(figure.colours[window])
    spread = spread_colours(colours, source, ends[1] - ends[0])
    strange = np.abs(colours.astype(np.int16) - spread).max(axis=2) > STRANGE
    texture[window][..., :3] = np.where((pure & ~strange)[..., None], colours, spread)
    return texture


def _without_crumbs(alpha: np.ndarray) -> np.ndarray:
    """An opacity (H W float32) without the small pieces that hang in the air once what held them to the body has moved away."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    crumbs = (areas < CRUMB * areas.max())[pieces] & (pieces > 0)
    if not crumbs.any():
        return alpha
    rim = 4 * SOFT  # pixels of faint edge around a piece
    return np.where(widened(crumbs, rim) & ~widened((pieces > 0) & ~crumbs, 1), np.float32(0), alpha)


def covered(tube: np.ndarray | None) -> np.ndarray | None:
    """H W uint8: how much of each pixel of a limb something else covers in the picture; None where that is nothing."""
    return cv2.GaussianBlur(tube[..., 3], (0, 0), SOFT) if tube is not None and tube[..., 3].any() else None


def _patched(texture: np.ndarray, patch: np.ndarray) -> np.ndarray:
    """The texture (H W 4) with a part's own colours where something else lies over it (H W 4)."""
    if not patch[..., 3].any():
        return texture
    window = around(patch[..., 3] > 0, 4 * SOFT)
    here = np.ascontiguousarray(patch[window])
    share = cv2.GaussianBlur(here[..., 3], (0, 0), SOFT)[..., None] / np.float32(255)
    own = spread_colours(np.ascontiguousarray(here[..., :3]), here[..., 3] > 0)
    texture[window][..., :3] = np.round(texture[window][..., :3] * (1 - share) + own * share)
    return texture


def _trusted(figure: Figure, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels may keep their colours, because they hold nothing of the background, and which lend them (both H W bool).

    An owner's edge towards a neighbour is a few pixels off here and there, so colours are not lent from beside that edge.
    """
    pure = (cv2.erode((own | ~figure.inside).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & own & (figure.alpha > FAINT)
    margin = 2 * max(round(0.02 * figure.unit), 1) + 1
    neighbour = cv2.dilate((figure.inside & ~own).astype(np.uint8), np.ones((margin, margin), np.uint8)) > 0
    pure[:FRAME] = pure[-FRAME:] = pure[:, :FRAME] = pure[:, -FRAME:] = False
    source = pure & ~neighbour
    return pure, source if source.any() else pure if pure.any() else own & figure.inside


def _torso(figure: Figure, labels: np.ndarray, between: np.ndarray, known: bool) -> tuple[np.ndarray, np.ndarray]:
    """What the torso shares with the limbs' first stretch and `between` the thighs, and what limbs hide of it (all H W bool).

    known  what arms hide is known otherwise, and not guessed by closing notches
    """
    shared = between & ~np.isin(labels, ARMS)
    for label, name in enumerate(LAYERS[1:], 1):
        shared |= first_stretch(figure, name) & ((labels == label) | (labels == TORSO))
    body = trunk(figure.xy, figure.shape, 1.0)
    closed = closed_up(labels == TORSO, NOTCH * figure.unit)
    near = closed & (distance_to(body) < 0.12 * figure.unit)
    arms = np.isin(labels, ARMS)
    return shared, between | body | (near & ~arms if known else near | closed & arms)


def first_stretch(figure: Figure, name: str) -> np.ndarray:
    """H W bool: the beginning of a limb, which it shares with the torso, so that no gap opens when it moves."""
    bone, radius = figure.bones[name][0], figure.radii[name][0]
    return (bone.distance < radius) & (bone.t > -0.3) & (bone.t < (0.18 if LAYERS.index(name) in ARMS else 0.22))


def _limb(figure: Figure, labels: np.ndarray, label: int, garment: Garment) -> tuple[np.ndarray, np.ndarray]:
    """What a limb shares (nothing) and what is hidden of it: the joint under the torso, and what an arm in front of it covers."""
    name = LAYERS[label]
    bone, radius = figure.bones[name][0], figure.radii[name][0]
    first, last = (-0.3, 0.3) if label in ARMS else (-0.25, max(0.35, garment.reach + 0.25))
    hidden = (bone.distance < radius) & (bone.t > first) & (bone.t < last)
    if label in ARMS:
        hidden |= (labels == TORSO) & (figure.relative[name] < 0.95) & closed_up(labels == label, NOTCH * figure.unit)
    else:
        hidden |= (figure.relative[name] < 1) & np.isin(labels, ARMS) & (bone.t > garment.reach)
    return np.zeros(figure.shape, bool), hidden


def closed_up(region: np.ndarray, reach: float) -> np.ndarray:
    """A region (H W bool) with notches up to twice as wide as `reach` filled; computed at half size, which the eye does not see here."""
    size = max(round(reach / 2), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
    small = cv2.resize(region.astype(np.uint8), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_NEAREST)
    padded = cv2.copyMakeBorder(small, size, size, size, size, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[size:-size, size:-size]
    return cv2.resize(closed, region.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0


def _fade(figure: Figure, name: str) -> np.ndarray | float:
    """An arm comes in softly over the shoulder, so that no edge runs across it."""
    if not name.startswith("arm"):
        return 1.0
    upper = figure.bones[name][0]
    return np.where(figure.relative[name] < 1.2, np.clip((upper.t + 0.15) / 0.27, 0, 1), 1).astype(np.float32)
