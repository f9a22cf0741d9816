"""Taking a picture apart for the puppet: joints, mask, owners, layers and background in one straight line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from animato.core.errors import InputError
from animato.core.progress import Progress, silent
from animato.pose.keypoints import LEFT_HAND, RIGHT_HAND, PoseSequence
from animato.pose.skeleton import LAYERS, SIDES, J, skeleton
from animato.puppet.back import seen_from_behind
from animato.puppet.background import background
from animato.puppet.bones import ARMS, LEGS, TORSO, bones_of
from animato.puppet.figure import Figure, hand_distance, hidden_by_body, measure, trunk
from animato.puppet.foreground import foreground
from animato.puppet.garment import Garment, garment_of, under_skirt, with_garment
from animato.puppet.joints import Joints, judge, mirrored, pixel_mirror
from animato.puppet.layers import covered, textures
from animato.puppet.mask import nearness, person_alpha, person_probability, softened
from animato.puppet.ownership import owners, settle
from animato.puppet.parts import Layer, Parts
from animato.puppet.residue import without_residue
from animato.puppet.tube import clean
from animato.puppet.underneath import underneath

Quality = Literal["fast", "good"]
CUT_SCALE = {"fast": 0.3, "good": 0.5}  # the size at which GrabCut works
SMALLEST_MASK = 0.15  # T^2 (docs/puppet.md, fall-back 1)


def take_apart(
    picture: np.ndarray,
    pose: PoseSequence,
    quality: Quality = "good",
    opacity: np.ndarray | None = None,
    behind: np.ndarray | None = None,
    kept: Path | None = None,
    progress: Progress = silent,
    force: bool = False,
) -> Parts:
    """The parts of a picture.

    picture  H W 3 uint8, already as large as the result will be
    pose     one frame, of the person to animate, in pixels of the picture, with the estimator's mask if there is one
    opacity  H W uint8, 255 on the person: exact, given by hand; without it the person is cut out by the pose and its mask
    behind   H W 3 uint8, the same shot without the person; without it the background is made up where the person stands
    kept     a folder in which it is kept from where a rough background is copied (core/kept.py); none: it is not
    force    take a person from the side all the same
    InputError if the picture shows no person, too little of one, or one from the side, to be animated.
    """
    shape = picture.shape[:2]
    if pose.size != (shape[1], shape[0]):
        raise InputError(
            f"The pose is of a picture of {pose.size[0]} x {pose.size[1]} pixels, not of {shape[1]} x {shape[0]}: scale it first."
        )
    joints = judge(skeleton(pose.frames(slice(0, 1))), pose.size, force)
    figure, probability = _figure(picture, pose, joints, CUT_SCALE[quality], opacity)
    moved = [arm for arm in ARMS if joints.arms[LAYERS[arm]] != "freeze"]  # one that stays as it is would only get holes
    cleaned = without_residue(clean(figure, owners(figure, CUT_SCALE[quality]), moved))
    figure = cleaned.figure
    labels = cleaned.labels
    garment = Garment()
    if joints.legs:
        garment = garment_of(figure, labels)
        labels = with_garment(figure, labels, garment, CUT_SCALE[quality])
    else:
        still = (*LEGS, *ARMS) if joints.bust else LEGS
        labels = settle(np.where(np.isin(labels, still), np.uint8(TORSO), labels), figure)
    if garment.skirt:
        figure = under_skirt(figure)
    layers, joints = _layers(figure, labels, garment, joints, cleaned.tubes)
    if "torso" in layers and not joints.behind:
        layers["torso"] = replace(layers["torso"], back=seen_from_behind(layers["torso"].texture, pose))
    floor = _floor(figure, labels) if joints.legs else None
    shown = background(figure, probability, kept, progress) if behind is None else behind
    return Parts(layers, shown, joints.skeleton, joints.unit, garment.reach, garment.skirt, floor, joints.notes)


def _figure(picture: np.ndarray, pose: PoseSequence, joints: Joints, scale: float, opacity: np.ndarray | None) -> tuple[Figure, np.ndarray]:
    """The person measured, and the estimator's mask, or the one given by hand (H W float32)."""
    shape, xy, unit = picture.shape[:2], joints.skeleton.xyz[0, :, :2], joints.unit
    bones = bones_of(joints.skeleton, shape)
    near = nearness(bones, unit)
    mask = pose.mask[0] if opacity is None and pose.mask is not None else opacity
    probability = person_probability(mask, near)
    if (probability > 0.5).sum() < SMALLEST_MASK * unit * unit:
        raise InputError(
            "Too little of the person stands out from the picture: use one in which the whole person is clearly visible, "
            "or give the outline by --picture-mask."
        )
    alpha = probability if opacity is not None else person_alpha(picture, probability, near, trunk(xy, shape, 1.0), unit, scale)
    alpha = softened(alpha, unit)
    figure = measure(picture, alpha, xy, unit, bones, _hands(pose, shape))
    hidden = hidden_by_body(figure, joints.skeleton.xyz[0, :, 2])
    return replace(figure, hidden=hidden, own_colours=foreground(picture, alpha)), probability


def _hands(pose: PoseSequence, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Arm -> distance to its hand, where all 21 points were seen."""
    found = {}
    for side, part in zip(SIDES, (LEFT_HAND, RIGHT_HAND), strict=True):
        if pose.present()[0, 0, part].all():
            found[f"arm_{side}"] = hand_distance(pose.points[0, 0, part, :2], shape)
    return found


def _layers(
    figure: Figure, labels: np.ndarray, garment: Garment, joints: Joints, tubes: dict[str, np.ndarray]
) -> tuple[dict[str, Layer], Joints]:
    """The layers, where an arm that cannot be moved is frozen or replaced by the other's mirror image; and the joints that go with them."""
    made = textures(figure, labels, garment, tubes | underneath(figure, labels))
    layers = {name: Layer(name, made[name], figure.radii[name], covered=covered(tubes.get(name))) for name in LAYERS if name in made}
    xyz = joints.skeleton.xyz.copy()
    for side, other in (("l", "r"), ("r", "l")):
        arm, twin = f"arm_{side}", f"arm_{other}"
        if joints.arms[arm] == "freeze" and arm in layers:
            layers[arm] = replace(layers[arm], frozen=True)
        elif joints.arms[arm] == "mirror" and twin in layers:
            layers[arm] = Layer(arm, _mirror_image(layers[twin].texture, figure.xy), figure.radii[twin])
            for name in ("elbow", "wrist", "palm", "tips"):
                xyz[0, J[f"{name}_{side}"], :2] = mirrored(figure.joint(f"{name}_{other}")[None], figure.xy)[0]
                xyz[0, J[f"{name}_{side}"], 2] = xyz[0, J[f"{name}_{other}"], 2]
    return layers, replace(joints, skeleton=replace(joints.skeleton, xyz=xyz))


def _mirror_image(texture: np.ndarray, xy: np.ndarray) -> np.ndarray:
    matrix = pixel_mirror(xy)
    return cv2.warpAffine(texture, matrix, texture.shape[1::-1], flags=cv2.INTER_LINEAR)


def _floor(figure: Figure, labels: np.ndarray) -> float:
    """y of the soles: the lowest pixel of a foot."""
    feet = np.minimum(figure.bones["leg_l"][2].distance, figure.bones["leg_r"][2].distance) < 0.15 * figure.unit
    rows = np.flatnonzero((feet & figure.inside & np.isin(labels, LEGS)).any(axis=1))
    return float(rows[-1] + 1) if len(rows) else float(max(figure.joint(f"ankle_{side}")[1] for side in SIDES))
