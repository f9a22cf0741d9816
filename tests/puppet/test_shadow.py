"""The contact shadow lies under standing feet, fades when they rise, and stays inside the picture."""

from dataclasses import replace

import numpy as np

from animato.pose.skeleton import J
from animato.puppet.rig import as_complex
from animato.puppet.shadow import cast, ground
from puppet_parts import drawn_parts, standing

PARTS = drawn_parts()


def light(joints: np.ndarray) -> np.ndarray:
    canvas = np.full((288, 192, 3), 200, np.uint8)
    cast(canvas, joints, ground(PARTS))
    return canvas[..., 0] / 200


def raised(by: float, sides: str = "lr") -> np.ndarray:
    joints = as_complex(standing().xyz[0]).copy()
    for side in sides:
        joints[[J[f"ankle_{side}"], J[f"toe_{side}"]]] -= 1j * by
    return joints


def test_it_is_dark_under_the_soles_and_nowhere_else():
    shade = 1 - light(raised(0))
    row, column = np.unravel_index(shade.argmax(), shade.shape)
    assert 0.2 < shade.max() < 0.4 and abs(row - ground(PARTS).y) < 6
    assert (shade[:250] == 0).all()


def test_the_ground_is_where_the_soles_are():
    shoes = [np.flatnonzero(PARTS.layers[f"leg_{side}"].texture[..., 3].max(axis=1) > 127)[-1] + 1 for side in "lr"]
    assert ground(replace(PARTS, floor=200.0)).y == max(shoes)


def test_it_fades_with_the_height_of_the_foot():
    total = [(1 - light(raised(by))).sum() for by in (0, 12, 18, 40)]
    assert total[0] > total[1] > total[2] > total[3] == 0


def test_each_foot_has_its_own():
    shade = 1 - light(raised(60, "l"))
    assert shade[:, :96].sum() > 0 and shade[:, 110:].sum() == 0


def test_it_may_lie_outside_the_picture():
    assert (light(raised(0) + 1000) == 1).all() and (light(raised(0) - 180) <= 1).all()


def test_there_is_none_without_a_floor_or_without_legs():
    frozen = {name: replace(layer, frozen=name.startswith("leg")) for name, layer in PARTS.layers.items()}
    assert ground(replace(PARTS, floor=None)) is None and ground(drawn_parts(("torso",))) is None
    assert ground(replace(PARTS, layers=frozen)) is None
