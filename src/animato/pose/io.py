"""Poses on disk: .npz keeps everything, .json can be read and edited by hand, and folders of OpenPose's own files go in and out.

The .json file is one object:
  format   "animato poses"
  version  1
  size     [width, height] of the picture in whose pixels the coordinates are
  fps      frames per second; 0 for a picture
  frames   a list with one object a frame, each with a list `people`; a person is always at the same place of it, and is an object of
    pose_keypoints_2d                                18 body points, x y score x y score ...; score 0 = missing; [] = person not there
    foot_keypoints_2d                                6 foot points, likewise, as are
    face_keypoints_2d                                68 points (iBUG 300-W)
    hand_left_keypoints_2d, hand_right_keypoints_2d  21 points each
    the same names with _z instead of _2d            one depth a point, in pixels, smaller = nearer
The order of the points is that of pose/keypoints.py. All fields but pose_keypoints_2d may be left out. Masks are kept by .npz only.

Files come from strangers, too: how much they ask for is known and judged before it is read, unpacked or made room for.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from animato.core.arrays import ArrayFile, Stored, open_arrays
from animato.core.errors import InputError
from animato.core.folder import numbered_files
from animato.core.output import check_target, explained, is_folder_name, put_in_place, temporary_beside
from animato.core.picture import MAX_SIDE, check_readable
from animato.core.reading import MB, read_json
from animato.core.shapes import Size
from animato.core.timing import FASTEST, SLOWEST
from animato.pose.keypoints import KEYPOINTS, PoseSequence
from animato.pose.openpose import FARTHEST, Location, read_people, shown, write_body_25, write_person

FORMAT, VERSION = "animato poses", 1
MOST_POSES = 250_000  # frames x people: nearly three hours of one person at 25 frames a second, and 1.1 GB of memory
MOST_JSON = 200 * MB  # some 60,000 frames of one person with face and hands; it takes ten to twenty times as much memory
MOST_OPENPOSE = 16 * MB  # of one frame
MOST_MASK = 1000 * MB  # unpacked
_ENDINGS = (".json", ".npz")
_OPENPOSE_ENDING = "_keypoints.json"
_OPENPOSE_FILES = re.compile(r".*\d.*_keypoints\.json")


def check_poses_output(path: str | Path) -> Path:
    """The path poses are to be saved to, checked before any work is done for them. Raises OutputError."""
    return check_target(path, _ENDINGS, _OPENPOSE_FILES)


def save_poses(sequence: PoseSequence, path: str | Path) -> Path:
    """Saves poses as .npz (exact), .json (coordinates to 0.01 pixels, scores to 0.0001, no mask) or, without an ending, as a folder of
    OpenPose's own files (25 body points; no depth, size, frame rate or mask either). Raises OutputError."""
    target = check_poses_output(path)
    with temporary_beside(target) as temporary:
        with explained(target):
            if is_folder_name(path):
                _write_openpose(sequence, temporary)
            elif target.suffix.lower() == ".npz":
                _write_npz(sequence, temporary)
            else:
                temporary.write_text(_to_json(sequence), "utf-8")
        put_in_place(temporary, target, _OPENPOSE_FILES)
    return target


def load_poses(path: str | Path, size: Size | None = None, fps: float = 25.0) -> PoseSequence:
    """Poses from what save_poses writes, from a folder of OpenPose's files (<number>_keypoints.json), or from one such file.

    OpenPose's files tell neither the size of the picture nor the rate: give them as `size` and `fps`. Without `size` it is the smallest
    that holds all points and reaches to (0, 0), which is too small where the people do not fill the picture. Body points may be 25 or 18,
    face points 70 or 68. People keep the order of the files; OpenPose does not track them.
    Raises InputError, which names file, frame and field, for anything that is not as it should be.
    """
    path = Path(path)
    check_readable(path)
    if path.is_dir():
        return _read_openpose(numbered_files(path, (_OPENPOSE_ENDING,)), path, size, fps)
    if path.suffix.lower() == ".npz":
        return _read_npz(path)
    content = read_json(path, MOST_JSON)
    if isinstance(content, dict) and "people" in content:
        return _read_openpose([path], path, size, 0.0)
    return _from_json(content, str(path))


def _write_npz(sequence: PoseSequence, path: Path) -> None:
    arrays: dict[str, Any] = {name: getattr(sequence, name) for name in ("points", "score", "size", "fps", "mask")}
    if sequence.mask is None:
        del arrays["mask"]
    with path.open("wb") as file:  # given a name, numpy would add an ending to it
        np.savez_compressed(file, version=VERSION, **arrays)


def _read_npz(path: Path) -> PoseSequence:
    with open_arrays(path, ".npz file of poses") as file:
        version = _values(file, "version", (), path)
        _check_version(version.item(), str(path))
        shape = _looked_at(file, "points", 4, path).shape
        if shape[2:] != (KEYPOINTS, 3):
            raise InputError(f"{path}: its points must be frames x people x {KEYPOINTS} x 3 numbers, not {' x '.join(map(str, shape))}.")
        _check_count(shape[0], shape[1], str(path))
        points = _values(file, "points", shape, path).astype(float)
        score = _values(file, "score", shape[:3], path).astype(float)
        size = _checked_size(_values(file, "size", (2,), path).tolist(), str(path))
        fps = _checked_fps(_values(file, "fps", (), path).item(), str(path))
        mask = _read_mask(file, shape[0], path)
    if not (np.abs(points[score > 0]) <= FARTHEST).all() or not ((score >= 0) & (score <= 1)).all():
        raise InputError(f"{path}: coordinates must be numbers of pixels up to {FARTHEST:.0e} and scores lie between 0 and 1.")
    points[score == 0] = np.where(np.abs(points[score == 0]) <= FARTHEST, points[score == 0], 0)
    return PoseSequence(points, score, size, fps, mask)


def _looked_at(file: ArrayFile, name: str, axes: int, path: Path) -> Stored:
    stored = file.look(name)
    if stored is None:
        raise InputError(f"{path} holds no poses: its array '{name}' is missing.")
    if len(stored.shape) != axes or stored.dtype.kind not in "iuf":
        raise InputError(f"{path}: its array '{name}' must have {axes} axes of numbers.")
    return stored


def _values(file: ArrayFile, name: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """An array that must have this shape."""
    stored = _looked_at(file, name, len(shape), path)
    if stored.shape != shape:
        due = " x ".join(map(str, shape))
        raise InputError(f"{path}: its array '{name}' must be {due} numbers, not {' x '.join(map(str, stored.shape))}.")
    return file.read(name, stored)


def _read_mask(file: ArrayFile, frames: int, path: Path) -> np.ndarray | None:
    stored = file.look("mask")
    if stored is None:
        return None
    if len(stored.shape) != 3 or stored.shape[0] != frames or 0 in stored.shape or stored.dtype != np.uint8:
        raise InputError(f"{path}: its array 'mask' must be {frames} pictures of bytes, one a frame.")
    if stored.bytes > MOST_MASK:
        raise InputError(f"{path}: its array 'mask' has {stored.bytes / MB:.0f} MB, at most {MOST_MASK // MB} are read: leave it out.")
    return file.read("mask", stored)


def _to_json(sequence: PoseSequence) -> str:
    """One line for each frame, so that editors and diffs cope with it."""
    head = {"format": FORMAT, "version": VERSION, "size": list(sequence.size), "fps": sequence.fps}
    frames = [
        {"people": [write_person(points, score) for points, score in zip(*frame, strict=True)]}
        for frame in zip(sequence.points, sequence.score, strict=True)
    ]
    lines = ",\n".join(json.dumps(frame, separators=(",", ":")) for frame in frames)
    return json.dumps(head)[:-1] + f', "frames": [\n{lines}\n]}}\n'


def _from_json(content: Any, file: str) -> PoseSequence:
    if not isinstance(content, dict) or not isinstance(content.get("frames"), list):
        raise InputError(f"{file} holds no poses: it must be an object with a list 'frames', or a file of OpenPose with a list 'people'.")
    if content.get("format") != FORMAT:
        raise InputError(f"{file}: its field 'format' must be \"{FORMAT}\".")
    _check_version(content.get("version"), file)
    size = _checked_size(content.get("size"), file)
    fps = _checked_fps(content.get("fps"), file)
    frames = content["frames"]
    return _stack((read_people(frame, Location(file, at)) for at, frame in enumerate(frames)), len(frames), size, fps, file)


def _write_openpose(sequence: PoseSequence, folder: Path) -> None:
    folder.mkdir()
    for index, frame in enumerate(zip(sequence.points, sequence.score, strict=True)):
        people = [write_body_25(points, score) for points, score in zip(*frame, strict=True) if score.any()]
        (folder / f"frame_{index:012d}{_OPENPOSE_ENDING}").write_text(json.dumps({"version": 1.3, "people": people}), "utf-8")


def _read_openpose(files: list[Path], where: Path, size: Size | None, fps: float) -> PoseSequence:
    if not files:
        raise InputError(f"The folder {where} holds no poses: none of its files is named <number>{_OPENPOSE_ENDING}.")
    frames = (read_people(read_json(file, MOST_OPENPOSE), Location(str(file), index)) for index, file in enumerate(files))
    sequence = _stack(frames, len(files), (1, 1), fps, str(where))
    return replace(sequence, size=size or _extent(sequence.points[sequence.score > 0], where))


def _extent(seen: np.ndarray, where: Path) -> Size:
    """The smallest size of a picture that holds all points (n 3)."""
    if len(seen) == 0:
        raise InputError(f"{where} holds no person in any frame: nothing says how large the picture is: give its size.")
    width, height = (max(1, math.ceil(reach)) for reach in seen[:, :2].max(axis=0))
    if max(width, height) > MAX_SIDE:
        raise InputError(f"{where}: a point lies at {max(width, height)} pixels; pictures have up to {MAX_SIDE}: take stray points out.")
    return width, height


def _stack(frames: Iterable[list[tuple[np.ndarray, np.ndarray]]], count: int, size: Size, fps: float, file: str) -> PoseSequence:
    """One sequence of as many people as the fullest of `count` frames has; who is not in a frame is missing there."""
    read: list[list[tuple[np.ndarray, np.ndarray]]] = []
    people = 0
    _check_count(count, people, file)
    for frame in frames:
        people = max(people, len(frame))
        _check_count(count, people, file)
        read.append(frame)
    points, score = np.zeros((count, people, KEYPOINTS, 3)), np.zeros((count, people, KEYPOINTS))
    for at, frame in enumerate(read):
        for person, (xyz, confidence) in enumerate(frame):
            points[at, person], score[at, person] = xyz, confidence
    return PoseSequence(points, score, size, fps)


def _check_count(frames: int, people: int, file: str) -> None:
    """Every frame has room for as many people as the fullest one has."""
    if frames == 0:
        raise InputError(f"{file} holds no frames; at least one is due.")
    if max(frames, 1) * max(people, 1) > MOST_POSES:
        raise InputError(
            f"{file} asks for {frames} frames of {people} people, {frames * people} poses: at most {MOST_POSES} are read; "
            "keep fewer people, or cut it into parts."
        )


def _check_version(version: Any, file: str) -> None:
    if version != VERSION:
        raise InputError(
            f"{file}: its 'version' is {shown(version)}, but only {VERSION} can be read; save it anew with this version of animato."
        )


def _checked_size(size: Any, file: str) -> Size:
    if not isinstance(size, list) or len(size) != 2 or any(type(side) is not int or not 1 <= side <= MAX_SIDE for side in size):
        raise InputError(f"{file}: its 'size' must be [width, height] in whole pixels, at most {MAX_SIDE} each.")
    return size[0], size[1]


def _checked_fps(fps: Any, file: str) -> float:
    if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not (fps == 0 or SLOWEST <= fps <= FASTEST):
        raise InputError(f"{file}: its 'fps' must be a number of frames per second from {float(SLOWEST)} to {FASTEST}, 0 for a picture.")
    return float(fps)
