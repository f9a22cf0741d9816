"""For any two sizes: the aspect is kept to within rounding, the target is filled or not exceeded, points go there and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from animato.core.fit import fit

sides = st.integers(1, 5000)
sizes = st.tuples(sides, sides)
hows = st.sampled_from(["fit", "crop", "pad"])


def extent(box):
    return np.array([box[2] - box[0], box[3] - box[1]])


@given(sizes, sizes, hows)
def test_the_aspect_is_kept_to_within_half_a_pixel(source, target, how):
    fitted = fit(source, target, how)
    taken, laid = extent(fitted.taken), extent(fitted.laid)
    ratios = np.array(target) / source
    scale = ratios.max() if how == "crop" else ratios.min()
    if how == "crop":
        assert (np.abs(taken - laid / scale) <= 0.5 + 1e-6).all() or (taken == 1).any()
    else:
        assert (np.abs(laid - taken * scale) <= 0.5 + 1e-6).all() or (laid == 1).any()


@given(sizes, sizes, hows)
def test_boxes_lie_inside_their_pictures(source, target, how):
    fitted = fit(source, target, how)
    for box, size in ((fitted.taken, source), (fitted.laid, fitted.size)):
        assert 0 <= box[0] < box[2] <= size[0] and 0 <= box[1] < box[3] <= size[1]
    if how == "fit":
        assert (np.array(fitted.size) <= target).all() and (np.array(fitted.size) == target).any()
    else:
        assert fitted.size == target
    if how == "crop":
        assert fitted.laid == (0, 0, *target) and (extent(fitted.taken) == source).any()
    else:
        assert fitted.taken == (0, 0, *source)


@given(sizes, sizes, hows, st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)))
def test_points_go_there_and_back(source, target, how, point):
    fitted = fit(source, target, how)
    assert np.allclose(fitted.source_points(fitted.points(np.array(point))), point, atol=1e-6)


@given(sizes, sizes, hows)
def test_the_middle_stays_in_the_middle(source, target, how):
    fitted = fit(source, target, how)
    middle = fitted.points(np.array(source) / 2)
    assert (np.abs(middle - np.array(fitted.size) / 2) <= 0.5 * np.maximum(fitted.scale, 1) + 1e-6).all()
