"""A name and a few words become a system with its weights and settings, or are refused before weights are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from animato.core.errors import InputError
from animato.sampling.plan import Chain, Windows
from animato.systems.load import load
from animato.systems.tuned import Tuned
from animato.systems.uni_animate import PUBLISHED, UniAnimate
from uni_files import official, tiny_parts

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official(tmp_path_factory.mktemp("official"), tiny_parts())


def window(weights: Path, **words: Any) -> Windows | Chain:
    chosen = load("uni-animate", weights=weights, **words)
    assert isinstance(chosen, Tuned) and isinstance(chosen.system, UniAnimate) and not chosen.notes
    return chosen.settings.window


def test_long_clips(weights: Path) -> None:
    """A chain has clips as long as the windows it takes the place of."""
    assert window(weights) == window(weights, long="windows") == PUBLISHED.window == Windows(32, 8, end="last")
    assert window(weights, long="chain") == Chain(32)
    for mine in (Windows(16, 4), Chain(12, 0.5)):
        assert window(weights, settings={"window": mine}) == mine
        assert window(weights, settings={"window": mine}, long="chain" if isinstance(mine, Chain) else "windows") == mine
    with pytest.raises(InputError, match="--long windows and the window that is set contradict each other"):
        window(weights, settings={"window": Chain()}, long="windows")
    with pytest.raises(InputError, match="--long chain and the window that is set contradict each other"):
        window(weights, settings={"window": Windows()}, long="chain")


def test_fetched_weights_come_before_the_preview_model(cache: Path) -> None:
    official(cache / "uni-animate", tiny_parts())
    chosen = load("auto", settings={"seed": 3}, long="chain")
    assert chosen.name == "uni-animate" and isinstance(chosen, Tuned)
    assert (chosen.settings.seed, chosen.settings.guidance, chosen.settings.window) == (3, PUBLISHED.guidance, Chain(32))
    with pytest.raises(InputError, match="No weights of uni-animate with a temporal Mamba are published"):
        load("uni-animate", temporal="mamba")


def test_a_wish_that_only_the_puppet_follows_is_told_to_change_nothing(weights: Path) -> None:
    chosen = load("uni-animate", weights=weights, force=True)
    assert isinstance(chosen, Tuned) and chosen.notes == ("UniAnimate refuses no picture from the side: --force changes nothing.",)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"system": "uni-animate", "temporal": "lstm"}, "no temporal module 'lstm': choose attention or mamba"),
    ({"system": "uni-animate", "long": "loop"}, "by 'loop': choose windows or chain"),
    ({"system": "muse-pose", "temporal": "mamba"}, "No weights of muse-pose with a temporal Mamba are published: its own have attention"),
    ({"system": "uni-animate", "temporal": "mamba", "weights": "mine"}, "mine say themselves which temporal module they have"),
    ({"system": "puppet", "temporal": "mamba"}, "puppet has no temporal module: give"),
    ({"system": "puppet", "long": "chain"}, "puppet has no chain for long clips: give"),
    ({"long": "chain"}, "puppet has no chain for long clips"),
    ({"system": "animate-anyone", "long": "chain"}, "no input for one: choose windows"),
    ({"system": "magic-animate", "settings": {"reference": "both"}}, "reference=both needs an input for a first frame"),
    ({"system": "puppet", "settings": {"seed": 3}, "temporal": "mamba"}, "puppet has no seed, temporal module: give"),
]


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_words_that_do_not_fit(words: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        load(**words)
