"""How the web page's server ends: in order by any signal at any moment, and cleared up after where it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from animato.apps.web.home import ending_in_order, home
from animato.apps.web.hosts import own_names
from animato.core.errors import InputError
from waiting import HANGS, hears_ctrl_c

pytest.importorskip("gradio", reason='the web page needs Gradio: pip install "animato[web]"')
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that lets a program end in order")

WORDS = [sys.executable, "-m", "animato", "web", "--no-open", "--port", "0"]


def started(folder: Path) -> subprocess.Popen[str]:
    """A server that has said where it is, and still imports Gradio."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(WORDS, env=environment, text=True, preexec_fn=hears_ctrl_c, **pipes)  # type: ignore[call-overload,no-any-return]


def address_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    return server.stdout.readline().split()[3]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_it_ends_in_order_while_it_still_starts(tmp_path: Path, name: str) -> None:
    server = started(tmp_path)
    try:
        address_of(server)
        server.send_signal(getattr(signal, name))
        printed, complaints = server.communicate(timeout=HANGS)
    finally:
        server.kill()
    assert (server.returncode, complaints) == (0, "") and printed.endswith("Stopped.\n") and list(tmp_path.iterdir()) == []


def test_a_second_ctrl_c_leaves_nothing_either(tmp_path: Path) -> None:
    server = started(tmp_path)
    try:
        with urllib.request.urlopen(address_of(server), timeout=HANGS) as page:
            page.read()
        server.send_signal(signal.SIGINT)
        server.send_signal(signal.SIGINT)
        _, complaints = server.communicate(timeout=HANGS)
    finally:
        server.kill()
    assert list(tmp_path.iterdir()) == [] and "Traceback" not in complaints


def test_the_next_server_removes_what_a_killed_one_left_and_says_so(tmp_path: Path) -> None:
    killed = started(tmp_path)
    address_of(killed)
    killed.kill()
    killed.communicate()
    (left,) = tmp_path.iterdir()
    (left / "visitors").mkdir(exist_ok=True)
    (left / "visitors" / "a.png").write_bytes(b"somebody's picture")
    server = started(tmp_path)
    try:
        address_of(server)
        assert not left.exists() and len(list(tmp_path.iterdir())) == 1
        server.terminate()
        _, complaints = server.communicate(timeout=HANGS)
    finally:
        server.kill()
    assert left.name in complaints and "Removed" in complaints


def test_the_folder_of_a_server_that_runs_stays(tmp_path: Path) -> None:
    one, other = started(tmp_path), started(tmp_path)
    try:
        address_of(one)
        address_of(other)
        assert len(list(tmp_path.iterdir())) == 2
    finally:
        for server in (one, other):
            server.terminate()
            server.communicate(timeout=HANGS)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_for_this_user_alone_and_no_signal_ends_its_removal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), ending_in_order(), home() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700 and folder.parent == tmp_path.resolve()
        (folder / "a.png").write_bytes(b"x")
        signal.raise_signal(signal.SIGHUP)
    assert not folder.exists()


def test_names_that_are_none_are_said() -> None:
    assert {"box.example.org", "192.0.2.1", "2001:db8::1"} <= own_names("127.0.0.1", ["Box.example.org", "192.0.2.1", "[2001:db8::1]"])
    for name in ("http://box", "box:80", "", "a b", "*", "0.0.0.0", "x/y", "é"):
        with pytest.raises(InputError, match="--name"):
            own_names("127.0.0.1", [name])
