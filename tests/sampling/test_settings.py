"""Options are refused when they are given, not when they are used."""

import pytest

from animato.core.errors import InputError
from animato.sampling.plan import Chain, Windows
from animato.sampling.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", 0), ("steps", 1001), ("guidance", -1), ("guidance", float("nan")), ("seed", -1), ("batch", 0), ("interpolation", 0)]
    + [("dtype", "half"), ("memory", "little"), ("reference", "last-frame"), ("canvas", (63, 512)), ("canvas", (512, 5000))],
)
def test_bad_options(name, value):
    with pytest.raises(InputError, match=name):
        Settings(**{name: value})


def test_good_options():
    assert Settings() == Settings(30, 3.5, 42, "DDIM", Windows(24, 4, 1, "closed"))
    Settings(steps=1, guidance=0, seed=2**63, interpolation=100, dtype="bfloat16", memory="low")


@pytest.mark.parametrize("window", [(8, 8), (8, -1), (0, 0), (8, 2, 0), (8, 2, 1, "ajar"), (8, 2, 2, "last")])
def test_bad_windows(window):
    with pytest.raises(InputError):
        Windows(*window)


@pytest.mark.parametrize("link", [(1,), (0,), (8, -0.1), (8, 1.1), (8, float("nan"))])
def test_bad_chains(link):
    with pytest.raises(InputError):
        Chain(*link)
