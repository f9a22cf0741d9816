"""What the picture's edge cuts off goes on beyond it."""

from dataclasses import replace

import numpy as np

from animato.puppet.parts import Layer
from animato.puppet.prolong import prolonged


def layer(name: str, top: int = 20, bottom: int = 80) -> Layer:
    texture = np.zeros((80, 60, 4), np.uint8)
    texture[..., :3] = np.arange(80, dtype=np.uint8)[:, None, None]
    texture[top:bottom, 20:41, 3] = 255
    return Layer(name, texture, (5.0,), frozen=True)


def test_a_cut_leg_goes_on_downwards():
    longer, corner = prolonged(layer("leg_l"), 40)
    assert corner == 0 and longer.texture.shape == (80 + 28, 60, 4) and longer.frozen
    mirror = longer.texture[76:66:-1]
    assert (longer.texture[77:87] == longer.texture[75:65:-1]).all() and (mirror[..., 3] == longer.texture[77:87, :, 3]).all()


def test_a_skirt_goes_on_widening():
    skirt = layer("torso")
    for row in range(60, 80):
        skirt.texture[row, 20 - (row - 60) // 2 : 41 + (row - 60) // 2, 3] = 255
    widths = (prolonged(skirt, 60)[0].texture[..., 3] > 127).sum(axis=1)
    assert (np.diff(widths[60:]) >= 0).all() and widths[-1] > widths[79] + 10


def test_a_narrowing_leg_does_not_end_in_a_point():
    leg = layer("leg_l")
    for row in range(60, 80):
        leg.texture[row, : 20 + (row - 60) // 4, 3] = 0
    widths = (prolonged(leg, 60)[0].texture[..., 3] > 127).sum(axis=1)
    assert widths[-1] == widths[76]


def test_a_cut_head_is_closed_round():
    longer, corner = prolonged(layer("torso", top=0, bottom=50), 40)
    above = round(-corner.imag)
    widths = (longer.texture[:above, :, 3] > 127).sum(axis=1)
    assert 4 < above < 12 and (np.diff(widths) >= 0).all() and widths[0] < widths[-1] <= 21
    assert (longer.texture[above:] == layer("torso", top=0, bottom=50).texture).all()


def test_the_cap_of_a_head_has_the_colour_of_its_sides():
    head = layer("torso", top=0, bottom=50)
    head.texture[:, 20:24, :3] = head.texture[:, 37:41, :3] = (60, 30, 20)
    head.texture[:, 24:37, :3] = (240, 200, 180)
    cap = prolonged(head, 40)[0].texture[3, 30, :3].astype(int)
    assert abs(cap - (60, 30, 20)).max() < abs(cap - (240, 200, 180)).min()


def test_the_back_grows_alike():
    cut = layer("torso")
    longer, _ = prolonged(replace(cut, back=cut.texture.copy()), 40)
    assert (longer.back == longer.texture).all()


def test_arms_and_whole_layers_stay():
    for whole in (layer("arm_l"), layer("leg_l", bottom=60), layer("torso", bottom=60)):
        assert prolonged(whole, 40)[0] is whole
