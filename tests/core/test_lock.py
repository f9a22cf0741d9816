"""A folder is one process's at a time, and a killed one holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from animato.core.errors import OutputError
from animato.core.lock import NAME, locked, release

HOLD = """
import sys
from pathlib import Path
from animato.core.lock import locked
with locked(Path(sys.argv[1]), "train"):
    print("held", flush=True)
    input()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """A process that holds a folder until a line comes, or it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_at_once_who_is_there(tmp_path: Path) -> None:
    process = holder(tmp_path / "new")
    message = rf"Another `animato train` \(process {process.pid}\) is at work in {tmp_path / 'new'}: wait until it ends, or choose"
    with pytest.raises(OutputError, match=message), locked(tmp_path / "new", "fetch"):
        pytest.fail("two at once")
    process.communicate("\n")
    assert list((tmp_path / "new").iterdir()) == []
    with locked(tmp_path / "new", "fetch"):
        assert (tmp_path / "new" / NAME).read_text() == f"{os.getpid()} fetch"


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    process = holder(tmp_path)
    process.kill()
    process.communicate()
    assert (tmp_path / NAME).read_text() == f"{process.pid} train"
    with locked(tmp_path, "fetch"):
        assert (tmp_path / NAME).read_text() == f"{os.getpid()} fetch"
    assert list(tmp_path.iterdir()) == []


def test_one_process_has_it_once_as_well(tmp_path: Path) -> None:
    with locked(tmp_path, "fetch"):
        with pytest.raises(OutputError, match=rf"process {os.getpid()}\) is at work"), locked(tmp_path, "fetch"):
            pytest.fail("two at once")
        with locked(tmp_path / "other", "fetch"):
            assert (tmp_path / NAME).is_file()


def test_an_error_inside_gives_it_back(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path, "fetch"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / NAME).symlink_to("mine")
    with pytest.raises(OutputError, match=f"{tmp_path} cannot be written"), locked(tmp_path, "fetch"):
        pytest.fail("through a link")
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with names")
def test_a_pipe_of_that_name_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(OutputError), locked(tmp_path, "fetch"):
        pytest.fail("a pipe")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file cannot be written"), locked(tmp_path / "file", "fetch"):
        pytest.fail("a file")


def test_a_lock_that_a_killed_process_left_can_be_removed_and_one_that_is_held_stays(tmp_path: Path) -> None:
    process = holder(tmp_path)
    release(tmp_path)
    assert (tmp_path / NAME).exists()
    process.kill()
    process.wait()
    release(tmp_path)
    assert list(tmp_path.iterdir()) == []
    release(tmp_path / "new")
    assert not (tmp_path / "new").exists()
