"""Which pixels of a picture show the person, and how much of each."""

from __future__ import annotations

import cv2
import numpy as np

from animato.pose.skeleton import PRIOR
from animato.puppet.bones import Bone
from animato.puppet.figure import widened
from animato.puppet.fill import nearest_value
from animato.puppet.grabcut import grabcut
from animato.puppet.plate import ROUGH, Plate, plate

CORE = 0.35  # half thicknesses of a bone within which the picture shows that bone, unless the estimator's mask denies it
GAP = 0.7  # half thicknesses of a bone from which on the background may be seen between limbs
LIKE_PLATE = 3.0  # noise levels within which a pixel may be background
UNLIKE_PLATE = 12.0  # noise levels from which on it is none
FRAME = 2  # pixels at the picture's edge that may be a frame drawn around it
# How foreign its colours must be for a pixel to be doubted, by nearness: less where gaps are than on the bone and far out in a skirt.
FOREIGN = ((0.4, 0.5, 0.8, 0.9, 1.8, 1.9), (9.0, 4.0, 4.0, 1.5, 1.5, 3.0))
STRANGE = 4.0  # foreignness that settles it: a rough texture makes GrabCut close the gaps
AROUND = 0.06  # T around the estimator's mask within which the person may reach
SOFT = 0.004  # T: sigma of the edge
SOFTEST = (0.25, 0.8)  # pixels: the least and the most of it
BINS = 16  # a colour channel's bins in the histograms of person and background


def person_alpha(
    picture: np.ndarray, probability: np.ndarray, near: np.ndarray, trunk: np.ndarray, unit: float, scale: float = 0.5
) -> np.ndarray:
    """Opacity of the person (docs/puppet.md, 3).

    picture      H W 3  uint8
    probability  H W    float32  0..1, the estimator's person mask
    near         H W    float32  distance to the skeleton in prior half thicknesses (`nearness`)
    trunk        H W    bool     between shoulders and hips, where even the background's own colour is clothing
    unit         T in pixels
    scale        size at which GrabCut works
    returns      H W    float32  0..1
    """
    behind = plate(picture, (probability < 0.03) & (near > 1.6))
    doubtful = (near > GAP) & (behind.distance < LIKE_PLATE)
    foreign = _foreignness(picture, probability, near)
    doubtful |= foreign > np.interp(near, *FOREIGN)
    core = (near < CORE) & (probability > 0.1)
    unlike = np.isfinite(behind.distance) & (behind.distance > UNLIKE_PLATE)
    hints = _hints(probability, near, core | (unlike & (probability > 0.5)), doubtful & ~unlike, unit)
    hints[_flat(behind) & (near > GAP) & ~trunk] = cv2.GC_BGD
    hints[(foreign > STRANGE) & (near > 0.5) & (near < 1.8) & ~unlike] = cv2.GC_BGD
    cut = grabcut(picture, hints, 3, scale)
    cut = keep_components(cut, core, 0.1 * unit * unit)
    mixed = 0.75 * cut.astype(np.float32) + np.where(doubtful & ~cut, 0, 0.25 * probability)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    alpha = np.clip((guided_filter(grey, mixed, 11, 1e-3) - 0.35) / 0.4, 0, 1)
    return np.pad(_matte(picture, alpha, behind)[FRAME:-FRAME, FRAME:-FRAME], FRAME, mode="edge")


def softened(alpha: np.ndarray, unit: float) -> np.ndarray:
    """The opacity (H W float32) with an edge as soft as a lens would draw it: a mask's steps would show in every moved outline."""
    return cv2.GaussianBlur(alpha, (0, 0), float(np.clip(SOFT * unit, *SOFTEST)))


def nearness(bones: dict[str, list[Bone]], unit: float) -> np.ndarray:
    """H W float32: distance to the nearest bone in that bone's prior half thickness."""
    fields = [each.distance / np.float32(radius * unit) for layer in bones for each, radius in zip(bones[layer], PRIOR[layer], strict=True)]
    return np.minimum.reduce(fields)


def person_probability(mask: np.ndarray | None, near: np.ndarray) -> np.ndarray:
    """H W float32 0..1: the estimator's mask at the picture's size, or, without one, a guess from the skeleton."""
    if mask is None:
        return (1 / (1 + np.exp(np.minimum(6 * (near - 1), 50)))).astype(np.float32)
    return np.clip(cv2.resize(mask.astype(np.float32) / 255, near.shape[::-1], interpolation=cv2.INTER_CUBIC), 0, 1)


def keep_components(region: np.ndarray, core: np.ndarray, area: float) -> np.ndarray:
    """The connected components of a region (H W bool) that touch `core` or have more than `area` pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
    keep = stats[:, cv2.CC_STAT_AREA] > area
    keep[np.unique(labels[core & region])] = True
    keep[0] = False
    return keep[labels]


def guided_filter(guide: np.ndarray, values: np.ndarray, box: int, eps: float) -> np.ndarray:
    """The guided filter of He et al. (2010), grey guide: `values` smoothed in a box x box window, but not across the guide's edges."""

    def mean(x: np.ndarray) -> np.ndarray:
        return cv2.boxFilter(x, -1, (box, box))

    guide_mean, value_mean = mean(guide), mean(values)
    covariance = mean(guide * values) - guide_mean * value_mean
    slope = covariance / (mean(guide * guide) - guide_mean * guide_mean + eps)
    return mean(slope) * guide + mean(value_mean - slope * guide_mean)


def _hints(probability: np.ndarray, near: np.ndarray, core: np.ndarray, doubtful: np.ndarray, unit: float) -> np.ndarray:
    around = widened(probability > 0.3, AROUND * unit)
    hints = np.full(near.shape, cv2.GC_PR_BGD, np.uint8)
    hints[(~around & (near > 1.2)) | ((probability < 0.03) & (near > 1.6))] = cv2.GC_BGD
    hints[(probability > 0.5) & ~doubtful] = cv2.GC_PR_FGD
    hints[((probability > 0.97) & ~doubtful) | core] = cv2.GC_FGD
    return hints


def _flat(behind: Plate) -> np.ndarray:
    """H W bool: pixels that a smooth background's plate explains together with nearly all of their neighbours."""
    alike = ((behind.distance < 2.5) & (behind.noise < ROUGH / 3)).astype(np.float32)
    return cv2.boxFilter(alike, -1, (5, 5)) > 0.8


def _foreignness(picture: np.ndarray, probability: np.ndarray, near: np.ndarray) -> np.ndarray:
    """H W float32: logarithm of how much more often the background shows the colours of a pixel's neighbourhood than the person does.

    The estimator calls gaps between arm and body "person"; their colours tell.
    """
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) // (256 // BINS)
    places = (lab[..., 0].astype(np.int32) * BINS + lab[..., 1]) * BINS + lab[..., 2]
    person = _histogram(places[(probability > 0.97) & (near < CORE)])
    around = _histogram(places[(probability < 0.03) & (near > 1.6) & (near < 6)])
    ratio = np.log((around + 1e-5) / (person + 1e-5)).astype(np.float32)
    return cv2.boxFilter(ratio[places], -1, (5, 5))


def _histogram(places: np.ndarray) -> np.ndarray:
    """BINS^3 shares of colours, blurred by a bin to either side."""
    counts = np.bincount(places, minlength=BINS**3).astype(np.float64).reshape(BINS, BINS, BINS)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        low, middle, high = (np.take(padded, np.arange(BINS) + shift, axis=axis) for shift in range(3))
        counts = (low + 2 * middle + high) / 4
    return counts.ravel() / max(counts.sum(), 1)


def _matte(picture: np.ndarray, alpha: np.ndarray, behind: Plate) -> np.ndarray:
    """Opacity at the edge as the share of the way from the plate's colour to the person's, where the plate is smooth and the two differ."""
    solid = cv2.erode((alpha > 0.95).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    band = (cv2.dilate((alpha > 0.05).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0) & ~solid
    if not solid.any():
        return alpha
    own = nearest_value(picture, solid).astype(np.float32)
    way = own - behind.colour
    length = np.square(way).sum(axis=2)
    share = np.clip(((picture - behind.colour) * way).sum(axis=2) / np.maximum(length, 1), 0, 1)
    sure = band & (behind.noise < ROUGH / 3) & (length > 3 * (10 * np.maximum(behind.noise, 1)) ** 2)
    return np.where(sure, share, alpha).astype(np.float32)
