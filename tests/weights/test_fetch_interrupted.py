"""A fetch that is killed, in the middle of a file, by any signal: the folder is free at once, and the same call goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from animato.core.errors import OutputError
from animato.core.lock import NAME
from animato.weights.fetch import fetch
from animato.weights.files import File, Offer, Official, Piece, Remote, Source
from animato.weights.places import HuggingFace
from hub import Hub, lfs, serving
from waiting import hears_ctrl_c
from weight_bytes import torch_zip

NET = torch_zip(bytes(range(256)) * 20_000)
HALF = len(NET) // 2
PART = f"net.pth.{lfs(NET)['sha256'][:8]}.part"
FETCH = """
import sys
from pathlib import Path
from test_fetch_interrupted import official
from animato.weights.fetch import fetch
from animato.weights.places import Hubs
def tell(stage, done, total):
    print(stage, done, flush=True)
fetch(official(), Path(sys.argv[1]), lambda text: None, Hubs(sys.argv[2], stall=600), tell)
"""


def official() -> Official:
    piece = Piece("the network", (File(("net",), len(NET)),))
    return Official("tiny", (Offer(piece, "MIT", (Source(HuggingFace("some/net"), (Remote("net.pth", len(NET)),)),)),))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for switch in ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(switch, raising=False)
    with serving(Hub({"some/net": {"net.pth": NET}}, faults={"some/net": "stalled"})) as hub:
        yield hub


def half_way(root: Path, hub: Hub) -> subprocess.Popen[str]:
    """A process that waits for the second half of the file."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", FETCH, str(root), hub.url]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}, preexec_fn=hears_ctrl_c
    )
    assert process.stdout
    for line in process.stdout:
        if line == f"fetching {HALF}\n":
            return process
    raise AssertionError(process.communicate()[1])


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda ending: ending.name)
def test_a_killed_fetch_is_gone_on_with(ending: signal.Signals, hub: Hub, tmp_path: Path) -> None:
    process = half_way(tmp_path, hub)
    with pytest.raises(OutputError, match=rf"Another `animato fetch` \(process {process.pid}\) is at work in {tmp_path}"):
        fetch(official(), tmp_path, lambda text: None, hub.hubs)
    process.send_signal(ending)
    process.communicate()
    assert (tmp_path / PART).read_bytes() == NET[:HALF] and not (tmp_path / "net.pth").exists()
    hub.faults.clear()
    hub.ranges.clear()
    fetch(official(), tmp_path, lambda text: None, hub.hubs)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"net.pth": NET}
    assert hub.ranges == [f"bytes={HALF}-"]


def test_a_part_with_a_hole_from_a_power_cut_is_found_out(hub: Hub, tmp_path: Path) -> None:
    hub.faults.clear()
    with (tmp_path / PART).open("wb") as file:
        file.truncate(HALF)  # the length was kept, the bytes were not
    fetch(official(), tmp_path, lambda text: None, hub.hubs)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"net.pth": NET}
    assert hub.ranges == [f"bytes={HALF}-", ""]


def test_what_has_come_meanwhile_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    """Two fetches that planned the same, one after the other."""
    hub.faults.clear()

    def between(text: str) -> None:
        (tmp_path / "net.pth").write_bytes(NET)

    fetch(official(), tmp_path, between, hub.hubs)
    assert hub.ranges == [] and not (tmp_path / NAME).exists()


def test_a_whole_part_needs_nobody(hub: Hub, tmp_path: Path) -> None:
    """Killed between the last byte and the name."""
    (tmp_path / PART).write_bytes(NET)
    fetch(official(), tmp_path, lambda text: None, hub.hubs)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"net.pth": NET} and hub.ranges == []


def test_a_folder_with_the_name_of_a_file_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    hub.faults.clear()
    (tmp_path / "net.pth").mkdir()
    (tmp_path / "net.pth" / "mine").write_bytes(b"mine")
    with pytest.raises(OutputError, match="net.pth is a folder, and a file that was fetched has its name: move the folder away"):
        fetch(official(), tmp_path, lambda text: None, hub.hubs)
    assert (tmp_path / "net.pth" / "mine").read_bytes() == b"mine"


def test_a_linked_folder_is_written_into(hub: Hub, tmp_path: Path) -> None:
    """Weights are often kept on another disk."""
    hub.faults.clear()
    (tmp_path / "disk").mkdir()
    (tmp_path / "cache").symlink_to("disk")
    fetch(official(), tmp_path / "cache", lambda text: None, hub.hubs)
    assert (tmp_path / "disk" / "net.pth").read_bytes() == NET
