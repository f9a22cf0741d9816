"""Commands that are struck right before they touch the disk: nothing is lost, and the same command goes on. `make kill` tries many more."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from blows import Ground, attempt, ground
from killable import COMMANDS
from killing import At, Blow, Kill, Limit

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="Windows has no such signals"),
]


@pytest.fixture(scope="module", params=COMMANDS, ids=lambda command: command.name)
def on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(request.param, tmp_path_factory.mktemp("kill") / "base") as made:
        yield made


@pytest.mark.parametrize("later", [0, 1], ids=["before", "after"])
def test_killed(on: Ground, later: int) -> None:
    struck(on, "older", last_rename(on, "older") + later, Kill(signal.SIGKILL))


def test_asked_to_end(on: Ground) -> None:
    struck(on, "older", last_rename(on, "older"), Kill(signal.SIGTERM))


def test_without_room(on: Ground) -> None:
    struck(on, "new", last_rename(on, "new") // 2, Limit(on.largest // 2))


def last_rename(on: Ground, begin: str) -> int:
    """The touch of the disk with which the last result takes the place of an older one."""
    touches = on.once[begin].touches
    return len(touches) - next(back for back, touch in enumerate(reversed(touches)) if touch in ("os.rename", "ctypes.dlsym"))


def struck(on: Ground, begin: str, touch: int, blow: Blow) -> None:
    made = attempt(on, begin, At(touch), blow)
    assert made.outcome.struck
    assert (made.faults, made.unremoved) == ([], 0)
