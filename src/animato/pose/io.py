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
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from animato.core.errors import InputError
from animato.core.folder import numbered_files
from animato.core.output import check_target, explained, is_folder_name, put_in_place, temporary_beside
from animato.core.picture import check_readable
from animato.core.shapes import Size
from animato.pose.keypoints import KEYPOINTS, PoseSequence
from animato.pose.openpose import Location, read_people, write_body_25, write_person

FORMAT, VERSION = "animato poses", 1
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
        put_in_place(temporary, target)
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
    content = _read_json(path)
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
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is damaged or no .npz file of poses: {error}.") from error
    for name, shape in (("version", 0), ("points", 4), ("score", 3), ("size", 1), ("fps", 0)):
        if name not in arrays:
            raise InputError(f"{path} holds no poses: its array '{name}' is missing.")
        if arrays[name].ndim != shape or arrays[name].dtype.kind not in "iuf":
            raise InputError(f"{path}: its array '{name}' must have {shape} axes of numbers.")
    _check_version(int(arrays["version"]), str(path))
    points = arrays["points"].astype(float)
    score = arrays["score"].astype(float)
    if not np.isfinite(points[score > 0]).all() or not ((score >= 0) & (score <= 1)).all():
        raise InputError(f"{path}: coordinates must be finite numbers and scores lie between 0 and 1.")
    size = _checked_size(arrays["size"].tolist(), str(path))
    fps = _checked_fps(float(arrays["fps"]), str(path))
    return PoseSequence(points, score, size, fps, arrays.get("mask"))


def _to_json(sequence: PoseSequence) -> str:
    """One line for each frame, so that editors and diffs cope with it."""
    head = {"format": FORMAT, "version": VERSION, "size": list(sequence.size), "fps": sequence.fps}
    frames = [
        {"people": [write_person(points, score) for points, score in zip(*frame, strict=True)]}
        for frame in zip(sequence.points, sequence.score, strict=True)
    ]
    lines = ",\n".join(json.dumps(frame, separators=(",", ":")) for frame in frames)
    return json.dumps(head)[:-1] + f', "frames": [\n{lines}\n]}}\n'


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file: poses are read from .json and .npz.") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: one of its numbers is too long.") from error
    except RecursionError as error:
        raise InputError(f"{path} is nested too deeply to be a file of poses.") from error


def _from_json(content: Any, file: str) -> PoseSequence:
    if not isinstance(content, dict) or not isinstance(content.get("frames"), list):
        raise InputError(f"{file} holds no poses: it must be an object with a list 'frames', or a file of OpenPose with a list 'people'.")
    if content.get("format") != FORMAT:
        raise InputError(f"{file}: its field 'format' must be \"{FORMAT}\".")
    _check_version(content.get("version"), file)
    size = _checked_size(content.get("size"), file)
    fps = _checked_fps(content.get("fps"), file)
    if not content["frames"]:
        raise InputError(f"{file}: its list 'frames' is empty; at least one frame is due.")
    return _stack([read_people(frame, Location(file, index)) for index, frame in enumerate(content["frames"])], size, fps)


def _write_openpose(sequence: PoseSequence, folder: Path) -> None:
    folder.mkdir()
    for index, frame in enumerate(zip(sequence.points, sequence.score, strict=True)):
        people = [write_body_25(points, score) for points, score in zip(*frame, strict=True) if score.any()]
        (folder / f"frame_{index:012d}{_OPENPOSE_ENDING}").write_text(json.dumps({"version": 1.3, "people": people}), "utf-8")


def _read_openpose(files: list[Path], where: Path, size: Size | None, fps: float) -> PoseSequence:
    if not files:
        raise InputError(f"The folder {where} holds no poses: none of its files is named <number>{_OPENPOSE_ENDING}.")
    sequence = _stack([read_people(_read_json(file), Location(str(file), index)) for index, file in enumerate(files)], (1, 1), fps)
    seen = sequence.points[sequence.score > 0]
    if size is None:
        if len(seen) == 0:
            raise InputError(f"{where} holds no person in any frame: nothing says how large the picture is: give its size.")
        size = (max(1, int(np.ceil(seen[:, 0].max()))), max(1, int(np.ceil(seen[:, 1].max()))))
    return replace(sequence, size=size)


def _stack(frames: list[list[tuple[np.ndarray, np.ndarray]]], size: Size, fps: float) -> PoseSequence:
    """One sequence of as many people as the fullest frame has; who is not in a frame is missing there."""
    people = max(len(frame) for frame in frames)
    points, score = np.zeros((len(frames), people, KEYPOINTS, 3)), np.zeros((len(frames), people, KEYPOINTS))
    for at, frame in enumerate(frames):
        for person, (xyz, confidence) in enumerate(frame):
            points[at, person], score[at, person] = xyz, confidence
    return PoseSequence(points, score, size, fps)


def _check_version(version: Any, file: str) -> None:
    if version != VERSION:
        raise InputError(f"{file}: its 'version' is {version}, but only {VERSION} can be read; save it anew with this version of animato.")


def _checked_size(size: Any, file: str) -> Size:
    if not isinstance(size, list) or len(size) != 2 or any(type(side) is not int or side < 1 for side in size):
        raise InputError(f"{file}: its 'size' must be [width, height] in whole pixels.")
    return size[0], size[1]


def _checked_fps(fps: Any, file: str) -> float:
    if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not 0 <= fps <= 1e6:
        raise InputError(f"{file}: its 'fps' must be a number of frames per second, 0 for a picture.")
    return float(fps)
