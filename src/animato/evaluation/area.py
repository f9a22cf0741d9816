"""Where the person of every frame of a result is to be: the aligned skeleton, as thick as the person of the picture is."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.keypoints import PoseSequence
from animato.pose.skeleton import BONES, PRIOR, SIDES, J, Skeleton, skeleton, torso_length

COVERED = 99.0  # percent of the picture's person mask that the dilated skeleton covers
SPARE = 0.05  # T that is added to this
MOST = 0.5  # T; where legs are cut off and not drawn, their clothes alone would ask for more
WITHOUT_MASK = 0.25  # T, the margin where the picture comes without a mask
PERSON = 128  # of 255, the probability from which on a pixel of the mask shows the person
_HEIGHTS = 0.25  # T in heights of the picture, where no frame shows a torso
_SHIFT = 4  # bits of a pixel in cv2's coordinates
_TRUNK = ("neck", "pelvis", "shoulder_l", "shoulder_r")


class PersonArea:
    """Called with the index of a frame, it gives H W bool: where the person may be seen. The same for every system that is compared.

    Bones are drawn in their prior half thickness (puppet.bones), widened by one margin: as much as it takes to cover COVERED percent of
    the estimator's person mask of the picture with the picture's own skeleton. Clothes, hair and costumes are thus inside in every frame.
    """

    def __init__(self, reference: PoseSequence, motion: PoseSequence) -> None:
        """reference: one frame, with its mask if there is one; motion: aligned to it, in the same pixels."""
        own, self._bones = skeleton(reference), skeleton(motion)
        self._size = motion.size
        self._unit = _unit(own) or _unit(self._bones) or _HEIGHTS * motion.size[1]
        self.margin = _margin(own, reference.mask, self._size, self._unit)

    def __call__(self, index: int) -> np.ndarray:
        return drawn(self._bones, index, self._size, self._unit, self.margin)


def drawn(bones: Skeleton, index: int, size: tuple[int, int], unit: float, margin: float) -> np.ndarray:
    """H W bool: within the prior half thickness and `margin` (both in T, `unit` pixels) of a bone of one frame, both ends of it known."""
    area = np.zeros((size[1], size[0]), np.uint8)
    known = _known(bones, index)
    for layer, pairs in BONES.items():
        for (a, b), half in zip(pairs, PRIOR[layer], strict=True):
            if known[J[a]] and known[J[b]]:
                ends = [tuple(int(v) for v in np.rint((bones.xyz[index, J[end], :2] - 0.5) * 2**_SHIFT)) for end in (a, b)]
                cv2.line(area, ends[0], ends[1], 1, max(1, round(2 * (half + margin) * unit)), cv2.LINE_8, _SHIFT)
    return area > 0


def _margin(own: Skeleton, mask: np.ndarray | None, size: tuple[int, int], unit: float) -> float:
    """In T."""
    if mask is None:
        return WITHOUT_MASK
    bare = drawn(own, 0, size, unit, 0.0)
    person = cv2.resize(mask[0], size, interpolation=cv2.INTER_LINEAR) >= PERSON
    if not bare.any() or not person.any():
        return WITHOUT_MASK
    beyond = cv2.distanceTransform((~bare).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return min(float(np.percentile(beyond[person], COVERED)) / unit + SPARE, MOST)


def _known(bones: Skeleton, index: int) -> np.ndarray:
    """J bool: the joints that were seen, and hands wherever the forearm was."""
    known = bones.present[index].copy()
    for side in SIDES:
        if known[J[f"elbow_{side}"]] and known[J[f"wrist_{side}"]]:
            known[[J[f"palm_{side}"], J[f"tips_{side}"]]] = True
    return known


def _unit(bones: Skeleton) -> float:
    """T of the frames that show a whole torso, the median; 0 if there is none."""
    whole = np.flatnonzero(bones.present[:, [J[name] for name in _TRUNK]].all(axis=1))
    return float(np.median([torso_length(bones, int(frame)) for frame in whole])) if len(whole) else 0.0
