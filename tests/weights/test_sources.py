"""Each kind of source with each of its faults: only its own files are lost, the reason is named, and the next source gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from animato.core.errors import InputError, MissingModelError, OutputError
from animato.weights.download import Download
from animato.weights.fetch import fetch, make_plan, notice
from animato.weights.files import File, Folder, Lookalike, Offer, Official, Piece, Remote, Source
from animato.weights.listing import Listed
from animato.weights.places import GitHub, Hubs, HuggingFace, ModelScope, Place, Web, hubs_of
from animato.weights.web import RefusedError, check_address
from hub import REVISION, Hub, lfs, serving
from weight_bytes import safetensors, torch_zip

VALUES = safetensors(bytes(range(256)) * 400)
NET = torch_zip(b"n" * 3_000)
PIECE = Piece("the values", (File(("values",), len(VALUES), ".safetensors"),))
NETWORK = Piece("the network", (File(("net",), len(NET)),))
KINDS: dict[str, Callable[[str], Place]] = {
    "Hugging Face": lambda url: HuggingFace("bad/values"),
    "ModelScope": lambda url: ModelScope("bad/values"),
    "GitHub": lambda url: GitHub("bad/values"),
    "a server": lambda url: Web(f"{url}/plain/bad/values"),
}
FAULTS = {  # and how the reason for it is told
    "dead": "",
    "gated": "",
    "stalled": "it sent nothing for too long",
    "trickling": "too slowly",
    "cut off": "the connection broke off after",
    "other bytes": "did not arrive as it was announced (by its sha256), and was thrown away",
    "page": "it shows a web page in place of values.safetensors, such as for a log-in",
    "disguised page": "did not arrive as it was announced",
    "login": "it shows a web page in place of values.safetensors, such as for a log-in",
    "insecure": "and only https is followed",
    "loop": "it sends whoever asks on and on",
    "longer": "announced",
    "shorter": "bytes as values.safetensors, where",
    "endless": "it sends more of values.safetensors than it announced",
}


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    for switch in ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(switch, raising=False)


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {"bad/values": {"values.safetensors": VALUES}, "good/values": {"values.safetensors": VALUES}, "some/net": {"net.pth": NET}}
    with serving(Hub(files)) as hub:
        yield hub


def official(*places: Place, sha256: str = "") -> Official:
    file = Remote("values.safetensors", len(VALUES), sha256)
    network = Offer(NETWORK, "MIT", (Source(HuggingFace("some/net"), (Remote("net.pth", len(NET)),)),))
    return Official("tiny", (Offer(PIECE, "MIT", tuple(Source(at, (file,)) for at in places)), network))


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_serves(kind: str, hub: Hub, tmp_path: Path) -> None:
    said: list[str] = []
    fetch(official(KINDS[kind](hub.url)), tmp_path, said.append, hub.hubs)
    assert files(tmp_path) == {"values.safetensors": VALUES, "net.pth": NET} and len(said) == 1
    assert ("no sha256 is known" in said[0]) == (kind == "a server")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_is_gone_on_with(kind: str, hub: Hub, tmp_path: Path) -> None:
    hub.breaks = 1
    fetch(official(KINDS[kind](hub.url)), tmp_path, lambda text: None, hub.hubs)
    assert files(tmp_path) == {"values.safetensors": VALUES, "net.pth": NET}
    assert hub.ranges[1] == f"bytes={len(VALUES) // 2}-"


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_cannot_go_on_begins_again(kind: str, hub: Hub, tmp_path: Path) -> None:
    hub.breaks, hub.faults = 1, {"bad/values": "no ranges"}
    fetch(official(KINDS[kind](hub.url)), tmp_path, lambda text: None, hub.hubs)
    assert files(tmp_path) == {"values.safetensors": VALUES, "net.pth": NET}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_costs_only_its_own_files(kind: str, fault: str, hub: Hub, tmp_path: Path) -> None:
    bad = KINDS[kind](hub.url)
    hub.faults["bad/values"] = fault
    hubs = replace(hub.hubs, stall=0.5) if fault in ("stalled", "trickling") else hub.hubs
    said: list[str] = []
    fetch(official(bad, HuggingFace("good/values"), sha256=lfs(VALUES)["sha256"]), tmp_path, said.append, hubs)
    assert files(tmp_path) == {"values.safetensors": VALUES, "net.pth": NET}
    reason = next(line for line in said[-1].splitlines() if line.startswith("  not from "))
    assert reason.startswith(f"  not from {bad}: ") and FAULTS[fault] in reason and "good/values: values.safetensors" in said[-1]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_last_source_is_named_with_its_fault(kind: str, fault: str, hub: Hub, tmp_path: Path) -> None:
    """Nothing wrong gets a name, and the other piece is there."""
    bad = KINDS[kind](hub.url)
    hub.faults["bad/values"] = fault
    hubs = replace(hub.hubs, stall=0.5) if fault in ("stalled", "trickling") else hub.hubs
    with pytest.raises(MissingModelError) as raised:
        fetch(official(bad, sha256=lfs(VALUES)["sha256"]), tmp_path, lambda text: None, hubs)
    assert f"values.safetensors ({bad}: " in str(raised.value) and FAULTS[fault] in str(raised.value)
    assert "no other source is known" in str(raised.value) and "\n" not in str(raised.value)
    left = files(tmp_path)
    assert left.pop("net.pth") == NET
    assert all(name.endswith(".part") and VALUES.startswith(data.rstrip(b"x")) for name, data in left.items())


@pytest.mark.parametrize("fault", ["disguised page", "other bytes"])
@pytest.mark.parametrize("kind", ["a server"])
def test_without_a_sha256_the_form_of_a_file_is_looked_at(kind: str, fault: str, hub: Hub, tmp_path: Path) -> None:
    hub.faults["bad/values"] = fault
    with pytest.raises(MissingModelError, match="what it sent as|a web page in place of"):
        fetch(official(KINDS[kind](hub.url)), tmp_path, lambda text: None, hub.hubs)
    assert files(tmp_path) == {"net.pth": NET}


@pytest.mark.parametrize("kind", ["Hugging Face", "ModelScope"])
def test_files_are_asked_for_one_by_one_where_no_list_comes(kind: str, hub: Hub, tmp_path: Path) -> None:
    hub.faults["bad/values"] = "no list"
    fetch(official(KINDS[kind](hub.url)), tmp_path, lambda text: None, hub.hubs)
    assert files(tmp_path) == {"values.safetensors": VALUES, "net.pth": NET}


@pytest.mark.parametrize("kind", KINDS)
def test_another_file_of_that_name_is_not_even_begun(kind: str, hub: Hub, tmp_path: Path) -> None:
    hub.files["bad/values"]["values.safetensors"] = safetensors(b"another")
    with pytest.raises(MissingModelError, match=r"its values.safetensors is another file of that name \(1 kB, not 102 kB\)"):
        fetch(official(KINDS[kind](hub.url)), tmp_path, lambda text: None, hub.hubs)
    assert len(hub.ranges) == 1


def test_the_bytes_of_a_liar_do_not_spoil_the_next_source(hub: Hub, tmp_path: Path) -> None:
    """A part that breaks off is gone on with; where it was wrong, the good source sends all of it."""
    hub.files["bad/values"]["values.safetensors"] = VALUES
    part = tmp_path / f"values.safetensors.{lfs(VALUES)['sha256'][:8]}.part"
    part.write_bytes(b"?" * 1_000)
    fetch(official(HuggingFace("good/values")), tmp_path, lambda text: None, hub.hubs)
    assert files(tmp_path) == {"values.safetensors": VALUES, "net.pth": NET}
    assert hub.ranges[:2] == ["bytes=1000-", ""]


def test_parts_of_other_files_are_never_gone_on_with_and_go_in_the_end(hub: Hub, tmp_path: Path) -> None:
    for name in ("values.safetensors.00000000.part", "net.pth.12345678.part"):
        (tmp_path / name).write_bytes(b"old")
    (tmp_path / "values.safetensors.mine.part").write_bytes(b"mine")
    fetch(official(HuggingFace("good/values")), tmp_path, lambda text: None, hub.hubs)
    assert files(tmp_path) == {"values.safetensors": VALUES, "net.pth": NET, "values.safetensors.mine.part": b"mine"}
    assert hub.ranges == ["", ""]


def test_a_lookalike_is_refused_by_name(hub: Hub, tmp_path: Path) -> None:
    known = replace(
        official(HuggingFace("bad/values")), lookalikes=(Lookalike(PIECE, 20_000, "that of novita-ai, which is another network"),)
    )
    hub.files["bad/values"]["values.safetensors"] = safetensors(b"v" * 19_950)
    with pytest.raises(MissingModelError, match="its values.safetensors is that of novita-ai, which is another network"):
        fetch(known, tmp_path, lambda text: None, hub.hubs)


def test_a_token_is_shown_to_its_hub_alone(hub: Hub, tmp_path: Path) -> None:
    hubs = replace(hub.hubs, token="secret")
    fetch(official(HuggingFace("good/values")), tmp_path / "hub", lambda text: None, hubs)
    assert hub.tokens == {"Bearer secret"}
    hub.tokens.clear()
    elsewhere = replace(hubs, hugging_face="https://127.0.0.1:9")
    with pytest.raises(MissingModelError):
        fetch(official(ModelScope("good/values")), tmp_path / "scope", lambda text: None, elsewhere)
    assert hub.tokens == {""}


@pytest.mark.parametrize(
    "url", ["http://other.example/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://localhost:1/x", "data:,x", "//"]
)
def test_only_https_is_followed_beside_what_the_user_names(url: str) -> None:
    hubs = Hubs(hugging_face="http://127.0.0.1:1")
    with pytest.raises(RefusedError):
        check_address(url, hubs)
    check_address("http://127.0.0.1:1/x", hubs)
    check_address("https://other.example/x", hubs)


def test_who_is_asked_is_read_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("kept\n")
    home = {"HF_HOME": str(tmp_path)}
    assert hubs_of(home) == Hubs(token="kept")
    given = {"HF_ENDPOINT": "http://hub.local:80/", "MODELSCOPE_ENDPOINT": "https://scope.local", "HF_TOKEN": "mine"}
    assert hubs_of(home | given) == Hubs("http://hub.local:80", "https://scope.local", token="mine")
    assert hubs_of(home | {"MODELSCOPE_DOMAIN": "www.modelscope.ai"}).modelscope == "https://www.modelscope.ai"
    for wrong in ("huggingface.co", "file:///x", "https://", "http://a:99999", "https://a b"):
        with pytest.raises(InputError, match="HF_ENDPOINT is .* which is no address"):
            hubs_of({"HF_ENDPOINT": wrong})


def test_files_of_a_fixed_revision_come_from_it(hub: Hub, tmp_path: Path) -> None:
    fetch(official(HuggingFace("good/values")), tmp_path, lambda text: None, hub.hubs)
    assert f"/good/values/resolve/{REVISION}/values.safetensors" in hub.sent


def test_odd_lists_are_no_lists(hub: Hub, tmp_path: Path) -> None:
    """A hub may answer anything: no traceback, and the files are asked for or the source is given up."""
    folder = Piece("a folder", (Folder(("v",), 3),))
    offers = (Offer(folder, "MIT", (Source(HuggingFace("odd/list"), (Remote("config.json"),), "v"),)),)
    for card in ({"siblings": None}, {"siblings": [1, {"rfilename": 3}]}, {"sha": 7}, [], {"cardData": [], "siblings": [{}]}):
        hub.files["odd/list"] = {"config.json": b"{}"}
        hub.card = lambda repository, card=card: card  # type: ignore[method-assign, misc, assignment]
        with pytest.raises(MissingModelError, match="odd/list: (it no longer has config.json|what it says of its files cannot be read)"):
            fetch(Official("odd", offers), tmp_path, lambda text: None, hub.hubs)


def test_what_is_replaced_and_what_is_here_already_is_told(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"x" * 5_000_000)
    (tmp_path / f"values.safetensors.{lfs(VALUES)['sha256'][:8]}.part").write_bytes(VALUES[:50_000])
    text = notice(make_plan(official(HuggingFace("good/values"), HuggingFace("bad/values")), tmp_path, hub.hubs), tmp_path)
    assert "some/net: net.pth, 3 kB, licence MIT; in place of the 5 MB there; no other source is known" in text
    assert "good/values: values.safetensors, 102 kB, licence MIT; 50 kB of it are here\n" in text


def test_a_part_belongs_to_a_file_not_to_a_source() -> None:
    file, root = Remote("x.pth"), Path("r")
    one, same, other = (
        Download(Source(HuggingFace("a/b"), (file,)), file, listed).part(root)
        for listed in (Listed("https://a/1", 5, "ab" * 32), Listed("https://b/2", 5, "ab" * 32), Listed("https://b/2", 5, "", "tag"))
    )
    assert one == same == root / "x.pth.abababab.part" and other != one


def test_a_list_may_lead_nowhere_else(hub: Hub, tmp_path: Path) -> None:
    """GitHub's list holds whole addresses: only https is followed, and nothing of this machine is opened."""
    for url in ("file:///etc/passwd", "http://localhost:1/x", "", "ftp://127.0.0.1/x"):
        asset = {"name": "values.safetensors", "size": len(VALUES), "browser_download_url": url}
        hub.releases = lambda repository, asset=asset: [{"assets": [asset]}]  # type: ignore[method-assign, misc]
        with pytest.raises(MissingModelError, match="github.com/bad/values: it leads to"):
            fetch(official(GitHub("bad/values")), tmp_path, lambda text: None, hub.hubs)


def test_a_folder_that_cannot_be_written_is_told_before_anybody_is_asked(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError):
            fetch(official(HuggingFace("good/values")), root, lambda text: None, hub.hubs)
    assert hub.asked == []
