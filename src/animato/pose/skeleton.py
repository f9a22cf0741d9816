"""The joints and bones of a body in layers, as the puppet and its measures take them, and how they are read off a PoseSequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.pose.keypoints import LEFT_HAND, RIGHT_HAND, Point, PoseSequence

SIDES = ("l", "r")
JOINTS = ("neck", "pelvis", "head", "nose", "ear_l", "ear_r") + tuple(
    f"{name}_{side}" for side in SIDES for name in ("shoulder", "elbow", "wrist", "palm", "tips", "hip", "knee", "ankle", "toe")
)
J = {name: index for index, name in enumerate(JOINTS)}

# Layer -> its bones, each a pair of joints, from the body outwards. The torso layer also carries the head and any garment.
BONES: dict[str, tuple[tuple[str, str], ...]] = {
    "torso": (("pelvis", "neck"), ("neck", "head")),
    "arm_l": (("shoulder_l", "elbow_l"), ("elbow_l", "wrist_l"), ("wrist_l", "palm_l"), ("palm_l", "tips_l")),
    "arm_r": (("shoulder_r", "elbow_r"), ("elbow_r", "wrist_r"), ("wrist_r", "palm_r"), ("palm_r", "tips_r")),
    "leg_l": (("hip_l", "knee_l"), ("knee_l", "ankle_l"), ("ankle_l", "toe_l")),
    "leg_r": (("hip_r", "knee_r"), ("knee_r", "ankle_r"), ("ankle_r", "toe_r")),
}
LAYERS = tuple(BONES)
# Half thickness of each bone of BONES over T (docs/puppet.md, 3).
PRIOR: dict[str, tuple[float, ...]] = {
    "torso": (0.25, 0.22),
    "arm_l": (0.125, 0.10, 0.10, 0.08),
    "arm_r": (0.125, 0.10, 0.10, 0.08),
    "leg_l": (0.19, 0.125, 0.10),
    "leg_r": (0.19, 0.125, 0.10),
}

_KNUCKLES = [5, 9, 13, 17]
_TIPS = [8, 12, 16, 20]
_DIRECT = {
    "neck": Point.NECK,
    "nose": Point.NOSE,
    "ear_l": Point.L_EAR,
    "ear_r": Point.R_EAR,
    "shoulder_l": Point.L_SHOULDER,
    "elbow_l": Point.L_ELBOW,
    "wrist_l": Point.L_WRIST,
    "hip_l": Point.L_HIP,
    "knee_l": Point.L_KNEE,
    "ankle_l": Point.L_ANKLE,
    "toe_l": Point.L_BIG_TOE,
    "shoulder_r": Point.R_SHOULDER,
    "elbow_r": Point.R_ELBOW,
    "wrist_r": Point.R_WRIST,
    "hip_r": Point.R_HIP,
    "knee_r": Point.R_KNEE,
    "ankle_r": Point.R_ANKLE,
    "toe_r": Point.R_BIG_TOE,
}


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The puppet's joints over a clip (one frame for a picture).

    xyz      F J 3  float64  pixels; smaller z is nearer the camera
    present  F J    bool     whether the joint was seen; where it was not, xyz holds the best guess that could be made
    """

    xyz: np.ndarray
    present: np.ndarray

    def __len__(self) -> int:
        return len(self.xyz)

    def xy(self, joint: str) -> np.ndarray:
        """F 2 of one joint."""
        return self.xyz[:, J[joint], :2]


def skeleton(pose: PoseSequence, threshold: float = 0.3) -> Skeleton:
    """The joints of the first person of a sequence.

    Hands that were not estimated are guessed by prolonging the forearm (palm) and the palm (finger tips); guessed joints are not `present`.
    """
    points, seen = pose.points[:, 0], pose.score[:, 0] >= threshold  # F K 3, F K
    xyz = np.zeros((len(pose), len(JOINTS), 3))
    present = np.zeros((len(pose), len(JOINTS)), bool)
    for name, point in _DIRECT.items():
        xyz[:, J[name]], present[:, J[name]] = points[:, point], seen[:, point]
    _middle(xyz, present, "pelvis", ("hip_l", "hip_r"))
    _middle(xyz, present, "head", ("ear_l", "ear_r"))
    lost = ~present[:, J["head"]]
    xyz[lost, J["head"]], present[lost, J["head"]] = xyz[lost, J["nose"]], present[lost, J["nose"]]
    for side, hand in zip(SIDES, (LEFT_HAND, RIGHT_HAND), strict=True):
        _hand(xyz, present, side, points[:, hand], seen[:, hand])
    return Skeleton(xyz, present)


def torso_length(bones: Skeleton, frame: int = 0) -> float:
    """T: the larger of the neck-to-pelvis length in 3-D and 1.2 shoulder widths in 2-D, in pixels."""
    xyz = bones.xyz[frame]
    spine = np.linalg.norm(xyz[J["neck"]] - xyz[J["pelvis"]])
    shoulders = np.linalg.norm((xyz[J["shoulder_l"]] - xyz[J["shoulder_r"]])[:2])
    return float(max(spine, 1.2 * shoulders))


def _middle(xyz: np.ndarray, present: np.ndarray, name: str, pair: tuple[str, str]) -> None:
    a, b = J[pair[0]], J[pair[1]]
    xyz[:, J[name]] = (xyz[:, a] + xyz[:, b]) / 2
    present[:, J[name]] = present[:, a] & present[:, b]


def _hand(xyz: np.ndarray, present: np.ndarray, side: str, hand: np.ndarray, seen: np.ndarray) -> None:
    elbow, wrist = xyz[:, J[f"elbow_{side}"]], xyz[:, J[f"wrist_{side}"]]
    palm, palm_seen = _mean_of_seen(hand, seen, _KNUCKLES, wrist + 0.3 * (wrist - elbow))
    tips, tips_seen = _mean_of_seen(hand, seen, _TIPS, wrist + 1.8 * (palm - wrist))
    xyz[:, J[f"palm_{side}"]], present[:, J[f"palm_{side}"]] = palm, palm_seen
    xyz[:, J[f"tips_{side}"]], present[:, J[f"tips_{side}"]] = tips, tips_seen


def _mean_of_seen(hand: np.ndarray, seen: np.ndarray, which: list[int], otherwise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count = seen[:, which].sum(axis=1)
    mean = (hand[:, which] * seen[:, which, None]).sum(axis=1) / np.maximum(count, 1)[:, None]
    enough = count >= 2
    return np.where(enough[:, None], mean, otherwise), enough
