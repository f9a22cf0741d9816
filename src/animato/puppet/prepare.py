"""Taking a picture apart for the puppet: mask, owners, layers and background in one straight line."""

from __future__ import annotations

from typing import Literal

import numpy as np

from animato.pose.keypoints import LEFT_HAND, RIGHT_HAND, PoseSequence
from animato.puppet.background import background
from animato.puppet.body import LAYERS, SIDES, J, Skeleton, skeleton, torso_length
from animato.puppet.bones import bones_of
from animato.puppet.figure import hand_distance, measure
from animato.puppet.layers import textures
from animato.puppet.mask import nearness, person_alpha, person_probability
from animato.puppet.ownership import owners
from animato.puppet.parts import Layer, Parts

Quality = Literal["fast", "good"]
CUT_SCALE = {"fast": 0.35, "good": 0.5}  # the size at which GrabCut works


def take_apart(picture: np.ndarray, pose: PoseSequence, quality: Quality = "good") -> Parts:
    """The parts of a picture.

    picture  H W 3 uint8, already as large as the result will be
    pose     one frame, of the person to animate, in pixels of the picture, with the estimator's mask if there is one
    """
    shape, scale = picture.shape[:2], CUT_SCALE[quality]
    joints = skeleton(pose)
    unit = torso_length(joints)
    bones = bones_of(joints, shape)
    near = nearness(bones, unit)
    probability = person_probability(None if pose.mask is None else pose.mask[0], near)
    alpha = person_alpha(picture, probability, near, unit, scale)
    figure = measure(picture, alpha, joints.xyz[0, :, :2], unit, bones, _hands(pose, shape))
    labels = owners(figure, scale)
    made = textures(figure, labels)
    layers = {name: Layer(name, made[name], figure.radii[name]) for name in LAYERS if name in made}
    return Parts(layers, background(figure), joints, unit, floor=_floor(joints, shape))


def _hands(pose: PoseSequence, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    found = {}
    for side, part in zip(SIDES, (LEFT_HAND, RIGHT_HAND), strict=True):
        if (pose.score[0, 0, part] >= 0.3).all():
            found[f"arm_{side}"] = hand_distance(pose.points[0, 0, part, :2], shape)
    return found


def _floor(joints: Skeleton, shape: tuple[int, int]) -> float | None:
    feet = [J["ankle_l"], J["ankle_r"]]
    y = joints.xyz[0, feet, 1]
    return float(y.max()) if joints.present[0, feet].all() and (y < shape[0]).all() else None
