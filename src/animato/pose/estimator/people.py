"""Who is in a picture: every person the detector finds, confirmed by the landmarks, and the choice of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animato.core.errors import InputError
from animato.pose.estimator.blaze import MIN_SCORE, Body, BodyLandmarks, Detector, Found
from animato.pose.estimator.region import Region

Person = str | int | tuple[float, float]  # "largest", an index from left to right (0, 1, ...), or a point in pixels
LARGEST = "largest"
ROUNDS = 3
ROOM = (1.0, 1.3)
OTHER_ROOM, GRID = (1.6, 0.8, 2.0), (-0.5, 0.0, 0.5)
WIDE = 1.5
CLOSER = (1.0, 0.7)
SAME_HEAD = 0.6
SAME_BODY = 0.08
VISIBLE = 0.3


@dataclass(frozen=True, eq=False)
class Someone:
    """A person in a picture: the detector's score (0..1) and the body after the landmarks settled on it."""

    score: float
    body: Body

    @property
    def size(self) -> float:
        """Side of the square that holds the whole body, in pixels."""
        return self.body.next.side

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the hips, in pixels."""
        return self.body.next.x, self.body.next.y

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0 y0 x1 y1 around the joints that can be seen, in pixels."""
        seen = self.body.points[self.body.score >= VISIBLE]
        (x0, y0), (x1, y1) = (seen.min(axis=0), seen.max(axis=0)) if len(seen) else (np.zeros(2), np.zeros(2))
        return float(x0), float(y0), float(x1), float(y1)


class People:
    """Finds the people in a picture. `landmarks` gives the body in a region that is known; `settled` goes on until the region fits."""

    def __init__(self, folder: Path | None = None) -> None:
        self._detector = Detector(folder)
        self.landmarks = BodyLandmarks(folder)

    def __call__(self, picture: np.ndarray, extra: Sequence[Region] = (), thorough: bool = True) -> list[Someone]:
        """H W 3 uint8 -> the people in it, from left to right.

        extra     squares in which to look as well
        thorough  whether to look at many more sizes and positions before saying that nobody is there (a tenth of a second)
        """
        people = distinct_bodies(self._confirmed(picture, self.detected(picture, extra)))
        if people or not thorough:
            return sorted(people, key=lambda one: one.middle)
        height, width = picture.shape[:2]
        found = [one for view in last_views(width, height) for one in self._detector(picture, view)]
        # So many parts of one figure are looked at that several finds are rarely several people.
        return sorted(self._confirmed(picture, distinct_heads(found)), key=lambda one: -one.score * one.body.presence)[:1]

    def _confirmed(self, picture: np.ndarray, found: list[Found]) -> list[Someone]:
        """Those in whom the landmark network sees a person, too."""
        people = [Someone(one.score, self.settled(picture, one.region)) for one in found]
        return [one for one in people if one.body.presence >= MIN_SCORE]

    def detected(self, picture: np.ndarray, extra: Sequence[Region] = ()) -> list[Found]:
        """What the detector alone says, surest first: quicker, and now and then wrong."""
        height, width = picture.shape[:2]
        return distinct_heads([one for view in [*views(width, height), *extra] for one in self._detector(picture, view)])

    def settled(self, picture: np.ndarray, region: Region) -> Body:
        """The body in a region that was made anew from what was seen in it."""
        body = self.landmarks(picture, region)
        for _ in range(ROUNDS - 1):
            body = self.landmarks(picture, body.next)
        return body


def views(width: int, height: int) -> list[Region]:
    """The squares in which to look for people: the whole picture, also with room around it, and the ends of a wide one."""
    whole = [Region(width / 2, height / 2, room * max(width, height)) for room in ROOM]
    if width < WIDE * height:
        return whole
    return [*whole, Region(height / 2, height / 2, height), Region(width - height / 2, height / 2, height)]


def last_views(width: int, height: int) -> list[Region]:
    """Where to look when nobody was found: other sizes of the whole, for drawn figures, and overlapping parts, for small ones."""
    long = max(width, height)
    whole = [Region(width / 2, height / 2, room * long) for room in OTHER_ROOM]
    middles = [(x, y) for y in GRID for x in GRID]
    parts = [Region(width / 2 + x * (long / 2), height / 2 + y * (long / 2), long / 2) for x, y in middles]
    return whole + [part for part in parts if 0 <= part.x <= width and 0 <= part.y <= height]


def around_point(picture: np.ndarray, person: Person) -> list[Region]:
    """Where else to look when the user points at somebody: they may be too small for the whole picture."""
    if not isinstance(person, tuple):
        return []
    return [Region(person[0], person[1], part * min(picture.shape[:2])) for part in CLOSER]


def distinct_heads(found: list[Found]) -> list[Found]:
    """One detection a person, the surest: two are the same when the middles of their heads are nearer than 0.6 of the larger head."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: -one.score):
        if all(_head_distance(one, other) > SAME_HEAD for other in kept):
            kept.append(one)
    return kept


def _head_distance(one: Found, other: Found) -> float:
    a, b = np.array(one.head), np.array(other.head)
    return float(np.hypot(*(a[:2] + a[2:] - b[:2] - b[2:])) / 2 / max(a[2] - a[0], b[2] - b[0]))


def distinct_bodies(people: list[Someone]) -> list[Someone]:
    """One entry a body, the surest: two detections may have settled on the same one."""
    kept: list[Someone] = []
    for one in sorted(people, key=lambda one: -one.score):
        apart = [np.linalg.norm(one.body.points - other.body.points, axis=1).mean() / one.size for other in kept]
        if all(distance > SAME_BODY for distance in apart):
            kept.append(one)
    return kept


def chosen(people: list[Someone], person: Person) -> Someone:
    """The one of at least one people (from left to right) that `person` names. Raises InputError when there is no such person."""
    if person == LARGEST:
        return max(people, key=lambda one: one.size)
    if isinstance(person, int):
        if 0 <= person < len(people):
            return people[person]
        raise InputError(f"There is no person {person}: {len(people)} found, numbered from 0 at the left.")
    if isinstance(person, tuple):
        nearest = min(people, key=lambda one: _reach(one.body.next, person))
        if _reach(nearest.body.next, person) <= 1:
            return nearest
        x, y = nearest.middle
        raise InputError(f"Nobody was found at {person[0]:g}, {person[1]:g}: the nearest person is at {x:.0f}, {y:.0f}.")
    raise InputError(f"{person!r} names nobody: give 'largest', a number from the left (0, 1, ...) or a point (x, y).")


def _reach(region: Region, point: tuple[float, float]) -> float:
    """How far a point is from the middle of a body, 1 at the edge of an upright ellipse half as wide as the region."""
    x, y = region.to_region(np.array(point)) - 0.5
    return float(np.hypot(x / 0.25, y / 0.5))


def describe_choice(people: list[Someone], person: Person) -> str:
    """One sentence that says who was taken out of several people; empty when there was nothing to choose."""
    if len(people) < 2:
        return ""
    try:
        one = chosen(people, person)
    except InputError:  # whoever estimates refuses the choice; this only reports
        return ""
    which = "the largest" if person == LARGEST else f"number {people.index(one)}"
    others = ", ".join(f"{index} at {other.middle[0]:.0f},{other.middle[1]:.0f}" for index, other in enumerate(people) if other is not one)
    return f"{len(people)} people found; took {which} (at {one.middle[0]:.0f},{one.middle[1]:.0f}); choose with --person: {others}."
