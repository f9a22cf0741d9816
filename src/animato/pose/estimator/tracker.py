"""Following one person from frame to frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from animato.pose.estimator.appearance import FAMILIAR, colours, difference, is_other, learnt
from animato.pose.estimator.blaze import MIN_SCORE, Body
from animato.pose.estimator.people import LARGEST, People, Person, Someone, around_point, chosen
from animato.pose.estimator.region import Region, blend, gap

NEW_WEIGHT = 0.2
LAG = 0.1
LOOK_AROUND = 12
PATIENCE = 24
REACH, REACH_A_FRAME = 0.3, 0.03
LEARNING = 0.1


class Tracker:
    """Called with frame after frame; gives the chosen person's body, or None where they are not to be seen.

    To follow one who is alone it is enough to know where they are expected. As soon as others were seen, clothes decide as well, so that
    nobody who crosses is taken instead; who is hidden then is lost until they come out.
    """

    def __init__(self, people: People, person: Person = LARGEST) -> None:
        self._people, self._person = people, person
        self._region: Region | None = None
        self._clothes: np.ndarray | None = None
        self._others: list[np.ndarray] = []  # what the others wear
        self._frame = self._lost = 0

    def __call__(self, picture: np.ndarray) -> Body | None:
        """H W 3 uint8 -> Body. Raises InputError when the first people to be seen do not include the chosen person."""
        body = self._followed(picture) or self._found(picture)
        self._lost = 0 if body else self._lost + 1
        self._frame += 1
        return body

    def begun_at(self, body: Body) -> Tracker:
        """Another tracker that begins where this person's body is, and knows their clothes and the others'."""
        other = Tracker(self._people, self._person)
        other._region = body.next
        other._clothes = self._clothes
        other._others = self._others
        return other

    def _followed(self, picture: np.ndarray) -> Body | None:
        """The body in the region where it is expected."""
        if self._region is None or self._lost:
            return None
        if self._frame % LOOK_AROUND == 0 and not self._others and len(self._people.detected(picture)) > 1:
            self._meet(picture, self._people(picture), self._region)
        body = self._people.landmarks(picture, self._region)
        if body.presence < MIN_SCORE or not self._same(picture, body):
            return None
        self._region = blend(body.region, body.next, new_weight(body))
        return body

    def _found(self, picture: np.ndarray) -> Body | None:
        """The chosen person as the detector sees them."""
        extra = [replace(self._region, angle=0.0)] if self._region else around_point(picture, self._person)
        people = self._people(picture, extra, thorough=self._region is None and self._frame % LOOK_AROUND == 0)
        bodies = [one.body for one in self._candidates(people) if self._same(picture, one.body)]
        if not bodies:
            return None
        region = self._region
        body = bodies[0] if region is None else min(bodies, key=lambda one: gap(one.next, region))
        self._region = body.next
        if not self._others:
            self._meet(picture, people, self._region)
        return body

    def _candidates(self, people: list[Someone]) -> list[Someone]:
        """Whom to take up: at first the user's choice, later whoever is near, after a while anybody; in company clothes decide too."""
        if not people or self._region is None:
            return [chosen(people, self._person)] if people else []
        if self._lost >= PATIENCE:
            return people
        region, reach = self._region, REACH + self._lost * REACH_A_FRAME
        return [one for one in people if gap(one.body.next, region) < reach]

    def _meet(self, picture: np.ndarray, people: list[Someone], region: Region) -> None:
        """Remember what everybody wears but the one in `region`, where the chosen person is."""
        own = min(people, key=lambda one: gap(one.body.next, region), default=None)
        self._others = [colours(picture, one.body) for one in people if one is not own]

    def _same(self, picture: np.ndarray, body: Body) -> bool:
        """Whether a body wears what the chosen person wears. Learns that at first sight and follows slow changes such as a turn."""
        seen = colours(picture, body)
        if self._clothes is None:
            self._clothes = seen
        if self._others and is_other(seen, self._clothes, self._others):
            return False
        if not self._others or difference(self._clothes, seen) < FAMILIAR:
            self._clothes = learnt(self._clothes, seen, LEARNING)
        return True


def new_weight(body: Body) -> float:
    """How much of the new region to take: little while the person stands, for steadiness, and enough not to fall behind one who moves."""
    moved = gap(body.region, body.next)
    return NEW_WEIGHT if moved <= LAG else max(NEW_WEIGHT, 1 - LAG / moved)
