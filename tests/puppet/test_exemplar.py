"""Rough gaps filled by exemplars, and that the choice is kept."""

import numpy as np
import pytest

from animato.puppet.copies import Copies
from animato.puppet.exemplar import Plan, carried_out, planned
from animato.puppet.inpaint import inpaint
from animato.puppet.kept_plan import fill_rough, keep, recalled
from animato.puppet.view import view_of

HEIGHT, WIDTH = 144, 160
HOLE = np.zeros((HEIGHT, WIDTH), bool)
HOLE[30:, 62:98] = True


def bricks():
    """H W 3 uint8: a wall whose pattern repeats itself every 16 rows and 24 columns."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    joint = (y % 8 < 2) | ((x + 12 * (y // 8 % 2)) % 24 < 2)
    return np.where(joint[..., None], (200, 196, 190), (140, 70, 50)).astype(np.uint8)


def holed(picture):
    picture = picture.copy()
    picture[HOLE] = (0, 255, 0)
    return picture


def filled(picture, gap=HOLE):
    smooth = inpaint(picture, HOLE)
    return smooth, carried_out(planned(picture, smooth, HOLE, gap), smooth, gap)


def error(result, wanted):
    return np.abs(result - wanted)[HOLE].mean()


def test_a_brick_wall_goes_on_behind_the_person():
    smooth, result = filled(holed(bricks()))
    assert error(result, bricks()) < 5 < 15 < error(smooth, bricks())


def test_gravel_keeps_its_detail():
    grain = np.random.default_rng(0).uniform(40, 220, (HEIGHT // 3, WIDTH // 3 + 1, 1)).repeat(3, axis=0).repeat(3, axis=1)
    picture = grain[:, :WIDTH].repeat(3, axis=2).astype(np.uint8)
    _, result = filled(holed(picture))

    def steepness(values):
        return np.abs(np.diff(values[40:140, 66:94], axis=1)).mean()

    assert steepness(result) > 0.85 * steepness(picture.astype(float))


def test_nothing_is_copied_from_the_hole_and_nothing_changes_outside_the_gap():
    gap = HOLE.copy()
    gap[:80] = False
    smooth, result = filled(holed(bricks()), gap)
    assert np.array_equal(result[~gap], smooth[~gap])
    assert ((result[..., 1] - result[..., 0]) < 60).all()


def test_the_choice_is_the_same_every_time():
    picture = holed(bricks())
    smooth = inpaint(picture, HOLE)
    one, two = planned(picture, smooth, HOLE, HOLE), planned(picture, smooth, HOLE, HOLE)
    assert np.array_equal(one.labels, two.labels) and np.array_equal(one.copies.rows, two.copies.rows)


def test_a_gap_without_anything_to_copy_keeps_its_smooth_filling():
    hole = np.ones((60, 60), bool)
    hole[:, :4] = False
    picture = np.random.default_rng(3).integers(0, 255, (60, 60, 3), np.uint8)
    smooth = inpaint(picture, hole)
    result = carried_out(planned(picture, smooth, hole, hole), smooth, hole)
    assert np.array_equal(result, smooth)


def test_progress_is_told():
    told = []
    picture = holed(bricks())
    planned(picture, inpaint(picture, HOLE), HOLE, HOLE, lambda *what: told.append(what))
    assert told[0] == ("fill the background", 0, 4) and told[-1] == ("fill the background", 4, 4)


def test_a_kept_choice_is_used_and_holds_no_colour(tmp_path):
    picture = holed(bricks())
    smooth = inpaint(picture, HOLE)
    told = []
    one = fill_rough(picture, smooth, HOLE, HOLE, tmp_path, lambda *what: told.append(what))
    count = len(told)
    two = fill_rough(picture, smooth, HOLE, HOLE, tmp_path, lambda *what: told.append(what))
    assert count and len(told) == count and np.array_equal(one, two)
    [path] = tmp_path.glob("*.npz")
    with np.load(path) as file:
        assert sorted(file.files) == ["copies", "labels"] and file["labels"].dtype == np.int16
    path.write_bytes(b"damaged")
    assert np.array_equal(fill_rough(picture, smooth, HOLE, HOLE, tmp_path), one)


@pytest.mark.parametrize("labels", [np.full((4, 4), 7), np.full((4, 4), -1), np.full((4, 4), -2), np.zeros((0, 4)), np.zeros((2, 2, 2))])
def test_a_kept_choice_that_cannot_be_is_not_used(tmp_path, labels):
    keep(Plan(labels.astype(np.int16), Copies(np.zeros((3, 3), int))), tmp_path / "plan.npz")
    assert recalled(tmp_path / "plan.npz") is None


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path):
    (tmp_path / "file").write_text("no folder")
    picture = holed(bricks())
    smooth = inpaint(picture, HOLE)
    assert fill_rough(picture, smooth, HOLE, HOLE, tmp_path / "file" / "below").shape == picture.shape


def slow_own(view, node, label, prior):
    """What a label costs a node by itself and beside known pixels, in plain words."""
    _, may = view.colours(np.array(label), view.ys[node], view.xs[node])
    total = prior[label] + (0 if may else 1e4)
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = view.ys[node] + down * view.stride, view.xs[node] + right * view.stride
        if 0 <= y < HEIGHT and 0 <= x < WIDTH and not view.gap[y, x]:
            colour, may = view.colours(np.array(label), y, x)
            total += 2 * min(np.square(colour - view.around[y, x]).sum() / 60, 200) if may else 60
    return total


def test_own_costs_are_those_of_a_plain_loop():
    rng = np.random.default_rng(4)
    around = rng.uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)
    copies = Copies(np.array([[0, 0, 40], [0, -20, -50], [1, 0, 123], [0, 0, 0]]))
    view = view_of(4, around, ~HOLE, HOLE, copies)
    choice = np.broadcast_to(np.arange(4), (len(view.ys), 4))
    prior = np.array([1, 2, 3, 200], np.float32)
    own = view.own_costs(choice, prior)
    for node in range(0, len(view.ys), 7):
        assert np.allclose(own[node], [slow_own(view, node, label, prior) for label in range(4)], rtol=1e-4)
