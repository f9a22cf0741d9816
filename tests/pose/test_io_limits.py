"""Pose files that ask for more than they are: how much is known and judged before it is unpacked or made room for."""

import io
import json
import os
import re
import tracemalloc
import zipfile

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.pose.io import load_poses
from animato.pose.keypoints import KEYPOINTS


def frame_file(folder, number: int, people: list[dict]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"clip_{number:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))


def people_file(path, counts: list[int], **changes):
    """Poses of so many people in each frame, none of whom is there."""
    frames = [{"people": [{"pose_keypoints_2d": []}] * count} for count in counts]
    path.write_text(json.dumps({"format": "animato poses", "version": 1, "size": [64, 64], "fps": 24, "frames": frames, **changes}))
    return path


def refused(path, message: str) -> None:
    """With a sentence that names the file, and without asking for memory."""
    tracemalloc.start()
    with pytest.raises(InputError, match=message) as caught:
        load_poses(path)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path.name) in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert used < 60_000_000


def test_room_is_asked_for_only_after_counting(tmp_path):
    """One full frame would make room for as many people in all others."""
    refused(people_file(tmp_path / "crowd.json", [20_000]), r"crowd.json, frame 0: holds 20000 people, but at most 1000 are read")
    refused(people_file(tmp_path / "long.json", [900] + [0] * 999), "asks for 1000 frames of 900 people, 900000 poses: at most 250000")
    assert load_poses(people_file(tmp_path / "some.json", [30, 0, 2])).points.shape == (3, 30, KEYPOINTS, 3)


def test_a_folder_is_counted_too(tmp_path):
    for number in range(300):
        frame_file(tmp_path / "poses", number, [{"pose_keypoints_2d": []}] * (900 if number == 1 else 1))
    refused(tmp_path / "poses", "asks for 300 frames of 900 people")


def saved_with(path, **changes):
    """An .npz file of poses with some of its arrays replaced, or left out where they are None."""
    arrays = {"version": 1, "points": np.zeros((2, 1, KEYPOINTS, 3)), "score": np.zeros((2, 1, KEYPOINTS)), "size": [64, 96], "fps": 24.0}
    arrays = {name: value for name, value in {**arrays, **changes}.items() if value is not None}
    np.savez_compressed(path, **arrays)
    return path


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"version": np.nan}, "its 'version' is NaN, but only 1"),
        ({"version": np.inf}, "its 'version' is Infinity, but only 1"),
        ({"version": [1]}, "its array 'version' must have 0 axes"),
        ({"version": "1"}, "its array 'version' holds no plain numbers"),
        ({"points": np.array([{}], object)}, "its array 'points' holds no plain numbers"),
        ({"points": np.zeros((2, 1, KEYPOINTS, 3), complex)}, "its array 'points' holds no plain numbers"),
        ({"points": np.zeros((2, 1, KEYPOINTS, 3), bool)}, "its array 'points' must have 4 axes of numbers"),
        ({"points": np.zeros((2, 1, KEYPOINTS, 2))}, "must be frames x people x 134 x 3 numbers, not 2 x 1 x 134 x 2"),
        ({"points": np.zeros((0, 1, KEYPOINTS, 3)), "score": np.zeros((0, 1, KEYPOINTS))}, "holds no frames"),
        ({"score": np.zeros((2, 2, KEYPOINTS))}, "its array 'score' must be 2 x 1 x 134 numbers, not 2 x 2 x 134"),
        ({"score": np.full((2, 1, KEYPOINTS), np.nan)}, "scores lie between 0 and 1"),
        ({"score": np.ones((2, 1, KEYPOINTS)), "points": np.full((2, 1, KEYPOINTS, 3), 1e30)}, "coordinates must be numbers of pixels"),
        ({"score": None}, "its array 'score' is missing"),
        ({"size": [64.0, 96.0]}, "'size' must be"),
        ({"size": [64, 10**6]}, "'size' must be .* at most 16384 each"),
        ({"size": [64, 96, 3]}, "its array 'size' must be 2 numbers, not 3"),
        ({"fps": np.nan}, "'fps' must be a number"),
        ({"fps": 1e-9}, "'fps' must be a number of frames per second from 0.0001 to 1000"),
        ({"fps": 1e6}, "'fps' must be a number"),
        ({"mask": np.zeros((3, 4, 4), np.uint8)}, "its array 'mask' must be 2 pictures of bytes"),
        ({"mask": np.zeros((2, 4, 4))}, "its array 'mask' must be 2 pictures of bytes"),
        ({"mask": np.zeros((2, 0, 4), np.uint8)}, "its array 'mask' must be 2 pictures of bytes"),
        ({"mask": np.zeros((2, 4), np.uint8)}, "its array 'mask' must be 2 pictures of bytes"),
    ],
)
def test_mistakes_in_an_npz_file_are_named(tmp_path, changes, message):
    refused(saved_with(tmp_path / "edited.npz", **changes), message)


def test_missing_points_of_an_npz_file_mean_nothing(tmp_path):
    """Whatever stands where a score is 0: it reaches nobody."""
    poses = load_poses(saved_with(tmp_path / "a.npz", points=np.full((2, 1, KEYPOINTS, 3), np.nan)))
    assert (poses.points == 0).all()


def bomb(path, name: str, shape: tuple[int, ...], kind: str):
    """Poses of which one array is zeros without end, packed a thousand times smaller."""
    saved_with(path, **{name: None})
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    left = int(np.prod(shape)) * np.dtype(kind).itemsize
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open(f"{name}.npy", "w") as member:
        member.write(header.getvalue())
        while left:
            left -= member.write(bytes(min(left, 1 << 24)))
    return path


def test_bombs_are_refused_before_they_are_unpacked(tmp_path):
    points = bomb(tmp_path / "points.npz", "points", (300_000, 1, KEYPOINTS, 3), "<f2")
    assert points.stat().st_size < 2_000_000
    refused(points, "asks for 300000 frames of 1 people, 300000 poses: at most 250000")
    refused(bomb(tmp_path / "mask.npz", "mask", (2, 1 << 14, 1 << 15), "|u1"), "its array 'mask' has 1074 MB, at most 1000")
    refused(bomb(tmp_path / "score.npz", "score", (2, 1, 1 << 24), "<f4"), "its array 'score' must be 2 x 1 x 134 numbers")


@pytest.mark.parametrize("fps", [1e-9, 1e-5, 1001, 1e6, 1e308])
def test_rates_that_nobody_means_are_refused(tmp_path, fps):
    refused(people_file(tmp_path / "a.json", [1], fps=fps), "'fps' must be a number of frames per second from 0.0001 to 1000")


@pytest.mark.parametrize("size", [[16_385, 10], [10**400, 1], [True, 5], [2, None], "64x64", {}])
def test_sizes_that_no_picture_has_are_refused(tmp_path, size):
    due = re.escape("'size' must be [width, height] in whole pixels, at most 16384 each")
    refused(people_file(tmp_path / "a.json", [1], size=size), due)


def test_a_stray_point_does_not_make_a_picture(tmp_path):
    frame_file(tmp_path / "poses", 0, [{"pose_keypoints_2d": [1, 1, 0.9] * 17 + [1e6, 1, 0.9]}])
    refused(tmp_path / "poses", "a point lies at 1000000 pixels; pictures have up to 16384")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("kind", ["json", "npz"])
def test_a_giant_a_pipe_and_a_device_are_no_poses(tmp_path, kind):
    giant = tmp_path / f"giant.{kind}"
    with giant.open("wb") as file:
        file.write(b"{")
        file.truncate(8 << 30)
    refused(giant, "larger than 200 MB" if kind == "json" else "its end is missing")
    endless = tmp_path / f"endless.{kind}"
    endless.symlink_to("/dev/zero")
    refused(endless, "is a device or pipe")
    os.mkfifo(tmp_path / f"pipe.{kind}")
    refused(tmp_path / f"pipe.{kind}", "is a device or pipe")


def test_a_byte_order_mark_does_not_matter(tmp_path):
    path = people_file(tmp_path / "a.json", [1, 1])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(load_poses(path)) == 2


LONG = "x" * 100_000
DEEP = json.loads("[" * 900 + "]" * 900)
QUOTED = [
    {"version": LONG},
    {"version": DEEP},
    {"frames": [{"people": [{LONG: []}]}]},
    {"frames": [{"people": [{"pose_keypoints_2d": [LONG] * 54}]}]},
    {"frames": [{"people": [{"pose_keypoints_2d": [DEEP] * 54}]}]},
    {"frames": [{"people": [{"pose_keypoints_2d": [10**4000] * 54}]}]},
]


@pytest.mark.parametrize("changes", QUOTED)
def test_messages_quote_no_more_than_they_must(tmp_path, changes):
    refused(people_file(tmp_path / "a.json", [1], **changes), "a.json")
