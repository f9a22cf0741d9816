"""Words of the command line become settings, or are refused with what was expected."""

import pytest

from animato.apps.options import settings_of
from animato.core.errors import InputError
from animato.sampling.plan import Chain, Windows


def test_settings():
    words = ["steps=20", "guidance=2.5", "window=48,4,open", "canvas=768x640", "scheduler=UniPC"]
    assert settings_of(words) == {
        "steps": 20,
        "guidance": 2.5,
        "window": Windows(48, 4, end="open"),
        "canvas": (768, 640),
        "scheduler": "UniPC",
    }
    assert settings_of(["canvas=picture"]) == {"canvas": None}
    assert settings_of(["reference=both"]) == {"reference": "both"}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("24,4", Windows(24, 4)),
        ("24,4,closed", Windows(24, 4, end="closed")),
        ("32,8,last", Windows(32, 8, end="last")),
        ("chain", Chain(32)),
        ("chain,16", Chain(16)),
        ("chain,32,0.5", Chain(32, 0.5)),
    ],
)
def test_windows_and_chains(word, meant):
    assert settings_of([f"window={word}"]) == {"window": meant}


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("canvas=768", "768x768"),
        ("canvas=", "NAME=VALUE"),
        ("canvas=axb", "picture"),
        ("window=48", "SIZE,OVERLAP"),
        ("window=chain,,1", "chain,SIZE,ANCHOR"),
        ("window=chain,32,2", "anchor of 2"),
        ("frames=3", "steps"),
    ],
)
def test_words_that_set_nothing(word, says):
    with pytest.raises(InputError, match=says):
        settings_of([word])
