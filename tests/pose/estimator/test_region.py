"""Regions: coordinates go there and back, crops and pastes agree with them, and blending turns the short way."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from animato.pose.estimator.region import Region, around, blend, gap, upward

coordinates = st.floats(-500, 500)
angles = st.floats(-3.1, 3.1)
regions = st.builds(Region, coordinates, coordinates, st.floats(5, 800), angles)


@given(regions, st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=5))
def test_coordinates_there_and_back(region: Region, points: list[tuple[float, float]]) -> None:
    there = region.to_region(np.array(points))
    np.testing.assert_allclose(region.to_picture(there), points, atol=1e-6)


@given(regions)
def test_the_upper_edge_lies_upward(region: Region) -> None:
    middle, top = region.to_picture(np.array([[0.5, 0.5], [0.5, 0.0]]))
    turned = (upward(middle, top) - region.angle + np.pi) % (2 * np.pi) - np.pi
    assert abs(turned) < 1e-6
    np.testing.assert_allclose(np.hypot(*(top - middle)), region.side / 2, rtol=1e-6)
    np.testing.assert_allclose([region.raised(0.5).x, region.raised(0.5).y], top, atol=1e-6)


def crop_slow(region: Region, picture: np.ndarray, size: int) -> np.ndarray:
    """The crop pixel by pixel: bilinear between pixel centres, black outside."""
    result = np.zeros((size, size))
    padded = np.pad(picture.astype(float), 1)
    for row in range(size):
        for column in range(size):
            x, y = region.to_picture(np.array([column + 0.5, row + 0.5]) / size) + 0.5
            x0, y0 = int(np.floor(x)), int(np.floor(y))
            if 0 <= x0 < padded.shape[1] - 1 and 0 <= y0 < padded.shape[0] - 1:
                fx, fy = x - x0, y - y0
                block = padded[y0 : y0 + 2, x0 : x0 + 2]
                result[row, column] = [1 - fy, fy] @ block @ [1 - fx, fx]
    return result


@given(st.floats(0, 40), st.floats(0, 30), st.floats(8, 60), angles)
def test_crop_is_the_slow_crop(x: float, y: float, side: float, angle: float) -> None:
    rows, columns = np.mgrid[:30, :40]
    picture = (100 + 60 * np.sin(columns / 5) + 50 * np.cos(rows / 4)).astype(np.uint8)
    region = Region(x, y, side, angle)
    fast, slow = region.crop(picture, 16), crop_slow(region, picture, 16)
    np.testing.assert_allclose(fast, slow, atol=16)  # OpenCV rounds coordinates to 1/32 pixel; the steps at the picture's edge are 200 high
    assert np.abs(fast - slow).mean() < 2


def test_averaged_crop_averages_and_keeps_its_place() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[::2] = 200  # stripes of one row, which a crop by points turns into beats
    picture[200:, 200:] = 0
    region = Region(200.0, 201.3, 400.0)
    averaged = region.crop_averaged(picture, 40)
    assert (averaged[2:18, 2:18] == 100).all() and (averaged[22:, 22:] == 0).all()
    assert (region.crop(picture, 40)[2:18, 2:18] != 100).all()


@given(st.floats(40, 60), st.floats(30, 50), st.floats(20, 50), angles)
def test_paste_undoes_crop(x: float, y: float, side: float, angle: float) -> None:
    rows, columns = np.mgrid[:80, :100].astype(np.float32)
    picture = 0.5 + columns / 400 + rows / 400
    region = Region(x, y, side, angle)
    pasted = region.paste(region.crop(picture, 64), (100, 80), (100, 80))
    inner = np.all(np.abs(region.to_region(np.stack([columns + 0.5, rows + 0.5], axis=-1)) - 0.5) < 0.4, axis=-1)
    np.testing.assert_allclose(pasted[inner], picture[inner], atol=0.02)
    half = region.paste(region.crop(picture, 64), (50, 40), (100, 80))
    np.testing.assert_allclose(half[inner[::2, ::2] & inner[1::2, 1::2]], picture[::2, ::2][inner[::2, ::2] & inner[1::2, 1::2]], atol=0.03)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=9), angles, st.floats(1.0, 3.0))
def test_around_holds_all_points(points: list[tuple[float, float]], angle: float, margin: float) -> None:
    region = around(np.array(points), angle, margin * 1.001)
    if region.side > 1e-3:
        inside = np.abs(region.to_region(np.array(points)) - 0.5)
        assert inside.max() <= 0.5
        np.testing.assert_allclose(inside.max(), 0.5 / (margin * 1.001), rtol=1e-6)


def test_blend_turns_the_short_way_and_gap_is_in_sides() -> None:
    old, new = Region(0.0, 0.0, 100.0, 3.0), Region(50.0, 0.0, 200.0, -3.0)
    middle = blend(old, new, 0.5)
    assert (middle.x, middle.side) == (25.0, 150.0)
    assert abs(abs(middle.angle) - np.pi) < 1e-9
    assert gap(old, new) == 0.5
