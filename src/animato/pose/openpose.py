"""People as OpenPose writes them in JSON: named fields of x, y, confidence triples, read with every mistake named, and written."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from animato.core.errors import InputError
from animato.pose.keypoints import BODY, FACE, FEET, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point

FIELDS = {
    "pose_keypoints_2d": BODY,
    "foot_keypoints_2d": FEET,  # not OpenPose's own: it has feet only in the 25 body points
    "face_keypoints_2d": FACE,
    "hand_left_keypoints_2d": LEFT_HAND,
    "hand_right_keypoints_2d": RIGHT_HAND,
}
DEPTHS = {field.replace("_2d", "_z"): points for field, points in FIELDS.items()}

# OpenPose's 25 body points are our 18 and 6 in the same order, with the middle of the hips put in.
_BODY_24, _BODY_25 = FEET.stop, 25
_MID_HIP = 8
_FACE_70 = 70  # the 68 points and two pupils
_UNUSED = ("person_id", "pose_keypoints_3d", "face_keypoints_3d", "hand_left_keypoints_3d", "hand_right_keypoints_3d")

_COORDINATE_DIGITS = 2
_SCORE_DIGITS = 4
_SHOWN = 40  # letters of what a message quotes
FARTHEST = 1e6  # pixels
MOST_PEOPLE = 1000  # of one frame


@dataclass(frozen=True)
class Location:
    """Where in which file a mistake is, for its message."""

    file: str
    frame: int
    person: int | None = None
    field: str | None = None

    def error(self, what: str) -> InputError:
        parts = [self.file, f"frame {self.frame}"]
        if self.person is not None:
            parts.append(f"person {self.person}")
        if self.field is not None:
            parts.append(self.field)
        return InputError(f"{', '.join(parts)}: {what}.")


def read_people(frame: Any, location: Location) -> list[tuple[np.ndarray, np.ndarray]]:
    """(points 134 3, score 134) of everybody in one frame object. Raises InputError."""
    people = frame.get("people") if isinstance(frame, dict) else None
    if not isinstance(people, list):
        raise location.error("must be an object with a list 'people'")
    if len(people) > MOST_PEOPLE:
        raise location.error(f"holds {len(people)} people, but at most {MOST_PEOPLE} are read; keep those who are needed")
    return [_read_person(person, replace(location, person=index)) for index, person in enumerate(people)]


def write_person(points: np.ndarray, score: np.ndarray) -> dict[str, list[float]]:
    """One person (points 134 3, score 134) as the fields of FIELDS and DEPTHS, less those without a point or a depth."""
    person: dict[str, list[float]] = {"pose_keypoints_2d": []}
    for field, which in FIELDS.items():
        if (score[which] > 0).any():
            person[field] = _triples(points[which], score[which])
    for field, which in DEPTHS.items():
        depth = _rounded_depth(points[which], score[which])
        if depth.any():
            person[field] = depth.tolist()
    return person


def write_body_25(points: np.ndarray, score: np.ndarray) -> dict[str, list[float]]:
    """One person as OpenPose itself writes it: 25 body points with the middle of the hips between its hips, 70 of the face, no depth."""
    hips = [Point.R_HIP, Point.L_HIP]
    xy, confidence = np.insert(points[:_BODY_24, :2], _MID_HIP, points[hips, :2].mean(axis=0), axis=0), score[:_BODY_24]
    confidence = np.insert(confidence, _MID_HIP, score[hips].min())
    pupils = [0.0] * 3 * (_FACE_70 - 68)
    return {
        "person_id": [-1],
        "pose_keypoints_2d": _triples(xy, confidence),
        "face_keypoints_2d": _triples(points[FACE], score[FACE]) + pupils,
        "hand_left_keypoints_2d": _triples(points[LEFT_HAND], score[LEFT_HAND]),
        "hand_right_keypoints_2d": _triples(points[RIGHT_HAND], score[RIGHT_HAND]),
    }


def shown(value: Any) -> str:
    """A value from a file for a message; lists and objects, which may be endless, by their kind alone."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return json.dumps(value)[:_SHOWN]


def _read_person(person: Any, location: Location) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(person, dict):
        raise location.error("must be an object with the field 'pose_keypoints_2d'")
    for field in person:
        if field not in (*FIELDS, *DEPTHS, *_UNUSED):
            raise location.error(f"has the field '{field[:_SHOWN]}', which is not known; known are {', '.join((*FIELDS, *DEPTHS))}")
    if "pose_keypoints_2d" not in person:
        raise location.error("has no field 'pose_keypoints_2d'; write an empty list for a person who is not there")
    points, score = np.zeros((KEYPOINTS, 3)), np.zeros(KEYPOINTS)
    for field, which in FIELDS.items():
        values = _numbers(person.get(field, []), replace(location, field=field), 3, _counts(field))
        _put(values.reshape(-1, 3), which, points, score, replace(location, field=field))
    for field, which in DEPTHS.items():
        depth = _numbers(person.get(field, []), replace(location, field=field), 1, (which.stop - which.start,))
        if len(depth):
            points[which, 2] = depth
    points[score == 0] = 0
    return points, score


def _put(triples: np.ndarray, which: slice, points: np.ndarray, score: np.ndarray, location: Location) -> None:
    """Writes the points of one field, in whichever of its layouts, to where they belong."""
    if len(triples) == 0:
        return
    if len(triples) == _BODY_25:
        triples = np.delete(triples, _MID_HIP, axis=0)
        which = slice(0, _BODY_24)
    triples = triples[: which.stop - which.start]
    if (triples[:, 2] < 0).any():
        raise location.error(f"point {int(np.argmin(triples[:, 2]))} has a negative score; scores go from 0 (missing) to 1")
    points[which, :2], score[which] = triples[:, :2], np.minimum(triples[:, 2], 1)


def _counts(field: str) -> tuple[int, ...]:
    """How many points a field may hold."""
    which = FIELDS[field]
    extra = {"pose_keypoints_2d": (_BODY_25,), "face_keypoints_2d": (_FACE_70,)}
    return (which.stop - which.start, *extra.get(field, ()))


def _numbers(values: Any, location: Location, each: int, counts: tuple[int, ...]) -> np.ndarray:
    """A list from the file as an array, proved to hold as many sensible numbers as one of `counts` points need, `each` for one."""
    if not isinstance(values, list):
        raise location.error("must be a list of numbers")
    if values and len(values) not in [count * each for count in counts]:
        due = " or ".join(f"{count * each} ({count} points)" for count in counts)
        raise location.error(f"holds {len(values)} numbers, but {due} are due, or none")
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise location.error(f"entry {index} is {shown(value)}, which is not a number")
        if not abs(value) <= FARTHEST:
            raise location.error(f"entry {index} is {shown(value)}, which is not a usable number")
    return np.array(values, float)


def _triples(points: np.ndarray, score: np.ndarray) -> list[float]:
    """x, y, score of each point in one list, rounded; zeros where the point is missing."""
    seen = score > 0
    table = np.column_stack([np.round(points[:, :2], _COORDINATE_DIGITS), np.maximum(np.round(score, _SCORE_DIGITS), 10.0**-_SCORE_DIGITS)])
    return (table * seen[:, None] + 0.0).ravel().tolist()  # + 0.0 turns -0.0 into 0.0


def _rounded_depth(points: np.ndarray, score: np.ndarray) -> np.ndarray:
    return np.where(score > 0, np.round(points[:, 2], _COORDINATE_DIGITS), 0.0) + 0.0
