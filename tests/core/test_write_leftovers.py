"""What a killed run leaves: it says whose it is, the next run that writes there removes it and says so, and nothing else is touched."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from animato.core import output
from animato.core.hidden import aside_of, hidden_beside, is_left
from animato.core.leftovers import sweep
from animato.core.media import Clip, write_clip
from animato.core.output import put_in_place, put_under_free_name, temporary_beside, write_text
from animato.core.renaming import exchange, rename_to_free
from killed import killed, writer
from waiting import HANGS

PIXELS = np.zeros((32, 32, 3), np.uint8)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_run_left_is_removed_and_told(tmp_path: Path, kind: str) -> None:
    left = killed(tmp_path / "a.mp4", kind)
    told = sweep(tmp_path)
    assert names(tmp_path) == []
    assert told == (f"Removed what an earlier run left unfinished in {tmp_path}: {left.name} (5.0 kB).",)
    assert sweep(tmp_path) == ()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_living_process_writes_stays(tmp_path: Path, kind: str) -> None:
    process, left = writer(tmp_path / "a.mp4", kind)
    assert sweep(tmp_path) == () and left.exists()
    process.communicate(timeout=HANGS)
    assert names(tmp_path) == []  # it ended in order


def test_one_that_is_dead_but_not_waited_for_counts_as_gone(tmp_path: Path) -> None:
    process, left = writer(tmp_path / "a.mp4")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is still remembered
    assert len(sweep(tmp_path)) == 1 and not left.exists()
    process.communicate(timeout=HANGS)


def test_the_next_writer_of_a_program_is_told_by_a_warning(tmp_path: Path) -> None:
    killed(tmp_path / "a.mp4")
    with pytest.warns(UserWarning, match="Removed what an earlier run left unfinished"):
        write_text("x", tmp_path / "b.txt")
    assert names(tmp_path) == ["b.txt"]


def test_many_are_counted(tmp_path: Path) -> None:
    left = killed(tmp_path / "a.mp4")
    for letter in "0123":
        left.with_name(f"{left.stem[:-1]}{letter}.gif").write_bytes(bytes(1_500_000))
    left.unlink()
    (told,) = sweep(tmp_path)
    assert told.endswith(" and 1 more (6.0 MB).") and names(tmp_path) == []


def test_what_only_looks_alike_stays(tmp_path: Path) -> None:
    left = killed(tmp_path / "a.mp4")
    name = left.name
    _, host, pid, begun, random = left.stem.split("-")
    left.unlink()
    others = [f"{name}~", name[1:], f"{name}.bak.mp4", f".animato-{host}-{pid}-{begun}", ".2ed80a49903738b6", ".animato", ".animato-a.txt"]
    others += [f".animato-{host}-{pid}-{begun}-{random[:4]}.mp4", f".animato-{host}-{'9' * 10}-{begun}-{random}"]
    others += [f".animato-{'0' * 8}-{pid}-{begun}-{random}", f".animato-{host}-{pid}-0-{random}"]  # another machine; one that knew no time
    for other in others:
        (tmp_path / other).write_text("dear")
    keep = tmp_path / "keep"
    keep.mkdir()
    (keep / "letter.txt").write_text("dear")
    link = f".animato-{host}-{pid}-{begun}-00000000"
    (tmp_path / link).symlink_to(keep)
    os.mkfifo(tmp_path / f".animato-{host}-{pid}-{begun}-00000001")
    sweep(tmp_path)
    assert names(tmp_path) == sorted([*others, "keep", link, f".animato-{host}-{pid}-{begun}-00000001"])
    assert names(keep) == ["letter.txt"]


def test_links_in_a_left_folder_are_not_followed(tmp_path: Path) -> None:
    left = killed(tmp_path / "own", "folder")
    keep = tmp_path / "keep"
    keep.mkdir()
    (keep / "letter.txt").write_text("dear")
    (left / "link").symlink_to(keep)
    assert sweep(tmp_path) and names(tmp_path) == ["keep"] and names(keep) == ["letter.txt"]


def test_another_process_of_the_same_number_does_not_keep_it(tmp_path: Path) -> None:
    own = hidden_beside(tmp_path / "a.mp4").name
    _, host, pid, begun, random = own.split("-")
    assert pid == str(os.getpid()) and not is_left(own)
    assert is_left(f".animato-{host}-{pid}-{int(begun) - 1}-{random}")


def test_a_process_of_somebody_else_counts_as_alive() -> None:
    """Process 1 is not ours; where its beginning can be read, a name with another one is left."""
    _, host, _, begun, random = hidden_beside(Path("a.mp4")).name.split("-")
    assert is_left(f".animato-{host}-1-{begun}-{random}") == Path("/proc/1/stat").exists()


def test_the_name_of_a_folder_with_a_long_ending_is_not_too_long(tmp_path: Path) -> None:
    target = tmp_path / ("x." + "y" * 250)
    write_clip(Clip.of([PIXELS] * 2, 25), f"{target}/")
    assert names(tmp_path) == [target.name]


def test_folders_that_were_made_go_when_nothing_came_of_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), temporary_beside(tmp_path / "new" / "folder" / "a.mp4"):
        raise ZeroDivisionError
    assert names(tmp_path) == []


def folder_of(path: Path, word: str) -> Path:
    path.mkdir()
    (path / "file").write_text(word)
    return path


@pytest.mark.parametrize("disk", ["any", "without exchange"])
def test_a_folder_takes_the_place_of_an_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: str) -> None:
    if disk != "any":
        monkeypatch.setattr(output, "exchange", lambda one, other: False)  # as on disks that cannot
    folder_of(tmp_path / "out", "old")
    with temporary_beside(tmp_path / "out") as temporary:
        put_in_place(folder_of(temporary, "new"), tmp_path / "out")
    assert names(tmp_path) == ["out"] and (tmp_path / "out" / "file").read_text() == "new"


def test_two_folders_change_places_in_one_step(tmp_path: Path) -> None:
    if not exchange(folder_of(tmp_path / "a", "a"), folder_of(tmp_path / "b", "b")):
        pytest.skip("this disk cannot exchange names")
    assert (tmp_path / "a" / "file").read_text() == "b" and (tmp_path / "b" / "file").read_text() == "a"


def test_an_older_folder_comes_back_where_the_new_one_cannot_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "exchange", lambda one, other: False)
    folder_of(tmp_path / "out", "old")
    with pytest.raises(output.OutputError, match="no such file"):
        put_in_place(tmp_path / "missing", tmp_path / "out")
    assert names(tmp_path) == ["out"] and (tmp_path / "out" / "file").read_text() == "old"


KILLED_BETWEEN = """
import os, signal, sys
from pathlib import Path
from animato.core import output
output.exchange = lambda one, other: False
out = Path(sys.argv[1])
class Deadly(type(out)):
    def rename(self, target):
        os.kill(os.getpid(), signal.SIGKILL)
with output.temporary_beside(out) as temporary:
    temporary.mkdir()
    (temporary / "file").write_text("new")
    output.put_in_place(Deadly(temporary), out)
"""


@pytest.mark.parametrize("moment", ["before the new one stands", "after", "moved away meanwhile"])
def test_killed_between_two_renames(tmp_path: Path, moment: str) -> None:
    folder_of(tmp_path / "out", "old")
    process = subprocess.run([sys.executable, "-c", KILLED_BETWEEN, str(tmp_path / "out")], check=False)
    assert process.returncode == -signal.SIGKILL and "out" not in names(tmp_path) and len(names(tmp_path)) == 2
    if moment == "after":
        folder_of(tmp_path / "out", "new")
    told = sweep(tmp_path)
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "file").read_text() == ("new" if moment == "after" else "old")
    assert (f"Put back {tmp_path / 'out'}: an earlier run was ended while it was being replaced." in told) == (moment != "after")
    assert sum("Removed" in sentence for sentence in told) == 1


def test_a_name_that_somebody_has_is_left_to_them(tmp_path: Path) -> None:
    for kind in ("file", "folder"):
        for word in ("one", "two", "three"):
            path = tmp_path / f"{kind}-temporary"
            path.write_text(word) if kind == "file" else folder_of(path, word)
            put_under_free_name(path, tmp_path / f"{kind}.x")
    assert names(tmp_path) == ["file-2.x", "file-3.x", "file.x", "folder.x", "folder.x-2", "folder.x-3"]
    assert (tmp_path / "file.x").read_text() == "one" and (tmp_path / "folder.x-3" / "file").read_text() == "three"


def test_a_free_name_is_not_taken_from_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        rename_to_free(tmp_path / "a", tmp_path / "b")


def test_contents_reach_the_disk_before_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file and folder of the result is synced under its hidden name, and then the folder that has got the new name."""
    synced = []
    real = os.fsync

    def watched(opened: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{opened}")))
        real(opened)

    monkeypatch.setattr(os, "fsync", watched)
    write_clip(Clip.of([PIXELS] * 2, 25), tmp_path / "frames")
    assert sorted(path.name for path in synced[:2]) == ["000000.png", "000001.png"]
    assert synced[2].name.startswith(".animato-") and synced[3] == tmp_path
    synced.clear()
    write_clip(Clip.of([PIXELS] * 2, 25), tmp_path / "a.mp4")
    assert synced[0].name.startswith(".animato-") and synced[1:] == [tmp_path]


def test_disks_that_cannot_sync_folders_are_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(opened: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refused)
    write_text("x", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "x"


def test_what_did_not_reach_the_disk_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(opened: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(output.OutputError, match="no space is left"):
        write_text("x", tmp_path / "a.txt")
    assert names(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


def test_two_sweep_at_once(tmp_path: Path) -> None:
    left = killed(tmp_path / "a.mp4", "folder")
    for number in range(200):
        (left.with_name(f"{left.stem[:-3]}{number:03d}.gif")).write_bytes(b"x")
    script = (
        "import sys; from pathlib import Path; from animato.core.leftovers import sweep; sys.stdin.readline(); sweep(Path(sys.argv[1]))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    ]
    said = [process.communicate(b"go\n", timeout=HANGS)[1] for process in both]
    assert said == [b"", b""] and [process.returncode for process in both] == [0, 0]
    assert names(tmp_path) == []


def test_names_set_aside_are_of_this_process(tmp_path: Path) -> None:
    assert not is_left(aside_of(tmp_path / "out").name)
