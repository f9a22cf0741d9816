"""animato doctor --online: a line for each file of each source, and an exit code that says whether all can be had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from animato.apps.cli import main
from animato.apps.online import examine_sources
from animato.weights.files import File, Offer, Official, Piece, Remote, Source
from animato.weights.places import GitHub, HuggingFace, ModelScope, Web
from hub import Hub, lfs, serving

VALUES = b"v" * 50_000
PIECE = Piece("the values", (File(("values",), len(VALUES)),))
FILE = Remote("values.pth", len(VALUES))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for switch in ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(switch, raising=False)
    with serving(Hub({name: {"values.pth": VALUES} for name in ("a/hub", "a/gated", "a/scope", "a/git", "a/web")})) as hub:
        yield hub


def test_every_source_is_asked_and_nothing_is_downloaded(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.faults["a/gated"] = "gated"
    hub.files["a/other"] = {"values.pth": b"small" * 2_000}
    places = (HuggingFace("a/gone"), HuggingFace("a/gated"), ModelScope("a/other"), ModelScope("a/scope"), GitHub("a/git"))
    offers = Offer(PIECE, "MIT", tuple(Source(at, (FILE,)) for at in (*places, Web(f"{hub.url}/plain/a/web"), HuggingFace("a/hub"))))
    assert examine_sources([Official("tiny", (offers,))], hub.hubs) == 0
    said = capsys.readouterr().out
    good = "values.pth: reachable, 50 kB (50000 bytes), sha256 stated there, licence on its card:"
    for line in (
        "a/gone: gone: the hub shows no such repository",
        "a/gated: values.pth: gated: its terms must be accepted first",
        "ModelScope's a/other: another file: its values.pth is another file of that name (10 kB, not 50 kB)",
        f"ModelScope's a/scope: {good} none stated",
        f"github.com/a/git: {good} none stated",
        "a/web: values.pth: reachable, 50 kB (50000 bytes), sha256 not known",
        f"a/hub: {good} mit",
        "Each piece has a good source.",
    ):
        assert line in said
    assert hub.ranges == []


def test_a_piece_without_a_good_source_is_named(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    known = Remote("values.pth", len(VALUES), lfs(VALUES)["sha256"])
    lost = Offer(Piece("the lost one", (File(("lost",), 5),)), "MIT", (Source(HuggingFace("a/gone"), (FILE,)),))
    spare = Offer(Piece("a spare one", (File(("spare",), 5),), needed=False), "MIT", (Source(HuggingFace("a/gone"), (FILE,)),))
    had = Offer(PIECE, "MIT", (Source(HuggingFace("a/hub"), (known,)),))
    assert examine_sources([Official("tiny", (had, lost, spare))], hub.hubs) == 1
    said = capsys.readouterr().out
    assert "sha256 known here" in said and "No good source for: tiny: the lost one." in said and "no other source is known" in said


def test_nobody_is_asked_offline(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--online"]) == 2
    assert "cannot be asked while ANIMATO_OFFLINE is set. Unset it, or leave out --online." in capsys.readouterr().err
