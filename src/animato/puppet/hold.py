"""Joints that a clip does not show: their limb keeps its last angle to its parent, and later takes up the motion softly."""

from __future__ import annotations

import numpy as np

from animato.pose.skeleton import BONES, SIDES, J, Skeleton
from animato.puppet.affine import wrap
from animato.puppet.rig import as_complex

# joint -> its parent, and the two joints whose direction its angle is measured against; parents come first.
TREE: dict[str, tuple[str, str, str]] = {
    "pelvis": ("neck", "", ""),
    "head": ("neck", "pelvis", "neck"),
    "nose": ("head", "neck", "head"),
    "ear_l": ("head", "neck", "head"),
    "ear_r": ("head", "neck", "head"),
}
for _side in SIDES:
    TREE |= {
        f"shoulder_{_side}": ("neck", "pelvis", "neck"),
        f"elbow_{_side}": (f"shoulder_{_side}", "pelvis", "neck"),
        f"wrist_{_side}": (f"elbow_{_side}", f"shoulder_{_side}", f"elbow_{_side}"),
        f"palm_{_side}": (f"wrist_{_side}", f"elbow_{_side}", f"wrist_{_side}"),
        f"tips_{_side}": (f"palm_{_side}", f"wrist_{_side}", f"palm_{_side}"),
        f"hip_{_side}": ("pelvis", "pelvis", "neck"),
        f"knee_{_side}": (f"hip_{_side}", "pelvis", "neck"),
        f"ankle_{_side}": (f"knee_{_side}", f"hip_{_side}", f"knee_{_side}"),
        f"toe_{_side}": (f"ankle_{_side}", f"knee_{_side}", f"ankle_{_side}"),
    }

_EASE = 5  # frames in which a limb takes up its motion again
_HAND_LENGTH = (0.6, 1.25)  # of the picture's
_PALM_BEND, _FINGER_BEND = 1.4, 0.8  # radians


def held(target: Skeleton, picture: Skeleton) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The joints with every missing one filled in: F J complex, their z F J, and F J bool: where a joint was held.

    What the clip never shows stands to its parent as it does in the picture; so does a hand that the picture does not show.
    """
    measured = as_complex(target.xyz)
    z = target.xyz[..., 2].copy()
    rest, rest_z = as_complex(picture.xyz[0]), picture.xyz[0, :, 2]
    missing = ~target.present
    neck = J["neck"]
    joints = measured.copy()
    joints[:, neck] = _filled(measured[:, neck], missing[:, neck], rest[neck])
    z[:, neck] = _filled(z[:, neck], missing[:, neck], rest_z[neck])
    for name, (parent, start, end) in TREE.items():
        child, up = J[name], J[parent]
        missing[:, child] |= missing[:, up] | (name.startswith(("palm", "tips")) & ~picture.present[0, child])
        direction = _direction(joints, start, end)
        local = _hold((measured[:, child] - measured[:, up]) * np.conj(direction), missing[:, child], _local(rest, name))
        joints[:, child] = joints[:, up] + _sane(local, name, rest) * direction
        z[:, child] = z[:, up] + _filled(target.xyz[:, child, 2] - target.xyz[:, up, 2], missing[:, child], rest_z[child] - rest_z[up])
    return joints, z, missing


def limbs_held(missing: np.ndarray) -> list[tuple[str, ...]]:
    """F tuples of layer names: whose elbow, wrist, knee or ankle was held in the frame."""
    inner = {layer: [J[a] for a, _ in pairs[1:3]] for layer, pairs in BONES.items() if layer != "torso"}
    inner["torso"] = [J["neck"], J["pelvis"]]
    return [tuple(layer for layer, joints in inner.items() if row[joints].any()) for row in missing]


def _local(rest: np.ndarray, name: str) -> complex:
    parent, start, end = TREE[name]
    return (rest[J[name]] - rest[J[parent]]) * np.conj(_direction(rest, start, end))


def _direction(joints: np.ndarray, start: str, end: str) -> np.ndarray:
    """... complex of length 1: from one joint to another, or 1 if there are none."""
    if not start:
        return np.ones(joints.shape[:-1], complex)
    step = joints[..., J[end]] - joints[..., J[start]]
    return np.where(np.abs(step) > 1e-9, step / np.maximum(np.abs(step), 1e-9), 1)


def _filled(values: np.ndarray, missing: np.ndarray, never: complex) -> np.ndarray:
    """F values; a missing one becomes the last one before it, at the start the first one after, and `never` if there is none at all."""
    if missing.all():
        return np.full_like(values, never)
    source = np.where(missing, -1, np.arange(len(values)))
    source = np.maximum.accumulate(source)
    return values[np.where(source < 0, np.argmin(missing), source)]


def _hold(local: np.ndarray, missing: np.ndarray, never: complex) -> np.ndarray:
    """F complex: `_filled`, and after every gap the held length and angle give way to the measured ones over `_EASE` frames."""
    out = _filled(local, missing, never)
    if missing.all():
        return out
    for end in (np.flatnonzero(missing[:-1] & ~missing[1:]) + 1).tolist():
        last = out[end - 1]
        for k in range(min(_EASE, len(out) - end)):
            if missing[end + k]:
                break
            out[end + k] = _between(last, local[end + k], (k + 1) / (_EASE + 1))
    return out


def _between(a: complex, b: complex, share: float) -> complex:
    share = share * share * (3 - 2 * share)
    turn = wrap(float(np.angle(b) - np.angle(a)))
    return ((1 - share) * abs(a) + share * abs(b)) * np.exp(1j * (np.angle(a) + share * turn))


def _sane(local: np.ndarray, name: str, rest: np.ndarray) -> np.ndarray:
    """Hands are estimated from few pixels: they keep about the picture's length and bend only so far, fingers less than asked."""
    if not name.startswith(("palm", "tips")):
        return local
    bend, share = (_PALM_BEND, 1.0) if name.startswith("palm") else (_FINGER_BEND, 0.6)
    own = _local(rest, name)
    length = np.clip(np.abs(local), _HAND_LENGTH[0] * abs(own), _HAND_LENGTH[1] * abs(own))
    return length * np.exp(1j * (np.angle(own) + np.clip(share * wrap(np.angle(local) - np.angle(own)), -bend, bend)))
