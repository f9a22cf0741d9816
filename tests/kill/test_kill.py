"""Commands that are struck right before they touch the disk: nothing is lost, and the same command goes on. `make kill` tries many more."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from blows import Ground, attempt, ground
from killable import COMMANDS
from killing import At, Blow, Kill, Limit

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="Windows has no such signals")


@pytest.fixture(scope="module", params=COMMANDS, ids=lambda command: command.name)
def on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(request.param, tmp_path_factory.mktemp("kill") / "base") as made:
        yield made


@pytest.mark.parametrize("back", [0, 2])
def test_killed(on: Ground, back: int) -> None:
    struck(on, "older", back, Kill(signal.SIGKILL))


def test_asked_to_end(on: Ground) -> None:
    struck(on, "older", 3, Kill(signal.SIGTERM))


def test_without_room(on: Ground) -> None:
    struck(on, "new", on.once["new"].touches - 1, Limit(on.largest // 2))


def struck(on: Ground, begin: str, back: int, blow: Blow) -> None:
    """The blow falls right before one of the last touches: there, results take the place of older ones."""
    made = attempt(on, begin, At(on.once[begin].touches - back), blow)
    assert made.outcome.struck
    assert (made.faults, made.unremoved) == ([], 0)
