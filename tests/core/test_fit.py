"""Pictures brought to size: that content and points go to the same place, and that nothing is distorted."""

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.core.fit import fit, fit_frame


def test_fit_crop_and_pad_of_a_portrait_picture():
    assert fit((1080, 1920), (512, 768)).size == (432, 768)
    assert fit((1080, 1920), (512, 768), "crop").taken == (0, 150, 1080, 1770)
    padded = fit((1080, 1920), (512, 768), "pad")
    assert (padded.size, padded.laid) == ((512, 768), (40, 0, 472, 768))


def test_a_picture_of_the_asked_size_stays_as_it_is():
    frame = np.random.default_rng(0).integers(0, 256, (48, 32, 3), np.uint8)
    for how in ("fit", "crop", "pad"):
        assert np.array_equal(fit_frame(frame, (32, 48), how), frame)


def test_bars_have_the_colour():
    frame = np.full((40, 40, 3), 200, np.uint8)
    padded = fit_frame(frame, (80, 40), "pad", colour=(1, 2, 3))
    assert (padded[:, :20] == (1, 2, 3)).all() and (padded[:, 60:] == (1, 2, 3)).all() and (padded[:, 20:60] == 200).all()


@pytest.mark.parametrize("how", ["fit", "crop", "pad"])
@pytest.mark.parametrize("target", [(160, 160), (90, 200), (200, 60), (37, 31), (640, 480)])
def test_points_follow_the_picture(how, target):
    frame = np.zeros((120, 80, 3), np.uint8)
    frame[54:66, 34:46] = 255  # a square about (40, 60)
    fitted = fit((80, 120), target, how)
    result = fitted.frame(frame)
    assert result.shape == (fitted.size[1], fitted.size[0], 3)
    weight = result[..., 0].astype(float)
    y, x = np.indices(weight.shape) + 0.5
    found = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
    assert fitted.points(np.array([40.0, 60.0])) == pytest.approx(found, abs=0.1)


def test_shrinking_does_not_alias():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::4] = 255
    assert np.abs(fit_frame(stripes, (64, 64)).astype(int) - 64).max() <= 1


def test_what_cannot_be_done_is_said():
    with pytest.raises(InputError, match="by 'fit', 'crop' or 'pad', not by 'stretch'"):
        fit((64, 64), (32, 32), "stretch")
    with pytest.raises(InputError, match="64x64 cannot be brought to 0x32"):
        fit((64, 64), (0, 32))
