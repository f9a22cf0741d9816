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
    assert corner == 0 and longer.texture.shape == (100, 60, 4) and longer.frozen
    assert (longer.texture[80:] == longer.texture[79]).all()


def test_a_cut_head_is_closed_round():
    longer, corner = prolonged(layer("torso", top=0, bottom=50), 40)
    above = round(-corner.imag)
    widths = (longer.texture[:above, :, 3] > 127).sum(axis=1)
    assert 4 < above < 12 and (np.diff(widths) >= 0).all() and widths[0] < widths[-1] <= 21
    assert (longer.texture[above:] == layer("torso", top=0, bottom=50).texture).all()


def test_the_back_grows_alike():
    cut = layer("torso")
    longer, _ = prolonged(replace(cut, back=cut.texture.copy()), 40)
    assert (longer.back == longer.texture).all()


def test_arms_and_whole_layers_stay():
    for whole in (layer("arm_l"), layer("leg_l", bottom=60), layer("torso", bottom=60)):
        assert prolonged(whole, 40)[0] is whole
