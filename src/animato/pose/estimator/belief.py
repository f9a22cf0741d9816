"""Who is seen first in a clip is believed only when they are found again in the next frames.

Now and then an empty road is taken for a person. The frames before are then looked at backwards, from the first pose that is believed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from animato.core.media import Clip
from animato.pose.estimator.blaze import Body
from animato.pose.estimator.people import People, Person, seen_inside
from animato.pose.estimator.region import Region, gap
from animato.pose.estimator.tracker import Tracker

AHEAD, AGAIN = 4, 2  # frames that are looked at after the first sight, and in how many of them the person must be found again
BACK = 24  # frames that are kept for looking back
ROOM = (1.0, 1.4)
NEAR = 0.35  # of the smaller body
SURE = 0.8  # the detector's score, the landmarks' presence
WELL = 0.85  # score of the limbs in the picture; seen so far: drawn figures .88 and more, things taken for people .5 to .85


class Candidate:
    """Frames that wait for belief, with the body that was seen in each."""

    def __init__(self, people: People, person: Person) -> None:
        self._people, self._person = people, person
        self.frames: list[np.ndarray] = []
        self.bodies: list[Body | None] = []
        self._begin()

    def _begin(self) -> None:
        self.track = Tracker(self._people, self._person)
        self._first: int | None = None
        self._hits = 0

    def see(self, picture: np.ndarray) -> bool:
        """Takes the next frame (H W 3 uint8); whether the person is believed from now on."""
        body = self.track(picture)
        self.frames.append(picture)
        self.bodies.append(body)
        if self._first is None:
            self._first = len(self.frames) - 1 if body else None
            return body is not None and isinstance(self._person, tuple)  # the user points at them
        self._hits += body is not None and found_again(self._people, picture, body)
        if self._hits >= AGAIN:
            return True
        if len(self.frames) - 1 - self._first >= AHEAD:
            self.bodies = [None] * len(self.frames)
            self._begin()
        return False

    def old(self) -> np.ndarray | None:
        """The first frame, when more wait than are looked back at; nobody is in it."""
        if len(self.frames) <= BACK + AHEAD:
            return None
        self.bodies.pop(0)
        self._first = None if self._first is None else self._first - 1
        return self.frames.pop(0)

    def end(self) -> None:
        """No more frames come: a person is believed who was found again in as many frames as there were."""
        if self._first is not None and self._hits < min(AGAIN, len(self.frames) - 1 - self._first):
            self.bodies = [None] * len(self.frames)

    def looked_back(self) -> list[Body | None]:
        """The bodies in all waiting frames: before the first sight, those that are found from there backwards, as long as there are any."""
        bodies = list(self.bodies)
        seen = [(index, body) for index, body in enumerate(bodies) if body]
        if not seen:
            return bodies
        first, start = seen[0]
        track = self.track.begun_at(start)
        for index in range(first - 1, -1, -1):
            body = track(self.frames[index])
            if body is None or body.presence < SURE:
                break
            bodies[index] = body
        return bodies


def bodies_of(clip: Clip, people: People, person: Person) -> Iterator[tuple[np.ndarray, Body | None]]:
    """Every frame of a clip with the chosen person's body, None where they are not to be seen. InputError as `Tracker`."""
    candidate = Candidate(people, person)
    believed = False
    for picture in clip:
        if believed:
            yield picture, candidate.track(picture)
            continue
        believed = candidate.see(picture)
        if believed:
            yield from zip(candidate.frames, candidate.looked_back(), strict=True)
        elif (old := candidate.old()) is not None:
            yield old, None
    if not believed:
        candidate.end()
        yield from zip(candidate.frames, candidate.looked_back(), strict=True)


def found_again(people: People, picture: np.ndarray, body: Body) -> bool:
    """Whether the detector, which knows nothing of the frames before, sees somebody where a body is followed.

    Where it is not sure of it, as with drawn figures and with things taken for people, the limbs must be seen well.
    """
    where = body.next
    if body.presence < SURE:
        return False
    views = [Region(where.x, where.y, room * where.side) for room in ROOM]
    score = max((one.score for one in people.detected(picture, views) if gap(one.region, where) < NEAR), default=0.0)
    return score >= SURE or (score > 0 and seen_inside(body, picture.shape[1::-1]) >= WELL)
