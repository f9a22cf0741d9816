"""The bones of a procedural person: proportions, joint angles, and the joints' places in space by forward kinematics.

The person's frame: x to the person's left, y up, z to the front, metres, the floor at y = 0. With all angles 0 the person stands with
hanging arms, palms to the thighs. Angles are degrees; left and right are mirrored, so that one number means the same on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

SIDES = ("l", "r")
FINGERS = ("thumb", "index", "middle", "ring", "little")


def _joints() -> tuple[tuple[str, str], ...]:
    """(joint, parent) in an order in which parents come first."""
    chain = [("pelvis", ""), ("waist", "pelvis"), ("chest", "waist"), ("neck", "chest"), ("head", "neck")]
    for s in SIDES:
        chain += [(f"collar_{s}", "chest"), (f"shoulder_{s}", f"collar_{s}"), (f"elbow_{s}", f"shoulder_{s}"), (f"wrist_{s}", f"elbow_{s}")]
        for finger in FINGERS:
            names = [f"wrist_{s}"] + [f"{finger}{k}_{s}" for k in (1, 2, 3)]
            chain += list(zip(names[1:], names, strict=False))
        chain += [(f"hip_{s}", "pelvis"), (f"knee_{s}", f"hip_{s}"), (f"ankle_{s}", f"knee_{s}"), (f"ball_{s}", f"ankle_{s}")]
    return tuple(chain)


PARENT = dict(_joints())
JOINTS = tuple(PARENT)
J = {name: index for index, name in enumerate(JOINTS)}


@dataclass(frozen=True)
class Build:
    """Proportions of one body in metres (of an adult of about 1.75 m; `girth` scales all thicknesses)."""

    thigh: float = 0.405
    shin: float = 0.395
    ankle: float = 0.08  # height of the ankle over the floor
    foot: float = 0.24
    spine: float = 0.53  # pelvis to the base of the neck
    neck: float = 0.085
    head: float = 0.235  # chin to crown
    shoulders: float = 0.175  # half width
    hips: float = 0.088  # half distance of the hip joints
    upper_arm: float = 0.28
    forearm: float = 0.25
    hand: float = 0.195
    girth: float = 1.0
    belly: float = 0.0  # 0 flat .. 1 round
    bust: float = 0.0
    waist: float = 0.8  # width of the waist against the hips

    @property
    def leg(self) -> float:
        return self.thigh + self.shin + self.ankle


@dataclass(eq=False)
class Posture:
    """What a motion says of F frames, in angles and in lengths of the leg, so that it fits every build.

    angles  joint -> F 3 degrees; joints that are not named stay at 0
    pelvis  F 3      shift from standing straight between the feet, leg lengths
    tilt    F 3      degrees: pelvis bent forward, leaning to the left, turned to the left
    feet    F 2 5    left, right: x, lift, z in leg lengths (0 = under its hip); degrees turned outwards, heel raised (or toes, negative)
    curl    F 2      fingers 0 straight .. 1 fist
    spread  F 2      fingers apart, degrees between neighbours
    lift    F        height of the whole body over the floor, leg lengths
    turn    F        degrees that the whole body, feet and all, is turned to its left
    The three angles of waist, chest, neck, head: bend forward, lean to the left, turn to the left. Of the collar: raise, forwards. Of the
    shoulder: raise in a plane, the plane (0 front, 90 side), twist inwards. Of the elbow: flex. Of the wrist: flex, deviate, turn the palm
    back.
    """

    frames: int
    angles: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pelvis = np.zeros((self.frames, 3))
        self.tilt = np.zeros((self.frames, 3))
        self.feet = np.zeros((self.frames, 2, 5))
        self.curl = np.full((self.frames, 2), 0.25)
        self.spread = np.full((self.frames, 2), 4.0)
        self.lift = np.zeros(self.frames)
        self.turn = np.zeros(self.frames)

    def set(self, joint: str, first: ArrayLike = 0.0, second: ArrayLike = 0.0, third: ArrayLike = 0.0) -> None:
        """Angles of one joint, each one number or F; a name without a side sets both."""
        value = np.stack([np.broadcast_to(np.asarray(angle, float), self.frames) for angle in (first, second, third)], axis=-1)
        if joint in J:
            self.angles[joint] = value
        else:
            self.angles[f"{joint}_l"], self.angles[f"{joint}_r"] = value, value.copy()


@dataclass(frozen=True, eq=False)
class Joints:
    """All joints in the person's frame. position F J 3 metres; rotation F J 3 3, from the joint's frame at rest."""

    position: np.ndarray
    rotation: np.ndarray

    def __len__(self) -> int:
        return len(self.position)


def rotate_x(degrees: np.ndarray) -> np.ndarray:
    """... 3 3: y towards z."""
    return _plane_rotation(degrees, 1, 2)


def rotate_y(degrees: np.ndarray) -> np.ndarray:
    """... 3 3: z towards x."""
    return _plane_rotation(degrees, 2, 0)


def rotate_z(degrees: np.ndarray) -> np.ndarray:
    """... 3 3: x towards y."""
    return _plane_rotation(degrees, 0, 1)


def _plane_rotation(degrees: np.ndarray, a: int, b: int) -> np.ndarray:
    angle = np.deg2rad(np.asarray(degrees, dtype=float))
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., 3 - a - b, 3 - a - b] = 1
    matrix[..., a, a] = matrix[..., b, b] = np.cos(angle)
    matrix[..., b, a] = np.sin(angle)
    matrix[..., a, b] = -np.sin(angle)
    return matrix


def offsets(build: Build) -> np.ndarray:
    """J 3: every joint relative to its parent when all angles are 0."""
    offset: dict[str, tuple[float, float, float]] = {"pelvis": (0, build.leg, 0), "waist": (0, 0.2 * build.spine, 0)}
    offset |= {"chest": (0, 0.3 * build.spine, 0), "neck": (0, 0.5 * build.spine, -0.01), "head": (0, build.neck, 0.012)}
    for s, sign in zip(SIDES, (1, -1), strict=True):
        offset[f"collar_{s}"] = (sign * 0.03, 0.34 * build.spine, 0)
        offset[f"shoulder_{s}"] = (sign * (build.shoulders - 0.03), 0.03 * build.spine, -0.005)
        offset[f"elbow_{s}"], offset[f"wrist_{s}"] = (0, -build.upper_arm, 0), (0, -build.forearm, 0)
        offset |= {f"{name}_{s}": (sign * x, y, z) for name, (x, y, z) in _finger_offsets(build.hand).items()}
        offset[f"hip_{s}"], offset[f"knee_{s}"] = (sign * build.hips, 0, 0), (0, -build.thigh, 0)
        offset[f"ankle_{s}"], offset[f"ball_{s}"] = (0, -build.shin, 0), (0, 0.03 - build.ankle, 0.52 * build.foot)
    return np.array([offset[name] for name in JOINTS], dtype=float)


def _finger_offsets(hand: float) -> dict[str, tuple[float, float, float]]:
    """Finger joints of a left hand that hangs with the palm inwards (-x) and the thumb to the front."""
    offset: dict[str, tuple[float, float, float]] = {
        "thumb1": (-0.07, -0.15, 0.13),
        "thumb2": (-0.03, -0.2, 0.13),
        "thumb3": (-0.01, -0.17, 0.06),
    }
    for finger, z, knuckle, bones in (
        ("index", 0.155, -0.52, (0.21, 0.14)),
        ("middle", 0.05, -0.54, (0.235, 0.155)),
        ("ring", -0.055, -0.51, (0.22, 0.145)),
        ("little", -0.15, -0.46, (0.17, 0.115)),
    ):
        offset |= {f"{finger}1": (0, knuckle, z), f"{finger}2": (0, -bones[0], 0), f"{finger}3": (0, -bones[1], 0)}
    return {name: (hand * x, hand * y, hand * z) for name, (x, y, z) in offset.items()}


def pose(build: Build, posture: Posture) -> Joints:
    """Joints of every frame: the trunk and arms forwards from the angles, the legs backwards from where the feet stand.

    The pelvis sinks where a planted foot would not be reached, so a planted foot always stands on the floor.
    """
    frames, offset = posture.frames, offsets(build)
    local = _local_rotations(posture)
    position, rotation = np.zeros((frames, len(JOINTS), 3)), np.zeros((frames, len(JOINTS), 3, 3))
    ankles, soles = _ankles(build, posture)
    position[:, 0], rotation[:, 0] = _pelvis(build, posture, ankles), local[:, 0]
    for name in JOINTS[1:]:
        j, parent = J[name], J[PARENT[name]]
        position[:, j] = position[:, parent] + rotation[:, parent] @ offset[j]
        rotation[:, j] = rotation[:, parent] @ local[:, j]
        if name.startswith("hip"):
            side = SIDES.index(name[-1])
            rotation[:, j], knee = _leg(build, position[:, j], ankles[:, side], rotation[:, 0], soles[:, side])
        elif name.startswith("knee"):
            rotation[:, j] = knee
        elif name.startswith("ankle"):
            rotation[:, j] = soles[:, SIDES.index(name[-1])]
    turn = rotate_y(posture.turn)  # F 3 3
    return Joints(position @ turn.swapaxes(1, 2), turn[:, None] @ rotation)


def _local_rotations(posture: Posture) -> np.ndarray:
    local = np.broadcast_to(np.eye(3), (posture.frames, len(JOINTS), 3, 3)).copy()
    local[:, 0] = _trunk(posture.tilt)
    for name, angle in posture.angles.items():
        kind = name.split("_")[0]
        side = -1.0 if name.endswith("_r") else 1.0
        local[:, J[name]] = _joint_rotation(kind, angle, side)
    for k, s in enumerate(SIDES):
        _fingers(local, s, posture.curl[:, k], posture.spread[:, k])
        local[:, J[f"ball_{s}"]] = rotate_x(-np.maximum(posture.feet[:, k, 4], 0))
    return local


def _trunk(angle: np.ndarray) -> np.ndarray:
    return rotate_y(angle[:, 2]) @ rotate_z(-angle[:, 1]) @ rotate_x(angle[:, 0])


def _joint_rotation(kind: str, angle: np.ndarray, side: float) -> np.ndarray:
    first, second, third = angle.T
    if kind == "shoulder":
        plane = rotate_y(side * second)
        return plane @ rotate_x(-first) @ plane.swapaxes(1, 2) @ rotate_y(-side * third)
    if kind == "elbow":
        return rotate_x(-first)
    if kind == "wrist":
        return rotate_y(side * third) @ rotate_z(-side * first) @ rotate_x(-second)
    if kind == "collar":
        return rotate_y(-side * second) @ rotate_z(side * first)
    return _trunk(angle)


def _fingers(local: np.ndarray, s: str, curl: np.ndarray, spread: np.ndarray) -> None:
    side = 1.0 if s == "l" else -1.0
    for k, finger in enumerate(FINGERS[1:]):
        fan = rotate_x((k - 1.3) * spread)
        for joint, bend in ((1, 75.0), (2, 95.0), (3, 60.0)):
            rotation = rotate_z(-side * bend * curl * (1 + 0.08 * k))
            local[:, J[f"{finger}{joint}_{s}"]] = fan @ rotation if joint == 1 else rotation
    local[:, J[f"thumb1_{s}"]] = rotate_x(10 - 2.0 * spread) @ rotate_y(-side * 45 * curl)
    local[:, J[f"thumb2_{s}"]] = rotate_x(35 * curl)
    local[:, J[f"thumb3_{s}"]] = rotate_x(45 * curl)


def _ankles(build: Build, posture: Posture) -> tuple[np.ndarray, np.ndarray]:
    """Where the ankles must be (F 2 3) and how the soles lie (F 2 3 3): a raised heel turns about the ball, raised toes about the heel."""
    side = np.array([1.0, -1.0])
    x, lift, z, yaw, pitch = np.moveaxis(posture.feet, -1, 0)  # F 2 each
    soles = rotate_y(side * yaw)
    target = np.stack([side * build.hips + build.leg * x, build.leg * (lift + posture.lift[:, None]), build.leg * z], axis=-1)
    pivot = np.where((pitch > 0)[..., None], [0, 0, 0.52 * build.foot], [0, 0, -0.22 * build.foot])
    tilted = soles @ rotate_x(pitch)
    ankle = np.array([0, build.ankle, 0])
    return target + np.einsum("fsij,fsj->fsi", soles, pivot) + np.einsum("fsij,fsj->fsi", tilted, ankle - pivot), tilted


def _pelvis(build: Build, posture: Posture, ankles: np.ndarray) -> np.ndarray:
    """F 3: as the motion wants it, but never higher than the lower (planted) feet allow."""
    position = build.leg * (posture.pelvis + np.array([0, 0.995, 0])) + [0, build.leg, 0] * posture.lift[:, None]
    side = _trunk(posture.tilt) @ (np.array([build.hips, 0, 0]))  # F 3: from the pelvis to the left hip
    for k, sign in enumerate((1, -1)):
        flat = ankles[:, k] - position - sign * side
        reach = 0.998 * (build.thigh + build.shin)
        highest = ankles[:, k, 1] - sign * side[:, 1] + np.sqrt(np.maximum(reach**2 - flat[:, 0] ** 2 - flat[:, 2] ** 2, 0.0))
        position[:, 1] = np.minimum(position[:, 1], highest)
    return position


def _leg(build: Build, hip: np.ndarray, ankle: np.ndarray, pelvis: np.ndarray, sole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations (F 3 3) of thigh and shin that bring the ankle to its place, the knee pointing between the pelvis' and the sole's front."""
    line = ankle - hip
    length = np.linalg.norm(line, axis=1, keepdims=True)
    reach = np.minimum(length, 0.9995 * (build.thigh + build.shin))
    line = line / length
    along = (build.thigh**2 - build.shin**2 + reach**2) / (2 * reach)
    out = np.sqrt(np.maximum(build.thigh**2 - along**2, 0.0))
    front = pelvis[:, :, 2] + 1.5 * sole[:, :, 2] * [1, 0, 1] + [0, 0.3, 0]
    front = _unit(front - (front * line).sum(1, keepdims=True) * line)
    knee = hip + along * line + out * front
    up_thigh = _unit(hip - knee)
    up_shin = _unit(knee - (hip + reach * line))
    hinge = _unit(np.cross(-line, front))
    return _frame(hinge, up_thigh), _frame(hinge, up_shin)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)


def _frame(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([x, y, np.cross(x, y)], axis=-1)
