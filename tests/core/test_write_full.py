"""A disk that fills up while something is written: one sentence, the older result whole, and nothing else left."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import videos
from animato.core import output
from animato.core.errors import OutputError
from animato.core.media import Clip, open_clip, write_clip
from animato.core.output import write_text
from animato.core.picture import read_picture, write_picture
from animato.pose.io import load_poses, save_poses
from animato.pose.keypoints import PoseSequence

PAGE = 4096  # bytes
NOISE = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
POINTS = np.random.default_rng(0).random((40, 3, 134, 3)) * 100
POSES = PoseSequence(POINTS, np.ones((40, 3, 134)), (128, 128), 25.0)
FEW = POSES.frames(slice(0, 2))
CLIP, SHORT = Clip.of(NOISE, 25), Clip.of([videos.frame(index) for index in range(2)], 25)

# A name: what writes the older result there, what writes the new one, and what reads it.
KINDS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object], Callable[[Path], object]]] = {
    **{
        name: (lambda path: write_clip(SHORT, path), lambda path: write_clip(CLIP, path), lambda path: len(list(open_clip(path))))
        for name in ("a.mp4", "a.gif", "a.webp", "frames")
    },
    **{
        name: (
            lambda path: write_picture(NOISE[0, :32, :32], path),
            lambda path: write_picture(np.tile(NOISE[0], (4, 4, 1)), path),
            read_picture,
        )
        for name in ("a.png", "a.jpg")
    },
    **{
        name: (lambda path: save_poses(FEW, path), lambda path: save_poses(POSES, path), lambda path: len(load_poses(path)))
        for name in ("a.json", "a.npz", "poses")
    },
    "a.txt": (lambda path: write_text("dear", path), lambda path: write_text("x" * 20_000, path), Path.read_text),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Path]]:
    """Gives a disk of so many pages, where this machine lets us have one; small as it is, it counts as large enough to begin with."""
    monkeypatch.setattr(output, "_LEAST_SPACE", 0)
    place = tmp_path / "disk"
    place.mkdir()
    mounted: list[Path] = []

    def of(pages: int) -> Path:
        while mounted:
            subprocess.run(["umount", str(mounted.pop())], check=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={pages * PAGE}", "tmpfs", str(place)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("only root may make a small disk, and not in every container")
        mounted.append(place)
        return place

    yield of
    for one in mounted:
        subprocess.run(["umount", str(one)], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="small disks are made by Linux's tmpfs")
@pytest.mark.parametrize("name", KINDS)
def test_full_at_any_moment(disk: Callable[[int], Path], name: str) -> None:
    older, newer, read = KINDS[name]
    place = disk(4000)
    newer(place / name)
    finished = read(place / name)
    pages = sum(-(-len(content) // PAGE) for content in contents(place).values())
    seen = set()
    for share in np.linspace(0, 1.2, 7):  # of what the new one needs is free
        place = disk(4000)
        older(place / name)
        before = contents(place)
        used = sum(-(-len(content) // PAGE) for content in before.values()) + 3
        place = disk(used + int(share * pages) + (4 if share > 1 else 0))
        for path, content in before.items():
            (place / path).parent.mkdir(exist_ok=True)
            (place / path).write_bytes(content)
        try:
            newer(place / name)
            assert [path.name for path in place.iterdir()] == [name]
            assert np.array_equal(read(place / name), finished)
            seen.add("written")
        except OutputError as error:
            assert str(error) == f"{place / name} cannot be written: no space is left on its disk; free some or write elsewhere."
            assert contents(place) == before and [path.name for path in place.iterdir()] == [name]
            seen.add("full")
    assert seen == {"written", "full"}
