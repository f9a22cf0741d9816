"""Who is in a picture: every person the detector finds, confirmed by the landmarks, and the choice of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.pose.estimator.blaze import MIN_SCORE, Body, BodyLandmarks, Detector, Found
from animato.pose.estimator.region import Region, gap
from animato.pose.estimator.views import CLOSER, last_views, small_views, views

Person = str | int | tuple[float, float]  # "largest", an index from left to right (0, 1, ...), or a point in pixels
Box = tuple[float, float, float, float]  # x0 y0 x1 y1 in pixels
LARGEST = "largest"
ROUNDS, LONGER = 3, 6
SAME_HEAD, SAME_BODY = 0.6, 0.08
SAME_PLACE, SAME_SIZE = 0.15, 1.25  # of two regions
SURE = (0.8, 0.9, 0.75)  # the detector's score, the landmarks', and the joints' in the picture, from which on nobody is doubted
UPSIDE_DOWN = 0.8  # how likely that is beside standing
COVERED = 0.6  # share of the smaller box from which on two readings may be of one figure
MOST = 16  # detections of a close look that are followed up
AGAIN, OTHER_SIZES = 2, (0.75, 1.0, 1.3)  # readings that are tried anew, by the sides of their regions
CERTAIN = 0.8  # from which on nobody smaller is looked for
AS_CERTAIN = 0.15  # by which another may be less certain and still be somebody
VISIBLE = 0.3
CORE = [*range(11, 17), *range(23, 29)]  # shoulders, elbows, wrists, hips, knees, ankles


@dataclass(frozen=True, eq=False)
class Someone:
    """A person in a picture.

    score  0..1, the detector's
    body   after the landmarks settled on it
    seen   0..1, how well those joints are seen that lie in the picture
    """

    score: float
    body: Body
    seen: float = 1.0

    @property
    def sure(self) -> bool:
        """Whether nothing is to be doubted. What the edge of the picture cuts off is no reason for doubts."""
        return self.score >= SURE[0] and self.body.presence >= SURE[1] and self.seen >= SURE[2]

    @property
    def certainty(self) -> float:
        """0..1, to tell readings of one figure apart: one that is upside down, or too small, sees the joints less well."""
        upright = 1 - (1 - UPSIDE_DOWN) * (1 - np.cos(self.body.next.angle)) / 2
        return float(self.body.presence * self.body.score[CORE].mean() * upright)

    @property
    def size(self) -> float:
        """Side of the square that holds the whole body, in pixels."""
        return self.body.next.side

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the hips, in pixels."""
        return self.body.next.x, self.body.next.y

    @property
    def box(self) -> Box:
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
        thorough  whether to look at many more sizes and positions before saying that nobody is surely there (half a second)
        """
        people = distinct_bodies(self._confirmed(picture, self.detected(picture, extra)))
        if thorough and not any(one.sure for one in people):
            people = self._closely(picture, people)
        return sorted(people, key=lambda one: one.middle)

    def _closely(self, picture: np.ndarray, doubtful: list[Someone]) -> list[Someone]:
        """Who is in a picture in which nobody was surely seen: the most certain readings of all that is seen on a closer look."""
        height, width = picture.shape[:2]
        people = [*doubtful, *self._more(picture, last_views(width, height))]
        if all(one.certainty < CERTAIN for one in people):
            people += self._more(picture, small_views(width, height))
        best = sorted(people, key=lambda one: -one.certainty)[:AGAIN]
        people += [one for each in best for one in self._again(picture, each)]
        return most_certain(people)

    def _more(self, picture: np.ndarray, views: list[Region]) -> list[Someone]:
        found = [one for view in views for one in self._detector(picture, view)]
        return self._confirmed(picture, distinct_heads(found)[:MOST])

    def _again(self, picture: np.ndarray, one: Someone) -> list[Someone]:
        """Other readings of a figure: upright, and in larger and smaller regions."""
        places = [replace(one.body.next, side=room * one.size, angle=0.0) for room in OTHER_SIZES]
        return self._confirmed(picture, [Found(one.score, place, one.box) for place in places], LONGER)

    def _confirmed(self, picture: np.ndarray, found: list[Found], rounds: int = ROUNDS) -> list[Someone]:
        """Those in whom the landmark network sees a person, too."""
        bodies = [self.settled(picture, one.region, rounds) for one in found]
        size = picture.shape[1], picture.shape[0]
        return [
            Someone(one.score, body, seen_inside(body, size)) for one, body in zip(found, bodies, strict=True) if body.presence >= MIN_SCORE
        ]

    def detected(self, picture: np.ndarray, extra: Sequence[Region] = ()) -> list[Found]:
        """What the detector alone says, surest first: quicker, and now and then wrong."""
        height, width = picture.shape[:2]
        return distinct_heads([one for view in [*views(width, height), *extra] for one in self._detector(picture, view)])

    def settled(self, picture: np.ndarray, region: Region, rounds: int = ROUNDS) -> Body:
        """The body in a region that was made anew from what was seen in it, at most so many times, until it stays."""
        body = self.landmarks(picture, region)
        for _ in range(rounds - 1):
            body = self.landmarks(picture, body.next)
        return body


def seen_inside(body: Body, size: Size) -> float:
    """0..1: the mean score of trunk and limbs inside a picture of a size."""
    xy = body.points[CORE]
    inside = ((xy >= 0) & (xy < size)).all(axis=1)
    return float(body.score[CORE][inside].mean()) if inside.any() else 0.0


def around_point(picture: np.ndarray, person: Person) -> list[Region]:
    """Where else to look when the user points at somebody: they may be too small for the whole picture."""
    if not isinstance(person, tuple):
        return []
    return [Region(person[0], person[1], part * min(picture.shape[:2])) for part in CLOSER]


def distinct_heads(found: list[Found]) -> list[Found]:
    """One detection a person, the surest: two are the same when the middles of their heads are nearer than 0.6 of the larger head.

    Detections that are not sure are compared by their bodies, too: one head may be part of a right reading and of a wrong one.
    """
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: -one.score):
        if not any(_alike(one, other) or (other.score >= SURE[0] and _head_distance(one, other) <= SAME_HEAD) for other in kept):
            kept.append(one)
    return kept


def _head_distance(one: Found, other: Found) -> float:
    a, b = np.array(one.head), np.array(other.head)
    return float(np.hypot(*(a[:2] + a[2:] - b[:2] - b[2:])) / 2 / max(a[2] - a[0], b[2] - b[0]))


def _alike(one: Found, other: Found) -> bool:
    """Whether two detections see a body of about the same size in about the same place."""
    a, b = one.region, other.region
    return gap(a, b) < SAME_PLACE and max(a.side, b.side) < SAME_SIZE * min(a.side, b.side)


def distinct_bodies(people: list[Someone]) -> list[Someone]:
    """One entry a body: first the sure ones, the surest of each; then those that lie on none of the others, the most certain of each."""
    kept: list[Someone] = []
    for one in sorted(people, key=lambda one: (not one.sure, -one.score if one.sure else -one.certainty)):
        apart = [np.linalg.norm(one.body.points - other.body.points, axis=1).mean() / one.size for other in kept]
        if all(distance > SAME_BODY for distance in apart) and (one.sure or not covered(one, kept)):
            kept.append(one)
    return kept


def most_certain(people: list[Someone]) -> list[Someone]:
    """The most certain reading of each figure, and of the figures those that are about as certain as the best."""
    kept: list[Someone] = []
    for one in sorted(people, key=lambda one: -one.certainty):
        if not covered(one, kept) and one.certainty >= kept[0].certainty - AS_CERTAIN if kept else True:
            kept.append(one)
    return kept


def covered(one: Someone, others: list[Someone]) -> bool:
    """Whether somebody may be another reading of one of the others."""
    return any(covering(one.box, other.box) > COVERED for other in others)


def covering(one: Box, other: Box) -> float:
    """Share of the smaller of two boxes that lies in the other."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(np.prod(np.maximum(high - low, 0)) / max(min(areas), 1e-6))


def chosen(people: list[Someone], person: Person) -> Someone:
    """The one of at least one people (from left to right) that `person` names. Raises InputError when there is no such person."""
    if person == LARGEST:
        return max(people, key=lambda one: (one.sure, one.size))
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
