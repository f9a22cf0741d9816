"""Clean bodies: what the cut left of an arm, or of the wall behind it, on body and legs goes back to the arm and to the wall."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from animato.pose.skeleton import LAYERS
from animato.puppet.bones import ARMS
from animato.puppet.figure import Figure, Window, around, cropped, distance_to, opened, touching
from animato.puppet.fill import nearest_value
from animato.puppet.tube import FAR, Cleaned, evened, to_nearest, wall_of

BAND = 0.1  # T beside an arm within which the cut may be off
INSIDE = 0.02  # T inside an arm at which its own colours begin
AROUND = 0.25  # T around a stretch of the band within which colours are compared
TILE = 0.3  # T: how long a stretch is
STRANGE = 20.0  # Lab by which a pixel must differ from the body
CLEARLY = 0.4  # of its distance from the body: so much nearer to arm or wall
SPECK = 4e-4  # T^2: smaller pieces are left as they are
THIN = 0.04  # T: what looks like the wall and is thinner is a blend of arm and body
SHOULDER = 0.3, 1.5  # of the upper arm from its joint, and half thicknesses around it, within which nothing is looked at
ENOUGH = 20  # pixels whose colours speak for a part


def without_residue(cleaned: Cleaned) -> Cleaned:
    """Body and legs without the rims of arm and wall that were left beside the arms that were cleaned."""
    figure, labels = cleaned.figure, cleaned.labels
    moved = [LAYERS.index(name) for name in cleaned.tubes]
    arms, low = figure.inside & np.isin(labels, moved), _below_shoulders(figure)
    if not (arms & low).any():
        return cleaned
    band = figure.inside & ~arms & low & (distance_to(arms & low) < BAND * figure.unit)
    found = np.zeros((2, *figure.shape), bool)
    for window in _stretches(band, round(TILE * figure.unit)):
        here = np.zeros(figure.shape, bool)
        here[window] = band[window]
        wide = around(here, AROUND * figure.unit)
        arm, wall = _told_apart(cropped(figure, wide), arms[wide], band[wide], here[wide])
        found[0][wide] |= arm
        found[1][wide] |= wall
    arm, wall = (_without_specks(region, SPECK * figure.unit**2) for region in found)
    owner = nearest_value(labels, arms)
    return replace(cleaned, figure=replace(figure, alpha=np.where(wall, np.float32(0), figure.alpha)), labels=np.where(arm, owner, labels))


def _below_shoulders(figure: Figure) -> np.ndarray:
    """H W bool: away from both shoulders, where sleeve and shirt are one."""
    apart = np.ones(figure.shape, bool)
    for arm in ARMS:
        upper, radius = figure.bones[LAYERS[arm]][0], figure.radii[LAYERS[arm]][0]
        apart &= (upper.t > SHOULDER[0]) | (upper.distance > SHOULDER[1] * radius)
    return apart


def _told_apart(figure: Figure, arms: np.ndarray, band: np.ndarray, here: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pixels of a stretch (`here`) of the band look like the arm beside them and which like the wall, and not like the body.

    All are h w bool.
    """
    lab = cv2.cvtColor(np.ascontiguousarray(figure.picture), cv2.COLOR_RGB2LAB).astype(np.float32)
    places = {
        "body": figure.inside & ~arms & ~band,
        "arm": distance_to(~arms) > INSIDE * figure.unit,
        "wall": wall_of(figure.alpha, figure.unit),
    }
    known = {name: lab[where] if where.sum() >= ENOUGH else lab[:0, 0] for name, where in places.items()}
    away = {name: evened(to_nearest(lab[here], colours), here, figure.unit) for name, colours in known.items()}
    if away["body"].min(initial=FAR) >= FAR:
        return np.zeros(figure.shape, bool), np.zeros(figure.shape, bool)
    nearer = np.minimum(away["arm"], away["wall"])
    sure, likely, arm = np.zeros((3, *figure.shape), bool)
    sure[here] = (away["body"] > STRANGE) & (nearer < CLEARLY * away["body"])
    likely[here] = (away["body"] > STRANGE / 2) & (nearer < away["body"])
    arm[here] = away["arm"] < away["wall"]
    found = touching(sure | likely, sure)
    wall = found & ~arm
    wall = touching(wall, opened(wall, THIN * figure.unit))
    return found & ~wall, wall


def _stretches(band: np.ndarray, side: int) -> list[Window]:
    """Squares of the picture that hold something of the band."""
    places = np.argwhere(band) // max(side, 1)
    return [
        (slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side))
        for row, column in np.unique(places, axis=0).tolist()
    ]


def _without_specks(region: np.ndarray, smallest: float) -> np.ndarray:
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= smallest
    keep[0] = False
    return keep[pieces]
