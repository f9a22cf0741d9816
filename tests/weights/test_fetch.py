"""A fetch asks, tells, downloads, resumes and compares; a hub of one's own stands for the real one, which tests never ask."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from animato.core.errors import MissingModelError, OutputError
from animato.weights.fetch import ask, fetch, notice
from animato.weights.files import Official, Repository
from animato.weights.official.animate_anyone import OFFICIAL
from hub import Hub, serving

LARGE = bytes(range(256)) * 90_000  # 23 MB: more than two of the pieces in which the hub's library writes
FILES = {
    "some/weights": {"net.pth": LARGE, "encoder/config.json": b"{}", "unwanted.bin": b"x"},
    "other/vae": {"config.json": b"{ }", "vae.safetensors": b"v" * 5000},
}
TINY = Official(
    "tiny",
    (),
    (
        Repository("some/weights", "Apache-2.0", ("net.pth", "encoder/config.json")),
        Repository("other/vae", "MIT", ("config.json", "vae.safetensors"), "sd-vae"),
    ),
)
PLACES = {"net.pth": LARGE, "encoder/config.json": b"{}", "sd-vae/config.json": b"{ }", "sd-vae/vae.safetensors": b"v" * 5000}


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    for switch in ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(switch, raising=False)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub(FILES)) as hub:
        yield hub


def there(root: Path) -> dict[str, bytes]:
    files = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    return {path.as_posix(): (root / path).read_bytes() for path in files}


def test_what_is_wanted_is_told_and_fetched(hub: Hub, tmp_path: Path) -> None:
    downloads = ask(TINY, tmp_path / "new", hub.url)
    told = notice(downloads, tmp_path / "new")
    assert told.startswith(f"23 MB will be downloaded into {tmp_path / 'new'}:")
    assert "some/weights: net.pth, 23 MB, licence mit" in told and "other/vae: vae.safetensors, 5 kB" in told and "unwanted" not in told
    assert not (tmp_path / "new").exists()
    steps: list[tuple[int, int]] = []
    fetch(downloads, tmp_path / "new", hub.url, lambda stage, done, total: steps.append((done, total)))
    assert there(tmp_path / "new") == PLACES
    assert steps == [(i, 4) for i in range(5)]


def test_what_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    for name, data in (("net.pth", LARGE), ("sd-vae/vae.safetensors", b"too short")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    downloads = ask(TINY, tmp_path, hub.url)
    assert [one.name for one in downloads] == ["encoder/config.json", "config.json", "vae.safetensors"]
    fetch(downloads, tmp_path, hub.url)
    assert there(tmp_path) == PLACES and ask(TINY, tmp_path, hub.url) == []


def test_a_broken_connection_is_resumed(hub: Hub, tmp_path: Path) -> None:
    hub.breaks = 1
    fetch(ask(TINY, tmp_path, hub.url), tmp_path, hub.url)
    assert there(tmp_path) == PLACES
    assert hub.ranges[0] == "" and hub.ranges[1].startswith("bytes=10")


def test_a_fetch_that_failed_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.breaks, hub.refuses = 1, 1
    downloads = ask(TINY, tmp_path, hub.url)
    with pytest.raises(MissingModelError, match=r"some/weights could not be fetched: .*500.*fetch again: it goes on from there"):
        fetch(downloads, tmp_path, hub.url)
    assert list(there(tmp_path)) == ["net.pth.01234567.part"]
    fetch(ask(TINY, tmp_path, hub.url), tmp_path, hub.url)
    assert there(tmp_path) == PLACES
    assert [one.startswith("bytes=10") for one in hub.ranges] == [False, True, False, False, False]


def test_other_bytes_than_announced_are_thrown_away(hub: Hub, tmp_path: Path) -> None:
    hub.spoilt = True
    with pytest.raises(MissingModelError, match=r"net\.pth did not arrive as some/weights announced it"):
        fetch(ask(TINY, tmp_path, hub.url), tmp_path, hub.url)
    assert there(tmp_path) == {}


def test_a_left_part_that_is_too_long_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "net.pth.01234567.part").write_bytes(LARGE + b"more")
    fetch(ask(TINY, tmp_path, hub.url), tmp_path, hub.url)
    assert there(tmp_path) == PLACES


@pytest.mark.parametrize("switch", ["ANIMATO_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_asks_nobody(switch: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(switch, "1")
    with pytest.raises(MissingModelError, match=f"weights of tiny cannot be fetched while {switch} is set.*put the files into {tmp_path}"):
        ask(TINY, tmp_path, hub.url)
    monkeypatch.setenv(switch, "0")
    assert len(ask(TINY, tmp_path, hub.url)) == 4


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "RepoNotFound", r"no repository some/weights: it may have moved\. Get net\.pth, encoder/config\.json elsewhere"),
        (401, "RepoNotFound", "no repository some/weights"),
        (403, "GatedRepo", "some/weights wants its terms to be accepted first: .*hf auth login"),
        (503, "", "some/weights could not be fetched: .*503"),
    ],
)
def test_a_hub_that_refuses(status: int, code: str, expected: str, hub: Hub, tmp_path: Path) -> None:
    hub.status, hub.code = status, code
    with pytest.raises(MissingModelError, match=expected) as raised:
        ask(TINY, tmp_path, hub.url)
    assert "\n" not in str(raised.value)


def test_no_hub_at_all(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(MissingModelError, match="some/weights could not be fetched: .*Check the network"):
        ask(TINY, tmp_path, address)


def test_a_repository_that_has_lost_a_file(tmp_path: Path) -> None:
    with serving(Hub(FILES | {"other/vae": {"config.json": b""}})) as hub, pytest.raises(MissingModelError) as raised:
        ask(TINY, tmp_path, hub.url)
    assert str(raised.value) == f"other/vae no longer has vae.safetensors. Get it elsewhere, and put it into {tmp_path / 'sd-vae'}."


def test_a_licence_that_the_hub_does_not_state(hub: Hub, tmp_path: Path) -> None:
    hub.licence = None
    told = notice(ask(TINY, tmp_path, hub.url), tmp_path)
    assert "licence not stated there (Apache-2.0 by what is known)" in told


def test_a_folder_that_cannot_be_made(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="file"):
        fetch(ask(TINY, tmp_path, hub.url), tmp_path / "file" / "weights", hub.url)


def test_a_file_that_cannot_be_written_is_no_fault_of_the_hub(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "net.pth.01234567.part").mkdir()
    with pytest.raises(OutputError, match=f"{tmp_path} cannot be written: is a directory"):
        fetch(ask(TINY, tmp_path, hub.url), tmp_path, hub.url)


def test_a_full_disk_is_told_beforehand(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1 << 30))
    with pytest.raises(OutputError, match=r"23 MB do not fit .* 1\.1 GB are free"):
        fetch(ask(TINY, tmp_path, hub.url), tmp_path, hub.url)
    assert hub.ranges == []


def test_the_official_files_are_what_is_looked_for_afterwards(tmp_path: Path) -> None:
    """Every needed piece is found where a fetch of the real repositories puts it."""
    for repository in OFFICIAL.repositories:
        for name in repository.files:
            path = tmp_path / repository.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    assert OFFICIAL.missing(tmp_path) == {}
    assert len(OFFICIAL.find(tmp_path)) == 6
