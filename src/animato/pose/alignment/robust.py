"""Robust alignment: a motion on another body, measured over the whole clip and standing on the ground of the picture.

Every bone keeps the direction it has in the motion and takes the length it has in the picture. Lengths are measured in the picture plane
(2-D), so a foreshortened bone stays foreshortened. The figure is then placed so that the lower foot moves as in the motion, scaled like the
legs: a planted foot neither slides nor floats more than it did (docs/alignment.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.pose.alignment.adjust import Adjust, bone_scale
from animato.pose.keypoints import Point
from animato.pose.limbs import BONES, JOINTS, LINKS, PELVIS, Body, bone_lengths, head_sizes

ANKLES = [Point.R_ANKLE, Point.L_ANKLE]
LIMITS = dict.fromkeys(BONES, (0.75, 1.35)) | {"hand": (0.85, 1.15), "foot": (0.85, 1.15), "face": (0.6, 1.8)}  # drawn heads vary most
TURNED = 0.35  # shoulder width / torso length below which a body is seen from the side
CONTACT = 0.04  # in leg lengths: feet this close in height share the contact with the ground

_STAND_IN = {  # bone -> those whose ratio it takes where it was not seen, the first one there is
    "hand": ("forearm", "upper_arm"),
    "forearm": ("upper_arm",),
    "upper_arm": ("forearm",),
    "thigh": ("shin",),
    "shin": ("thigh",),
    "face": ("neck",),
}


@dataclass(frozen=True, eq=False)
class Target:
    """The motion on the reference's body, before it is fitted into the picture.

    xyz     F J 3  pixels of the picture
    anchor  F 2    the point of the ground that carries the figure in each frame (the neck's column and row where no foot is seen)
    ground  y in pixels of the picture's ground under the ankles, or None where the picture or the motion shows no feet
    """

    xyz: np.ndarray
    anchor: np.ndarray
    ground: float | None


def measure(reference: Body, motion: Body, notes: list[str]) -> dict[str, float]:
    """Bone -> length on the reference / length in the motion. Bones that one of them does not show borrow from their neighbours."""
    ours, theirs = bone_lengths(reference), bone_lengths(motion)
    raw = {bone: ours[bone] / theirs[bone] for bone in ours if bone in theirs}
    for who, lengths in (("picture", ours), ("motion", theirs)):
        if 2 * lengths.get("shoulder", np.inf) < TURNED * lengths.get("torso", 0):
            raw.pop("shoulder", None)
            raw.pop("hip", None)
            notes.append(f"The person in the {who} is seen from the side; the width of shoulders and hips is taken from the other limbs.")
    sizes = [a / b for a, b in zip(head_sizes(reference), head_sizes(motion), strict=True) if a > 0 and b > 0]
    if sizes:
        raw["face"] = sizes[0]
    return _completed(raw)


def _completed(raw: dict[str, float]) -> dict[str, float]:
    """Clamp every measured ratio to what bodies have, relative to the general scale g, and fill in the missing ones."""
    g = general_scale(raw)
    ratios: dict[str, float] = {}
    for bone in ("forearm", *BONES):
        scale = ratios["forearm"] if bone == "hand" else g
        low, high = LIMITS[bone]
        stand_in = next((raw[other] for other in _STAND_IN.get(bone, ()) if other in raw), scale)
        ratios[bone] = float(np.clip(raw.get(bone, stand_in), low * scale, high * scale))
    return {bone: ratios[bone] for bone in BONES}


def general_scale(raw: dict[str, float]) -> float:
    """g: the median of the large bones' ratios, the torso counted twice; without any of them, of all that there are."""
    large = [raw[bone] for bone in ("torso", "torso", "thigh", "shin", "shoulder") if bone in raw]
    ratios = large or list(raw.values())
    if not ratios:
        raise InputError(
            "The picture and the motion show no limb in common, so the motion cannot be aligned. Use a picture of more of the body."
        )
    return float(np.median(ratios))


def retarget(reference: Body, motion: Body, ratios: dict[str, float], adjust: Adjust, size: Size) -> Target:
    """The motion with the reference's bones, on the reference's ground."""
    ratios = {bone: ratio * bone_scale(adjust, bone) for bone, ratio in ratios.items()}
    pose = rebuild(motion, ratios)
    ground = _ground(reference, motion, size)
    neck = reference.xyz[0, Point.NECK, :2]
    if ground is None:
        scale = general_scale(ratios)
        path = scale * motion.xyz[:, Point.NECK, :2]
        root = path + neck - np.median(path, axis=0)
        anchor = root
    else:
        root, anchor = _on_the_ground(motion, pose, _leg_ratio(motion, ratios), neck[0], ground)
    pose[..., :2] += root[:, None]
    pose[..., 2] -= pose[:, PELVIS, None, 2]
    return Target(pose, anchor, ground)


def rebuild(motion: Body, ratios: dict[str, float]) -> np.ndarray:
    """F J 3: the motion's joints, built outwards from a neck at the origin with every bone scaled."""
    pose = np.zeros((len(motion), JOINTS, 3))
    for link in LINKS:
        pose[:, link.joint] = pose[:, link.parent] + ratios[link.bone] * (motion.xyz[:, link.joint] - motion.xyz[:, link.parent])
    return pose


def _ground(reference: Body, motion: Body, size: Size) -> float | None:
    """The row of the lower ankle in the picture, if both ankles are in it and the motion shows any."""
    ankles = reference.xyz[0, ANKLES, :2]
    inside = reference.seen[0, ANKLES].all() and (ankles >= 0).all() and (ankles <= size).all()
    return float(ankles[:, 1].max()) if inside and motion.seen[:, ANKLES].any() else None


def _leg_ratio(motion: Body, ratios: dict[str, float]) -> float:
    lengths = bone_lengths(motion)
    weights = [lengths.get(bone, 0) for bone in ("thigh", "shin")]
    return float(np.average([ratios["thigh"], ratios["shin"]], weights=weights if sum(weights) > 0 else None))


def _on_the_ground(motion: Body, pose: np.ndarray, scale: float, column: float, ground: float) -> tuple[np.ndarray, np.ndarray]:
    """F 2 each: where the neck goes, and the contact point, so that the lower foot moves like the motion's scaled by `scale`."""
    weight, known = _contact(motion)
    theirs = (motion.xyz[:, ANKLES, :2] * weight[..., None]).sum(axis=1)  # F 2
    ours = (pose[:, ANKLES, :2] * weight[..., None]).sum(axis=1)
    neck = scale * motion.xyz[:, Point.NECK, :2]
    correction = scale * theirs - ours - neck  # changes slowly, so frames without feet take it from their neighbours
    for axis in (0, 1):
        correction[:, axis] = np.interp(np.arange(len(motion)), np.flatnonzero(known), correction[known, axis])
    root = neck + correction
    low = np.where(motion.seen[:, ANKLES], pose[:, ANKLES, 1], -np.inf).max(axis=1)[known]
    root += (column - np.median(root[:, 0]), ground - np.median(root[known, 1] + low))
    return root, root + ours


def _contact(motion: Body) -> tuple[np.ndarray, np.ndarray]:
    """F 2: how much of the weight each ankle carries (the lower one, shared when they are level), and F: whether any was seen."""
    seen, height = motion.seen[:, ANKLES], motion.xyz[:, ANKLES, 1]
    lengths = bone_lengths(motion)
    leg = lengths.get("thigh", 0) + lengths.get("shin", 0) or 1.0
    known = np.asarray(seen.any(axis=1))
    lowest = np.where(seen, height, -np.inf).max(axis=1, initial=-np.inf, keepdims=True)
    weight = np.where(seen, np.exp(np.where(known[:, None], height - lowest, 0) / (CONTACT * leg)), 0)
    weight[~known] = 0.5
    return weight / weight.sum(axis=1, keepdims=True), known
