"""What lies in a picture, and which pictures are portraits."""

import numpy as np
import pytest

from animato.pose.edge import inside, is_portrait

SIZE = (100, 60)


def test_inside_and_its_margin():
    places = np.array([[0, 0], [100, 60], [101, 30], [50, -1], [50, 55]])
    assert inside(places, SIZE).tolist() == [True, True, False, False, True]
    assert inside(places, SIZE, 6).tolist() == [False] * 5 and inside(places, SIZE, 5)[4]


@pytest.mark.parametrize(
    ("hips", "seen", "portrait"),
    [(((40, 50), (60, 50)), (1, 1), False), (((40, 70), (60, 70)), (1, 1), True), (((40, 50), (60, 50)), (0, 0), True),
     (((40, 50), (60, 70)), (1, 1), False), (((40, 50), (60, 70)), (0, 1), True)],
)  # fmt: skip
def test_a_portrait_shows_neither_hip(hips, seen, portrait):
    assert is_portrait(np.array(hips), np.array(seen, bool), SIZE) == portrait
