"""A drawn person already taken apart, with exact joints: Parts that the moving and painting can be tried on without cutting a picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from animato.pose.skeleton import BONES, J, Skeleton, skeleton, torso_length
from animato.puppet.parts import Layer, Parts
from puppet_figure import HEIGHT, WIDTH, pose_of

BACKGROUND = (90, 110, 100)
COLOURS = {"torso": (190, 40, 50), "arm_l": (30, 160, 60), "arm_r": (220, 170, 40), "leg_l": (40, 60, 150), "leg_r": (140, 60, 160)}
HEAD_COLOUR, BACK_COLOUR = (224, 172, 140), (60, 40, 20)
RADIUS = {"torso": (22.0, 18.0), "arm": (8.0, 7.0, 7.0, 6.0), "leg": (12.0, 9.0, 7.0)}


def standing() -> Skeleton:
    """The joints of the standing figure, one frame, with some depth: its arms a little before the body."""
    joints = skeleton(pose_of())
    for side in "lr":
        joints.xyz[:, J[f"wrist_{side}"], 2] = -12
    return joints


def bent(degrees: float, frames: int = 1) -> Skeleton:
    """The standing figure with its left forearm turned about the elbow."""
    joints, turn = clip(frames), np.exp(1j * np.deg2rad(degrees))
    elbow = joints.xyz[:, J["elbow_l"], :2]
    for name in ("wrist_l", "palm_l", "tips_l"):
        step = ((joints.xyz[:, J[name], :2] - elbow) @ [1, 1j]) * turn
        joints.xyz[:, J[name], :2] = elbow + np.stack([step.real, step.imag], axis=1)
    return joints


def drawn_parts(layers: tuple[str, ...] = tuple(BONES), joints: Skeleton | None = None, **changes) -> Parts:
    """The parts of a figure, standing if no joints are given. Each layer is a plain colour, so that a test can say which one it sees."""
    joints = joints or standing()
    made = {name: Layer(name, _drawn(name, joints), RADIUS[name.split("_")[0]]) for name in layers}
    if "torso" in made:
        made["torso"] = replace(made["torso"], back=_drawn("torso", joints, BACK_COLOUR))
    background = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    parts = Parts(made, background, joints, torso_length(joints), floor=264.0)
    return replace(parts, **changes)


def flat(parts: Parts) -> np.ndarray:
    """H W 3 uint8: the picture that the parts were taken from, which is they on top of each other."""
    picture = parts.background.astype(float)
    for name in ("leg_r", "leg_l", "torso", "arm_l", "arm_r"):
        if name in parts.layers:
            alpha = parts.layers[name].texture[..., 3:] / 255
            picture = picture * (1 - alpha) + parts.layers[name].texture[..., :3] * alpha
    return np.rint(picture).astype(np.uint8)


def clip(frames: int, **moves: np.ndarray) -> Skeleton:
    """The standing figure for some frames; `wrist_l=F 3` and the like add to a joint."""
    joints = standing()
    xyz = np.repeat(joints.xyz, frames, axis=0)
    for name, move in moves.items():
        xyz[:, J[name]] += move
    return Skeleton(xyz, np.ones(xyz.shape[:2], bool))


def turned(joints: Skeleton, degrees: float) -> Skeleton:
    """The skeleton turned about the spine; its shoulders and hips lie in the picture plane."""
    angle, xyz = np.deg2rad(degrees), joints.xyz.copy()
    middle = xyz[:, J["pelvis"], 0:1]
    x, z = xyz[..., 0] - middle, xyz[..., 2].copy()
    xyz[..., 0] = middle + x * np.cos(angle) + z * np.sin(angle)
    xyz[..., 2] = z * np.cos(angle) - x * np.sin(angle)
    return Skeleton(xyz, joints.present)


def share_of(frame: np.ndarray, colour: tuple[int, int, int]) -> float:
    """How much of a frame shows about this colour."""
    return float((np.abs(frame.astype(int) - colour).max(axis=2) < 12).mean())


def _drawn(name: str, joints: Skeleton, head: tuple[int, int, int] = HEAD_COLOUR) -> np.ndarray:
    place = {joint: tuple(int(v) for v in np.rint(joints.xyz[0, index, :2])) for joint, index in J.items()}
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    rgba[..., :3] = COLOURS[name]
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    if name == "torso":
        corners = [place[corner] for corner in ("shoulder_l", "shoulder_r", "hip_r", "hip_l")]
        cv2.fillPoly(alpha, [np.array(corners, np.int32)], 255)
        cv2.polylines(alpha, [np.array(corners, np.int32)], True, 255, 12)
        cv2.line(alpha, place["neck"], place["head"], 255, 14)
        cv2.circle(alpha, place["head"], 20, 255, cv2.FILLED)
        cv2.circle(rgba, place["head"], 24, (*head, 0), cv2.FILLED)
    else:
        for (start, end), radius in zip(BONES[name], RADIUS[name.split("_")[0]], strict=True):
            cv2.line(alpha, place[start], place[end], 255, round(2 * radius))
    rgba[..., 3] = cv2.GaussianBlur(alpha, (0, 0), 1.0)
    return rgba
