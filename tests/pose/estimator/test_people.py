"""Who is taken out of several people, what is said about it, and what tells them apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.estimator.appearance import PARTS, colours, difference, is_other, learnt
from animato.pose.estimator.blaze import Found
from animato.pose.estimator.hands import LEFT, RIGHT, Hand, apart, plausible
from animato.pose.estimator.people import Someone, chosen, describe_choice, distinct_bodies, distinct_heads, most_certain
from animato.pose.estimator.region import Region
from animato.pose.estimator.tracker import new_weight
from animato.pose.estimator.views import tiles, views
from seen import body


def someone(x: float, side: float, score: float = 0.9) -> Someone:
    seen = body({11: (x + 20, 50.0), 12: (x - 20, 50.0)})
    return Someone(score, replace(seen, points=seen.points + x, next=Region(x, 200.0, side)))


THREE = [someone(100, 300), someone(400, 500), someone(700, 400)]


def test_the_largest_an_index_or_a_point_choose() -> None:
    assert chosen(THREE, "largest") is THREE[1]
    assert chosen(THREE, 2) is THREE[2]
    assert chosen(THREE, (130.0, 150.0)) is THREE[0]


@pytest.mark.parametrize(
    ("person", "message"),
    [
        (3, "no person 3: 3 found"),
        (-1, "no person -1"),
        ((250.0, 900.0), "Nobody was found at 250, 900"),
        ("tallest", "'tallest' names nobody"),
    ],
)
def test_a_choice_of_nobody_is_refused(person: int | str | tuple[float, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        chosen(THREE, person)


def test_a_choice_is_described_only_when_there_was_one() -> None:
    assert describe_choice(THREE[:1], "largest") == ""
    assert describe_choice(THREE, 7) == ""
    said = describe_choice(THREE, "largest")
    assert said.startswith("3 people found; took the largest (at 400,200)") and "--person: 0 at 100,200, 2 at 700,200" in said


def found(x: float, side: float, score: float) -> Found:
    return Found(score, Region(x, 0.0, 4 * side), (x - side / 2, 0.0, x + side / 2, side))


def test_the_same_head_in_two_views_is_one_person() -> None:
    kept = distinct_heads([found(100, 40, 0.7), found(110, 50, 0.9), found(180, 40, 0.6)])
    assert [one.score for one in kept] == [0.9, 0.6]
    assert [one.score for one in distinct_bodies([someone(100, 300, 0.6), someone(105, 300, 0.8), someone(200, 300, 0.7)])] == [0.8, 0.7]


def test_wide_pictures_are_also_looked_at_in_parts() -> None:
    assert [one.side for one in views(600, 800)] == [800, 1040]
    ends = views(1600, 800)[2:]
    assert [(one.x, one.side) for one in ends] == [(400.0, 800.0), (1200.0, 800.0)]


def test_tiles_cover_the_picture_and_overlap_by_half() -> None:
    row = tiles(1600, 400, 400)
    assert [one.x for one in row] == [200 * k for k in range(1, 8)] and {one.y for one in row} == {200}
    assert tiles(300, 300, 300) == [Region(150, 150, 300)]


def reading(angle: float = 0.0, seen: float = 0.9, score: float = 0.6, x: float = 0.0) -> Someone:
    """Somebody in a box of 100 by 300 pixels that begins at x, as the network reads them with their head at `angle`."""
    one = body({11: (x + 100.0, 300.0), 12: (x, 0.0)}, score=seen)
    points = np.tile(one.points[12], (33, 1))
    points[11] = one.points[11]
    return Someone(score, replace(one, points=points, next=Region(x + 50, 150.0, 400.0, angle)), seen)


def test_of_two_readings_of_one_figure_the_upright_one_is_taken_although_it_is_seen_less_well() -> None:
    upright, upside_down = reading(seen=0.85), reading(np.pi, seen=0.95, score=0.75)
    assert most_certain([upside_down, upright]) == [upright]
    assert distinct_bodies([upside_down, upright]) == [upright]
    assert most_certain([reading(np.pi)])[0].certainty > 0.5  # who stands on their head alone is somebody


def test_who_is_surely_seen_stays_beside_another_and_a_doubtful_reading_does_not() -> None:
    sure = reading(score=0.95)
    moved = replace(reading(score=0.9, x=60.0))
    assert distinct_bodies([sure, moved]) == [sure, moved]
    assert distinct_bodies([sure, reading(score=0.6, x=30.0)]) == [sure]
    assert distinct_bodies([sure, reading(score=0.6, x=300.0)])[0] is sure


def test_the_largest_is_one_who_is_surely_seen() -> None:
    phantom = replace(someone(400, 700, 0.6), seen=0.7)
    assert chosen([THREE[0], phantom], "largest") is THREE[0]
    assert chosen([THREE[0], phantom], 1) is phantom


def painted(trunk: int, legs: int) -> np.ndarray:
    picture = np.full((400, 200, 3), trunk, np.uint8)
    picture[220:] = legs
    return picture


STANDING = body(
    {11: (130.0, 50.0), 12: (70.0, 50.0), 13: (150.0, 120.0), 14: (50.0, 120.0), 23: (120.0, 200.0), 24: (80.0, 200.0)}
    | {25: (120.0, 290.0), 26: (80.0, 290.0), 27: (120.0, 380.0), 28: (80.0, 380.0)}
)


def test_clothes_tell_people_apart_and_what_is_outside_does_not_count() -> None:
    one = colours(painted(200, 60), STANDING)
    assert one.shape == (len(PARTS), 3) and not np.isnan(one).any()
    assert difference(one, colours(painted(200, 60), STANDING)) == 0
    assert difference(one, colours(painted(200, 200), STANDING)) > 15
    upper = colours(painted(200, 60)[:210], STANDING)
    assert np.isnan(upper[2:4]).all() and difference(one, upper) < 1e-3
    np.testing.assert_allclose(learnt(upper, one, 0.1)[2:4], one[2:4])
    np.testing.assert_allclose(learnt(one, upper, 0.1), one, atol=1e-3)


def worn(lightness: float) -> np.ndarray:
    """Grey clothes from head to foot."""
    return np.tile([lightness, 0.0, 0.0], (len(PARTS), 1))


@pytest.mark.parametrize(
    ("seen", "others", "expected"),
    [
        (55, [90], False),  # a shade off
        (62, [90], False),  # off, but nearer to the person's own than to the other's
        (62, [65], True),  # off, and clearly nearer to the other's
        (62, [61], False),  # the other wears much the same: it tells nothing
        (80, [], True),  # nobody known, but too far off
    ],
)
def test_who_wears_what_somebody_else_wears_is_somebody_else(seen: float, others: list[float], expected: bool) -> None:
    assert is_other(worn(seen), worn(50), [worn(other) for other in others]) is expected


def hand(x: float, y: float, right: float) -> Hand:
    """A hand whose fingers point down, 40 pixels from wrist to knuckles."""
    points = np.tile([x, y + 40.0, 0.0], (21, 1))
    points[0, 1] = y
    return Hand(points, 0.9, right, Region(x, y, 200.0))


ARMS = body({13: (150.0, 100.0), 15: (150.0, 200.0), 14: (50.0, 100.0), 16: (50.0, 200.0)})


def test_a_hand_must_fit_its_arm() -> None:
    assert plausible(hand(155, 205, 0.1), ARMS, LEFT)
    assert not plausible(hand(155, 205, 0.97), ARMS, LEFT)  # surely a right one
    assert plausible(hand(55, 205, 0.97), ARMS, RIGHT)
    assert not plausible(hand(55, 205, 0.03), ARMS, RIGHT)
    assert not plausible(hand(55, 300, 0.97), ARMS, RIGHT)  # a forearm's length away
    tiny = hand(155, 205, 0.1)
    assert not plausible(replace(tiny, points=tiny.points * [1, 0, 1] + [0, 205, 0]), ARMS, LEFT)


def test_one_hand_seen_twice_belongs_to_the_nearer_wrist() -> None:
    left, right = hand(150, 205, 0.5), hand(152, 206, 0.5)
    assert apart(left, right, ARMS) == (left, None)
    assert apart(left, hand(50, 205, 0.9), ARMS)[1] is not None


def test_the_region_follows_slowly_but_never_falls_far_behind() -> None:
    still, quick = replace(ARMS, next=Region(110.0, 100.0, 400.0)), replace(ARMS, next=Region(300.0, 100.0, 400.0))
    assert new_weight(still) == 0.2
    assert (1 - new_weight(quick)) * 200 / 400 == pytest.approx(0.1)
