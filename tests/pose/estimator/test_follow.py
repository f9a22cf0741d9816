"""Choosing a person, and finding them again."""

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.estimator.follow import again, pick
from animato.pose.keypoints import KEYPOINTS


def people(*boxes: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Visible bodies that fill the boxes x0 y0 x1 y1."""
    points = np.zeros((len(boxes), KEYPOINTS, 3))
    for index, (x0, y0, x1, y1) in enumerate(boxes):
        points[index, :18, 0], points[index, :18, 1] = np.linspace(x0, x1, 18), np.linspace(y0, y1, 18)
    return points, np.ones((len(boxes), KEYPOINTS))


CROWD = people((100, 0, 140, 100), (300, 0, 400, 300), (10, 0, 40, 80))


@pytest.mark.parametrize(
    ("person", "index"),
    [("best", 0), ("largest", 1), (0, 2), (1, 0), (2, 1), ((120, 50), 0), ((399, 1), 1), ((10.0, 80.0), 2)],
)
def test_pick(person: str | int | tuple[float, float], index: int) -> None:
    assert pick(*CROWD, person) == index


@pytest.mark.parametrize(("person", "says"), [(3, "3 found"), (-1, "3 found"), ((200, 50), "120, 50"), ("somebody", "names nobody")])
def test_pick_nobody(person: str | int | tuple[float, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        pick(*CROWD, person)


def test_hidden_points_do_not_make_a_person_large() -> None:
    points, score = people((0, 0, 10, 10), (50, 50, 80, 80))
    points[0, 5], score[0, 5] = 1000, 0
    assert pick(points, score, "largest") == 1


def test_again_takes_the_nearest_by_points_seen_in_both_frames() -> None:
    points, score = people((0, 0, 40, 100), (60, 0, 100, 100))
    before, seen = people((52, 0, 92, 100))[0][0], np.ones(KEYPOINTS, bool)
    assert again(points, score, before, seen) == 1
    before[:10], seen[:10] = -1000, False
    assert again(points, score, before, seen) == 1
    score[1, :18] = 0
    assert again(points, score, before, seen) is None  # the other one is too far away
