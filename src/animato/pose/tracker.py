"""Following one person through a clip, and everything that is seen of them in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from animato.core.errors import InputError
from animato.pose.blaze import MIN_SCORE, Body, BodyLandmarks, Detector, Found
from animato.pose.face import Face, Faces
from animato.pose.hands import Hand, Hands
from animato.pose.region import Region, blend

Person = str | int | tuple[float, float]  # "largest", an index from left to right, or a point of the first frame in pixels
LARGEST = "largest"
VIEWS = (1.0, 1.3, 2.0)
LOOKS = 3
NEW_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Whole:
    """A person in one frame."""

    body: Body
    left: Hand | None = None
    right: Hand | None = None
    face: Face | None = None


class Estimator:
    """The networks, loaded once. `hands` and `face` say whether those are looked for."""

    def __init__(self, folder: Path | None = None, *, hands: bool = True, face: bool = True) -> None:
        self._detector, self._body = Detector(folder), BodyLandmarks(folder)
        self._hands = Hands(folder) if hands else None
        self._face = Faces(folder) if face else None

    def people(self, picture: np.ndarray) -> list[Found]:
        """H W 3 uint8 -> the people in a picture from left to right. One who fills it is found only with room around: hence the wider views."""
        height, width = picture.shape[:2]
        for view in VIEWS:
            people = self._detector(picture, Region(width / 2, height / 2, view * max(width, height)))
            if people:
                return sorted(people, key=lambda one: one.region.x)
        return []

    def body(self, picture: np.ndarray, region: Region) -> Body:
        return self._body(picture, region)

    def settled(self, picture: np.ndarray, region: Region) -> Body:
        """The body after the region was made anew from what was seen in it."""
        body = self._body(picture, region)
        for _ in range(LOOKS - 1):
            body = self._body(picture, body.next)
        return body

    def whole(self, picture: np.ndarray, body: Body, before: Whole | None = None) -> Whole:
        """The body with its hands and face; `before` is the same person in the frame before."""
        hands_before = (before.left, before.right) if before else (None, None)
        left, right = self._hands(picture, body, hands_before) if self._hands else (None, None)
        face = self._face(picture, body, before.face if before else None) if self._face else None
        return Whole(body, left, right, face)


class Tracker:
    """Called with frame after frame; gives the chosen person, or None where they are not to be seen."""

    def __init__(self, estimator: Estimator, person: Person = LARGEST) -> None:
        self._estimator, self._person = estimator, person
        self._region: Region | None = None
        self._before: Whole | None = None

    def __call__(self, picture: np.ndarray) -> Whole | None:
        body = self._estimator.body(picture, self._region) if self._region else None
        if body is not None and body.presence >= MIN_SCORE:
            self._region = blend(body.region, body.next, NEW_SHARE)
        else:
            people = self._estimator.people(picture)
            body = self._estimator.settled(picture, chosen(people, self._person).region) if people else None
            self._region = body.next if body else None
        self._before = self._estimator.whole(picture, body, self._before) if body else None
        return self._before


def chosen(people: list[Found], person: Person) -> Found:
    """The one of at least one people (from left to right) that `person` names. Raises InputError when there is no such person."""
    if person == LARGEST:
        return max(people, key=lambda one: one.region.side)
    raise InputError(f"There is no person {person!r}.")
