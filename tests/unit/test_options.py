"""Words of the command line become settings, or are refused with what was expected."""

import pytest

from animato.apps.options import settings_of
from animato.core.errors import InputError
from animato.sampling.plan import Windows


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


@pytest.mark.parametrize(
    ("word", "says"),
    [("canvas=768", "768x768"), ("canvas=", "NAME=VALUE"), ("canvas=axb", "picture"), ("window=48", "SIZE,OVERLAP"), ("frames=3", "steps")],
)
def test_words_that_set_nothing(word, says):
    with pytest.raises(InputError, match=says):
        settings_of([word])
