"""Which pixels of a picture show the person, and how much of each."""

from __future__ import annotations

import cv2
import numpy as np

from animato.puppet.bones import PRIOR, Bone
from animato.puppet.grabcut import grabcut

HAND_BONES = (2, 3)  # palm and fingers, in the order of body.BONES


def person_alpha(picture: np.ndarray, probability: np.ndarray, near: np.ndarray, unit: float, scale: float = 0.5) -> np.ndarray:
    """Opacity of the person (specs/puppet.md, section 3).

    picture      H W 3  uint8
    probability  H W    float32  0..1, the estimator's person mask
    near         H W    float32  distance to the skeleton in prior half thicknesses (`nearness`)
    unit         T in pixels
    scale        size at which GrabCut works
    returns      H W    float32  0..1
    """
    cut = grabcut(picture, _hints(probability, near), 3, scale)
    cut = keep_components(cut, near < 0.35, 0.1 * unit * unit)
    mixed = 0.75 * cut.astype(np.float32) + 0.25 * probability
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    return np.clip((guided_filter(grey, mixed, 11, 1e-3) - 0.35) / 0.4, 0, 1)


def nearness(bones: dict[str, list[Bone]], unit: float) -> np.ndarray:
    """H W float32: distance to the nearest bone in that bone's prior half thickness."""
    fields = [each.distance / (radius * unit) for layer in bones for each, radius in zip(bones[layer], PRIOR[layer], strict=True)]
    return np.minimum.reduce(fields)


def person_probability(mask: np.ndarray | None, near: np.ndarray) -> np.ndarray:
    """H W float32 0..1: the estimator's mask at the picture's size, or, without one, a guess from the skeleton."""
    if mask is None:
        return (1 / (1 + np.exp(6 * (near - 1)))).astype(np.float32)
    size = near.shape[::-1]
    return np.clip(cv2.resize(mask.astype(np.float32) / 255, size, interpolation=cv2.INTER_CUBIC), 0, 1)


def keep_components(region: np.ndarray, core: np.ndarray, area: float) -> np.ndarray:
    """The connected components of a region (H W bool) that touch `core` or have more than `area` pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] > area
    keep[np.unique(labels[core & region])] = True
    keep[0] = False
    return keep[labels]


def guided_filter(guide: np.ndarray, values: np.ndarray, box: int, eps: float) -> np.ndarray:
    """The guided filter of He et al. (2010) with a grey guide: `values` smoothed inside a box x box window but not across the guide's edges."""

    def mean(x: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(x, -1, (box, box))

    guide_mean, value_mean = mean(guide), mean(values)
    covariance = mean(guide * values) - guide_mean * value_mean
    slope = covariance / (mean(guide * guide) - guide_mean * guide_mean + eps)
    return mean(slope) * guide + mean(value_mean - slope * guide_mean)


def _hints(probability: np.ndarray, near: np.ndarray) -> np.ndarray:
    likely = (probability > 0.3).astype(np.uint8)
    around = cv2.dilate(likely, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))) > 0
    hints = np.full(near.shape, cv2.GC_PR_BGD, np.uint8)
    hints[(~around & (near > 1.2)) | ((probability < 0.03) & (near > 1.6))] = cv2.GC_BGD
    hints[probability > 0.5] = cv2.GC_PR_FGD
    hints[(probability > 0.97) | (near < 0.35)] = cv2.GC_FGD
    return hints
