"""Random articulated people of known proportions, for tests of alignment."""

from __future__ import annotations

import numpy as np

from animato.pose.keypoints import FACE, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point, PoseSequence

P = Point
SIZE = (600, 800)
USUAL = {  # bone lengths in parts of the height
    "neck": 0.11,
    "torso": 0.29,
    "shoulder": 0.11,
    "upper_arm": 0.17,
    "forearm": 0.15,
    "hand": 0.05,
    "hip": 0.06,
    "thigh": 0.24,
    "shin": 0.23,
    "foot": 0.07,
    "face": 0.05,
}


def dancer(
    seed: int, frames: int = 24, height: float = 500.0, lengths: dict[str, float] | None = None, still: bool = False, travel: float = 0.0
) -> PoseSequence:
    """A person of `height` px with the lower ankle on row 740 of a 600 x 800 picture, swinging every bone and walking `travel` px aside.

    With `still` every bone rests, in the picture plane.
    """
    rng = np.random.default_rng(seed)
    bones = {name: height * length for name, length in (USUAL | (lengths or {})).items()}
    time = np.linspace(0, 2 * np.pi, frames, endpoint=False)
    points = np.zeros((frames, KEYPOINTS, 3))

    def bone(name: str, degrees: float, swing: float) -> np.ndarray:
        """F 3: turned outwards from hanging by some degrees, swinging by some, and now and then leaning towards the camera."""
        phase, speed, lean = rng.uniform(0, 2 * np.pi, 2), rng.integers(1, 4), rng.uniform(0, 0.4)
        angle = np.radians(degrees + (0 if still else swing) * np.sin(speed * time + phase[0]))
        tilt = (0 if still else lean) * np.sin(time + phase[1])
        return bones[name] * np.stack([np.sin(angle) * np.cos(tilt), np.cos(angle) * np.cos(tilt), -np.sin(tilt)], axis=-1)

    pelvis = bone("torso", 0, 8)
    points[:, P.NOSE] = bone("neck", 180, 15)
    _head(points, bones["face"])
    for side, sign in (("R", -1), ("L", 1)):
        at = {name: P[f"{side}_{name}"] for name in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE")}
        points[:, at["SHOULDER"]] = bone("shoulder", sign * 88, 5)
        points[:, at["ELBOW"]] = points[:, at["SHOULDER"]] + bone("upper_arm", sign * 20, 60)
        points[:, at["WRIST"]] = points[:, at["ELBOW"]] + bone("forearm", sign * 10, 60)
        _hand(points, points[:, at["WRIST"]], RIGHT_HAND if side == "R" else LEFT_HAND, bones["hand"])
        points[:, at["HIP"]] = pelvis + bone("hip", sign * 90, 5)
        points[:, at["KNEE"]] = points[:, at["HIP"]] + bone("thigh", sign * 4, 15)
        points[:, at["ANKLE"]] = points[:, at["KNEE"]] + bone("shin", sign * 2, 10)
        for name, degrees in (("BIG_TOE", 30), ("SMALL_TOE", 45), ("HEEL", -30)):
            points[:, P[f"{side}_{name}"]] = points[:, at["ANKLE"]] + bone("foot", sign * degrees, 5)
    points[..., 2] -= points[:, [P.R_HIP, P.L_HIP], 2].mean(axis=1, keepdims=True)
    points[..., 1] += 740 - points[:, [P.R_ANKLE, P.L_ANKLE], 1].max(axis=1, keepdims=True)
    points[..., 0] += 300 + np.linspace(-travel / 2, travel / 2, frames)[:, None]
    return PoseSequence(points[:, None], np.ones((frames, 1, KEYPOINTS)), SIZE, fps=25)


def mirrored(pose: PoseSequence) -> PoseSequence:
    """The same seen in a mirror: x turned round, left and right of the body exchanged."""
    order = np.arange(KEYPOINTS)
    for name in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE", "EYE", "EAR", "BIG_TOE", "SMALL_TOE", "HEEL"):
        order[[P[f"R_{name}"], P[f"L_{name}"]]] = P[f"L_{name}"], P[f"R_{name}"]
    order[LEFT_HAND], order[RIGHT_HAND] = np.arange(KEYPOINTS)[RIGHT_HAND], np.arange(KEYPOINTS)[LEFT_HAND]
    points = pose.points[:, :, order] * (-1, 1, 1) + (pose.size[0], 0, 0)
    return PoseSequence(points, pose.score[:, :, order], pose.size, pose.fps)


def _head(points: np.ndarray, size: float) -> None:
    nose = points[:, P.NOSE]
    for point, x, y in ((P.R_EYE, -0.5, -0.4), (P.L_EYE, 0.5, -0.4), (P.R_EAR, -1, -0.2), (P.L_EAR, 1, -0.2)):
        points[:, point] = nose + size * np.array([x, y, 0.2])
    points[:, FACE] = nose[:, None] + size * np.random.default_rng(0).uniform(-1, 1, (FACE.stop - FACE.start, 3))


def _hand(points: np.ndarray, wrist: np.ndarray, hand: slice, size: float) -> None:
    for joint in range(21):
        finger, bone = divmod(joint - 1, 4)
        spread, reach = np.radians(20 * (finger - 2)), size * (1 + 0.4 * bone if joint else 0)
        points[:, hand.start + joint] = wrist + reach * np.array([np.sin(spread), np.cos(spread), 0])
