"""The picture's joints made complete: guesses for those that were not seen, and which limbs can therefore not be moved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.pose.edge import NEAR, inside, is_portrait
from animato.pose.skeleton import SIDES, J, Skeleton, torso_length

SMALLEST_TORSO = 40.0  # pixels (docs/puppet.md, fall-back 1)
SIDE_VIEW = 0.35  # shoulder width over T below which a picture shows the person from the side
SIDE_TURN = np.deg2rad(60)  # of the shoulders out of the picture plane: farther is seen from the side
LYING = np.deg2rad(50)  # of the spine away from upright
SIDE_NAMES = {"l": "left", "r": "right"}

# A joint that was not seen lies at its parent plus (x towards the person's left, y down along the body) in T; parents come first.
GUESSES: tuple[tuple[str, str, float, float], ...] = (
    ("pelvis", "neck", 0.0, 1.0),
    ("head", "neck", 0.0, -0.5),
    ("nose", "head", 0.0, 0.0),
    ("ear_l", "head", 0.13, 0.0),
    ("ear_r", "head", -0.13, 0.0),
    ("hip_l", "pelvis", 0.22, 0.0),
    ("hip_r", "pelvis", -0.22, 0.0),
    ("elbow_l", "shoulder_l", 0.1, 0.58),
    ("elbow_r", "shoulder_r", -0.1, 0.58),
    ("wrist_l", "elbow_l", 0.05, 0.48),
    ("wrist_r", "elbow_r", -0.05, 0.48),
    ("knee_l", "hip_l", 0.0, 0.85),
    ("knee_r", "hip_r", 0.0, 0.85),
    ("ankle_l", "knee_l", 0.0, 0.8),
    ("ankle_r", "knee_r", 0.0, 0.8),
    ("toe_l", "ankle_l", 0.08, 0.2),
    ("toe_r", "ankle_r", -0.08, 0.2),
)
ARM_JOINTS = ("shoulder", "elbow", "wrist")


@dataclass(frozen=True, eq=False)
class Joints:
    """What taking a picture apart starts from.

    skeleton  one frame, every joint with a usable place
    unit      T in pixels
    legs      the legs can be moved
    arms      arm layer -> what to do with it: "move", "mirror" (the other arm in its place) or "freeze"
    behind    the picture shows the person from behind
    bust      the picture shows no limb that can be moved: head and shoulders move in one piece
    notes     sentences for the user
    """

    skeleton: Skeleton
    unit: float
    legs: bool
    arms: dict[str, str]
    behind: bool
    notes: list[str]
    bust: bool = False


def judge(skeleton: Skeleton, size: Size, force: bool = False) -> Joints:
    """Guesses for missing joints and what follows from them (docs/puppet.md, fall-backs 1 to 3).

    force  take a person from the side all the same
    InputError if the picture shows no shoulders, too small a person, or one from the side.
    """
    full = complete(skeleton)
    unit = torso_length(full)
    if unit < SMALLEST_TORSO:
        raise InputError(f"The person's trunk is only {unit:.0f} pixels long: use a larger picture of the person, or one cut closer.")
    usable = {name: _usable(full, name, size) for name in J}
    legs = all(usable[f"{joint}_{side}"] for joint in ("knee", "ankle") for side in SIDES)
    hips = [J["hip_l"], J["hip_r"]]
    portrait = is_portrait(full.xyz[0, hips, :2], full.present[0, hips], size)
    if portrait:
        usable |= {f"wrist_{side}": usable[f"wrist_{side}"] and _whole_arm(full, side, size, NEAR * unit) for side in SIDES}
    arms = {f"arm_{side}": _fate(usable, full, side, size) for side in SIDES}
    width = across(full.xyz[0, :, :2])
    sideways = abs(width) < SIDE_VIEW * unit
    if sideways and not force and _turn(full.xyz[0]) > SIDE_TURN:
        raise InputError(
            "The picture shows the person from the side, and its one arm and leg hide the others: use a picture from the front, "
            "or take this one all the same with --force."
        )
    behind = width < 0 and not skeleton.present[0, J["nose"]] or width < -SIDE_VIEW * unit
    bust = portrait and not legs and set(arms.values()) == {"freeze"}
    notes = [*_posture(full.xyz[0]), *_notes(legs, arms, behind, sideways, bust)]
    return Joints(full, unit, legs, arms, behind, notes, bust)


def across(xy: np.ndarray) -> float:
    """Pixels from the right shoulder to the left one, square to the spine, from joints xy (J 2): below 0 from behind."""
    down = _down(xy)
    apart = xy[J["shoulder_l"]] - xy[J["shoulder_r"]]
    return float(apart[0] * down[1] - apart[1] * down[0])


def _down(xy: np.ndarray) -> np.ndarray:
    """The unit vector down the spine."""
    spine = xy[J["pelvis"]] - xy[J["neck"]]
    return spine / max(float(np.hypot(*spine)), 1e-6)


def _turn(xyz: np.ndarray) -> float:
    """0..pi/2: how far the shoulders are turned out of the picture plane, from joints (J 3)."""
    apart = xyz[J["shoulder_l"]] - xyz[J["shoulder_r"]]
    return float(np.arctan2(abs(apart[2]), np.hypot(*apart[:2])))


def _posture(xyz: np.ndarray) -> list[str]:
    """What is told of somebody who lies or is upside down."""
    down = _down(xyz[:, :2])
    lean = abs(float(np.arctan2(down[0], down[1])))
    if lean < LYING:
        return []
    how = "lies" if lean < np.pi - LYING else "is upside down"
    return [f"The person in the picture {how}, and the motion sets them upright: turn the picture so that the head is up."]


def complete(skeleton: Skeleton) -> Skeleton:
    """The first frame with a place for every joint; guessed ones stay not `present`."""
    xyz, present = skeleton.xyz[:1].copy(), skeleton.present[:1]
    seen = {name: bool(present[0, J[name]]) for name in J}
    _shoulders(xyz[0], seen)
    _hips(xyz[0], seen)
    side, down, unit = _axes(xyz[0], seen)
    for name, parent, x, y in GUESSES:
        if not seen[name]:
            xyz[0, J[name], :2] = xyz[0, J[parent], :2] + unit * (x * side + y * down)
            xyz[0, J[name], 2] = xyz[0, J[parent], 2]
    for each in SIDES:
        elbow, wrist, palm, tips = (J[f"{joint}_{each}"] for joint in ("elbow", "wrist", "palm", "tips"))
        if not present[0, palm]:
            xyz[0, palm] = xyz[0, wrist] + 0.3 * (xyz[0, wrist] - xyz[0, elbow])
        if not present[0, tips]:
            xyz[0, tips] = xyz[0, wrist] + 1.8 * (xyz[0, palm] - xyz[0, wrist])
    return replace(skeleton, xyz=xyz, present=present)


def mirrored(points: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Points (N 2) reflected at the body's axis: the line through the middle of the shoulders, square to them."""
    matrix = mirror(xy)
    return points @ matrix[:, :2].T + matrix[:, 2]


def mirror(xy: np.ndarray) -> np.ndarray:
    """2 3: the reflection of places (x, y, 1) that puts each shoulder where the other is, from joints xy (J 2)."""
    left, right = xy[J["shoulder_l"]], xy[J["shoulder_r"]]
    axis = (left - right) / max(float(np.hypot(*(left - right))), 1e-6)
    turn = np.eye(2) - 2 * np.outer(axis, axis)
    middle = (left + right) / 2
    return np.column_stack([turn, middle - turn @ middle])


def pixel_mirror(xy: np.ndarray) -> np.ndarray:
    """2 3: the same for the pixels of a picture, which OpenCV counts from the middle of the first one."""
    matrix = mirror(xy)
    matrix[:, 2] += 0.5 * matrix[:, :2].sum(axis=1) - 0.5
    return matrix


def _shoulders(xyz: np.ndarray, seen: dict[str, bool]) -> None:
    left, right, neck = J["shoulder_l"], J["shoulder_r"], J["neck"]
    pair = {"l": seen["shoulder_l"], "r": seen["shoulder_r"]}
    if not any(pair.values()) or not (all(pair.values()) or seen["neck"]):
        raise InputError(
            "No person with visible shoulders was found in the picture: use one that shows the person at least down to the waist."
        )
    if all(pair.values()):
        if not seen["neck"]:
            xyz[neck] = (xyz[left] + xyz[right]) / 2
    elif pair["l"]:
        xyz[right] = 2 * xyz[neck] - xyz[left]
    else:
        xyz[left] = 2 * xyz[neck] - xyz[right]


def _hips(xyz: np.ndarray, seen: dict[str, bool]) -> None:
    """One seen hip tells where the other and the pelvis are."""
    if seen["hip_l"] == seen["hip_r"]:
        return
    known, lost = ("hip_l", "hip_r") if seen["hip_l"] else ("hip_r", "hip_l")
    xyz[J[lost], :2] = mirrored(xyz[J[known]][None, :2], xyz[:, :2])[0]
    xyz[J[lost], 2] = xyz[J[known], 2]
    xyz[J["pelvis"]] = (xyz[J[known]] + xyz[J[lost]]) / 2
    seen["pelvis"] = seen[lost] = True


def _axes(xyz: np.ndarray, seen: dict[str, bool]) -> tuple[np.ndarray, np.ndarray, float]:
    """Unit vectors towards the person's left and down the body, and T, all from what was seen."""
    across = (xyz[J["shoulder_l"]] - xyz[J["shoulder_r"]])[:2]
    width = max(float(np.hypot(*across)), 1e-6)
    side = across / width
    if seen["pelvis"]:
        spine = xyz[J["pelvis"]] - xyz[J["neck"]]
        return side, spine[:2] / max(float(np.hypot(*spine[:2])), 1e-6), max(float(np.linalg.norm(spine)), 1.2 * width)
    down = np.array([-side[1], side[0]])
    return side, down if down[1] >= 0 else -down, 1.2 * width


def _usable(skeleton: Skeleton, name: str, size: Size) -> bool:
    x, y = skeleton.xyz[0, J[name], :2]
    return bool(skeleton.present[0, J[name]]) and 0 <= x < size[0] and 0 <= y < size[1]


def _whole_arm(skeleton: Skeleton, side: str, size: Size, margin: float) -> bool:
    """Whether the edge of a portrait leaves an arm whole, with its hand."""
    return bool(inside(skeleton.xyz[0, [J[f"{name}_{side}"] for name in ("elbow", "wrist", "palm", "tips")], :2], size, margin).all())


def _fate(usable: dict[str, bool], skeleton: Skeleton, side: str, size: Size) -> str:
    if all(usable[f"{joint}_{side}"] for joint in ARM_JOINTS):
        return "move"
    other = "r" if side == "l" else "l"
    places = [J[f"{joint}_{other}"] for joint in (*ARM_JOINTS, "palm")]
    moved = mirrored(skeleton.xyz[0, places, :2], skeleton.xyz[0, :, :2])
    inside = bool(((moved >= 0) & (moved < size)).all())
    return "mirror" if inside and all(usable[f"{joint}_{other}"] for joint in ARM_JOINTS) else "freeze"


def _notes(legs: bool, arms: dict[str, str], behind: bool, sideways: bool, bust: bool) -> list[str]:
    notes = []
    if sideways:
        notes.append("The picture shows the person from the side: movements will look flat. A picture from the front works better.")
    elif behind:
        notes.append("The picture shows the person from behind: no face can be shown when the person turns round.")
    if bust:
        return [*notes, "The picture shows no whole limb: head and shoulders move alone."]
    if not legs:
        notes.append("The legs are not wholly to be seen in the picture: they keep its shape and follow the body.")
    for arm, fate in arms.items():
        name = SIDE_NAMES[arm[-1]]
        if fate == "mirror":
            notes.append(f"The {name} arm is not wholly to be seen in the picture: the other arm is used in its place, mirrored.")
        elif fate == "freeze":
            notes.append(f"The {name} arm is not wholly to be seen in the picture: it keeps its shape and follows the body.")
    return notes
