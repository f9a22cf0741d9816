"""The squares of a picture in which to look for people: first the usual ones, then more and more of them."""

from __future__ import annotations

import numpy as np

from animato.pose.estimator.region import Region

ROOM = (1.0, 1.3)
OTHER_ROOM, GRID = (1.6, 0.8, 2.0), (-0.5, 0.0, 0.5)
WIDE = 1.5
CLOSER = (1.0, 0.7)
SMALL = 0.5  # of the short side: who is a quarter as high as a picture fills half of such a square
OVERLAP = 0.5
LYING = (np.pi / 2, -np.pi / 2, np.pi)


def views(width: int, height: int) -> list[Region]:
    """Where to look at first: the whole picture, also with room around it, and the ends of a wide one."""
    whole = [Region(width / 2, height / 2, room * max(width, height)) for room in ROOM]
    if width < WIDE * height:
        return whole
    return [*whole, Region(height / 2, height / 2, height), Region(width - height / 2, height / 2, height)]


def last_views(width: int, height: int) -> list[Region]:
    """Where to look when nobody is seen clearly: other sizes of the whole, for drawn figures, parts, and the whole turned."""
    long = max(width, height)
    whole = [Region(width / 2, height / 2, room * long) for room in OTHER_ROOM]
    middles = [(x, y) for y in GRID for x in GRID]
    parts = [Region(width / 2 + x * (long / 2), height / 2 + y * (long / 2), long / 2) for x, y in middles]
    row = tiles(width, height, min(width, height)) if long >= WIDE * min(width, height) else []
    roomy = [Region(one.x, one.y, ROOM[1] * one.side) for one in row]
    turned = [Region(width / 2, height / 2, room * long, angle) for angle in LYING for room in ROOM]  # for who lies or hangs
    return whole + [part for part in parts if 0 <= part.x <= width and 0 <= part.y <= height] + row + roomy + turned


def small_views(width: int, height: int) -> list[Region]:
    """Small parts, for people a quarter as high as the picture."""
    return tiles(width, height, round(SMALL * min(width, height)))


def tiles(width: int, height: int, side: int) -> list[Region]:
    """Squares that cover a picture and overlap by half."""
    return [Region(x, y, side) for y in _steps(height, side) for x in _steps(width, side)]


def _steps(length: int, side: int) -> list[float]:
    count = int(np.ceil((length - side) / (OVERLAP * side) - 1e-6)) + 1
    return np.linspace(side / 2, length - side / 2, max(count, 1)).tolist()
