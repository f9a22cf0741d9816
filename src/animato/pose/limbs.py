"""The body as a tree: which keypoint hangs on which, what its bone is called, and how long the bones of a person are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from animato.pose.keypoints import FACE, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point, PoseSequence

PELVIS, HEAD, CROWN = KEYPOINTS, KEYPOINTS + 1, KEYPOINTS + 2  # the middle of the hips, the middle of the ears, the top of the skull
JOINTS = KEYPOINTS + 3
SEEN = 0.3
PERCENTILE = 80  # of a bone's 2-D length over a clip: nearly unshortened by perspective, not yet an outlier
CROWN_HEIGHT = 0.7  # ear to crown, in neck-to-ear lengths


@dataclass(frozen=True)
class Link:
    """`joint` hangs on `parent` by a bone of this name; bones of one name share a ratio."""

    joint: int
    parent: int
    bone: str


def _links() -> tuple[Link, ...]:
    links = [Link(HEAD, Point.NECK, "neck"), Link(CROWN, HEAD, "neck"), Link(PELVIS, Point.NECK, "torso")]
    for side, hand in (("R", RIGHT_HAND), ("L", LEFT_HAND)):
        at = {name: Point[f"{side}_{name}"] for name in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE")}
        links += [Link(at["SHOULDER"], Point.NECK, "shoulder"), Link(at["HIP"], PELVIS, "hip")]
        links += [Link(at["ELBOW"], at["SHOULDER"], "upper_arm"), Link(at["WRIST"], at["ELBOW"], "forearm")]
        links += [Link(at["KNEE"], at["HIP"], "thigh"), Link(at["ANKLE"], at["KNEE"], "shin")]
        links += [Link(joint, at["WRIST"], "hand") for joint in range(hand.start, hand.stop)]
        links += [Link(Point[f"{side}_{name}"], at["ANKLE"], "foot") for name in ("BIG_TOE", "SMALL_TOE", "HEEL")]
    head = (Point.NOSE, Point.R_EYE, Point.L_EYE, Point.R_EAR, Point.L_EAR, *range(FACE.start, FACE.stop))
    return (*links, *(Link(joint, HEAD, "face") for joint in head))


LINKS = _links()  # outwards from the neck: a parent stands before its children
BONES = tuple(dict.fromkeys(link.bone for link in LINKS))
_PARENT = {link.joint: link.parent for link in LINKS}
_KNUCKLES = (5, 9, 13, 17)
_MEASURED: dict[str, tuple[tuple[int, ...], ...]] = {  # bone -> per side, the joints whose distances from their parent are averaged
    "neck": ((HEAD,),),
    "torso": ((PELVIS,),),
    "shoulder": ((Point.R_SHOULDER,), (Point.L_SHOULDER,)),
    "upper_arm": ((Point.R_ELBOW,), (Point.L_ELBOW,)),
    "forearm": ((Point.R_WRIST,), (Point.L_WRIST,)),
    "hand": tuple(tuple(hand.start + knuckle for knuckle in _KNUCKLES) for hand in (RIGHT_HAND, LEFT_HAND)),
    "hip": ((Point.R_HIP,), (Point.L_HIP,)),
    "thigh": ((Point.R_KNEE,), (Point.L_KNEE,)),
    "shin": ((Point.R_ANKLE,), (Point.L_ANKLE,)),
    "foot": ((Point.R_BIG_TOE,), (Point.L_BIG_TOE,)),
}


@dataclass(frozen=True, eq=False)
class Body:
    """One person over a clip, with every joint somewhere: unseen ones are carried along with their parent.

    xyz   F J 3  pixels; the 134 keypoints, then PELVIS, HEAD, CROWN
    seen  F J    bool
    """

    xyz: np.ndarray
    seen: np.ndarray

    def __len__(self) -> int:
        return len(self.xyz)


def body(pose: PoseSequence, threshold: float = SEEN) -> Body:
    """The first person of a sequence. An unseen joint takes its bone from the frames around in which it was seen, if there are any."""
    seen = np.zeros((len(pose), JOINTS), bool)
    xyz = np.zeros((len(pose), JOINTS, 3))
    seen[:, :KEYPOINTS] = pose.score[:, 0] >= threshold
    xyz[:, :KEYPOINTS] = np.where(seen[:, :KEYPOINTS, None], pose.points[:, 0], 0)
    _first_seen(xyz, seen, Point.NECK, [Point.R_SHOULDER, Point.L_SHOULDER])
    _middle(xyz, seen, PELVIS, [Point.R_HIP, Point.L_HIP])
    _middle(xyz, seen, HEAD, [Point.R_EAR, Point.L_EAR])
    _first_seen(xyz, seen, HEAD, [Point.NOSE, Point.R_EYE, Point.L_EYE])
    seen[:, CROWN] = seen[:, HEAD] & seen[:, Point.NECK]
    xyz[:, CROWN] = xyz[:, HEAD] + CROWN_HEIGHT * (xyz[:, HEAD] - xyz[:, Point.NECK])
    _carry(xyz, seen)
    return Body(xyz, seen)


def bone_lengths(person: Body) -> dict[str, float]:
    """The 2-D length of each bone that was seen, in pixels: the larger of both sides, each its 80th percentile over the clip.

    A face has no bone; its length is that of the 68 points' spread, or of the distance of ears or eyes: see `head_sizes`.
    """
    lengths = {}
    for bone, sides in _MEASURED.items():
        values = [length for side in sides if (length := _length(person, side)) > 0]
        if values:
            lengths[bone] = max(values)
    return lengths


def torso(person: Body) -> float:
    """T in pixels over a clip, in the picture plane; 0 where neither torso nor shoulders are seen."""
    lengths = bone_lengths(person)
    return max(lengths.get("torso", 0.0), 2.4 * lengths.get("shoulder", 0.0))  # "shoulder" is half of their width


def head_sizes(person: Body) -> list[float]:
    """Three measures of the size of a head in pixels, the most reliable first, 0 where not seen: spread of the face points, ears, eyes."""
    face = slice(FACE.start, FACE.stop)
    whole = person.seen[:, face].all(axis=1)
    points = person.xyz[whole, face, :2]  # F 68 2
    spread = np.sqrt(((points - points.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).mean(axis=1))
    pairs = [_distance(person, Point.R_EAR, Point.L_EAR), _distance(person, Point.R_EYE, Point.L_EYE)]
    return [_typical(spread), *map(_typical, pairs)]


def _length(person: Body, joints: tuple[int, ...]) -> float:
    """Percentile over the frames of the mean distance of the seen ones of some joints from their parent; 0 when never seen."""
    parents = [_PARENT[joint] for joint in joints]
    seen = person.seen[:, list(joints)] & person.seen[:, parents]  # F n
    distance = np.linalg.norm((person.xyz[:, list(joints)] - person.xyz[:, parents])[..., :2], axis=2)
    frames = seen.any(axis=1)
    return _typical((distance * seen).sum(axis=1)[frames] / seen.sum(axis=1)[frames])


def _distance(person: Body, a: int, b: int) -> np.ndarray:
    both = person.seen[:, a] & person.seen[:, b]
    return np.linalg.norm((person.xyz[both, a] - person.xyz[both, b])[:, :2], axis=1)


def _typical(values: np.ndarray) -> float:
    return float(np.percentile(values, PERCENTILE)) if len(values) else 0.0


def _middle(xyz: np.ndarray, seen: np.ndarray, joint: int, pair: list[Point]) -> None:
    """The middle of a pair, or the one of them that was seen."""
    count = seen[:, pair].sum(axis=1)
    xyz[:, joint] = (xyz[:, pair] * seen[:, pair, None]).sum(axis=1) / np.maximum(count, 1)[:, None]
    seen[:, joint] = count > 0


def _first_seen(xyz: np.ndarray, seen: np.ndarray, joint: int, others: list[Point]) -> None:
    """Where a joint was not seen, the first of some others that was takes its place."""
    for other in others:
        take = ~seen[:, joint] & seen[:, other]
        xyz[take, joint], seen[take, joint] = xyz[take, other], True


def _carry(xyz: np.ndarray, seen: np.ndarray) -> None:
    """Put unseen joints where their parent carries them, the bone interpolated in time; without any sight of it, onto the parent."""
    _interpolate(xyz[:, Point.NECK], seen[:, Point.NECK])
    for link in LINKS:
        known = seen[:, link.joint]
        if not known.all():
            bone = xyz[:, link.joint] - xyz[:, link.parent]
            _interpolate(bone, known)
            xyz[:, link.joint] = xyz[:, link.parent] + bone


def _interpolate(values: np.ndarray, known: np.ndarray) -> None:
    """F n: fill the frames that are not known linearly from those that are, in place; zero when none is."""
    frames = np.flatnonzero(known)
    for axis in range(values.shape[1]):
        values[:, axis] = np.interp(np.arange(len(values)), frames, values[known, axis]) if len(frames) else 0
