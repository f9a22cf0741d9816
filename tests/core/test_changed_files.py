"""Files of poses and lists of videos with a few bytes changed: read, or refused by a sentence; never anything else."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animato.data.index import read_index
from animato.pose.io import load_poses, save_poses
from animato.pose.keypoints import PoseSequence
from changes import changed, refused

TRIES = 100
VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    0.5,
    10**9,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "a\0b",
    "../x",
    [],
    {},
    [[]],
    [1],
    [0, 0],
    ["a", "b"],
    {"a": 1},
]


def change_file(path: Path, good: bytes, chance: random.Random) -> None:
    path.write_bytes(changed(good, chance))


def change_value(path: Path, good: bytes, chance: random.Random) -> None:
    """Puts something odd in the place of one value of a JSON file, or takes it away: the file stays JSON."""
    outer: Any = {"all": json.loads(good)}
    holder = outer
    key: Any = "all"
    while isinstance(holder[key], dict | list) and holder[key] and chance.random() < 0.7:
        holder = holder[key]
        key = chance.choice(sorted(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))
    if holder is not outer and chance.random() < 0.2:
        del holder[key]
    else:
        holder[key] = chance.choice(VALUES)
    path.write_text(json.dumps(outer["all"]))


def change_member(path: Path, good: bytes, chance: random.Random) -> None:
    """Changes one array of an archive, near its header where the meaning is, and packs it again, so that its checksum holds."""
    path.write_bytes(good)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(members))
    head = chance.choice([20, 128, len(members[name])])
    members[name] = changed(members[name][:head], chance) + members[name][head:]
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


def some_poses(folder: Path, name: str) -> Path:
    chance = np.random.default_rng(0)
    sequence = PoseSequence(chance.uniform(0, 60, (3, 2, 134, 3)), np.ones((3, 2, 134)), (64, 64), 25.0)
    path = save_poses(sequence, folder / name)
    return sorted(path.iterdir())[1] if path.is_dir() else path


def an_index(folder: Path) -> Path:
    path = folder / "index.json"
    path.write_text(json.dumps([{"video_path": f"{name}.mp4", "kps_path": f"{name}.npz"} for name in "ab"]))
    return path


def read_folder(file: Path) -> PoseSequence:
    return load_poses(file.parent)


CASES: dict[str, tuple[Callable, Callable, Callable]] = {
    "json": (lambda folder: some_poses(folder, "a.json"), load_poses, change_file),
    "value of a json": (lambda folder: some_poses(folder, "a.json"), load_poses, change_value),
    "npz": (lambda folder: some_poses(folder, "a.npz"), load_poses, change_file),
    "arrays of an npz": (lambda folder: some_poses(folder, "a.npz"), load_poses, change_member),
    "openpose": (lambda folder: some_poses(folder, "poses"), read_folder, change_file),
    "value of openpose's": (lambda folder: some_poses(folder, "poses"), read_folder, change_value),
    "value of an index": (an_index, read_index, change_value),
    "index": (an_index, read_index, change_file),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", CASES)
def test_changed_files_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    make, read, change = CASES[kind]
    assert refused(make(tmp_path), read, change, TRIES) > TRIES // 4, "hardly anything was changed"
