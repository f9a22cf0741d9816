"""Folders of real clips: a JSON list of {"video_path": ..., "kps_path": ...}, as the published training reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from animato.core.errors import InputError
from animato.core.media import Clip, open_clip
from animato.core.reading import MB, read_json
from animato.core.shapes import Size
from animato.data.sample import Cut, Sample, pair, published_box, stretch
from animato.pose.crop import Box, cut, cut_poses, whole_box
from animato.pose.io import load_poses
from animato.pose.keypoints import KEYPOINTS, PoseSequence

MOST_INDEX = 100 * MB  # some 500,000 videos


@dataclass(frozen=True)
class Entry:
    """A video and its poses: a pose file (.json, .npz), or a video of drawn skeletons with as many frames."""

    video: Path
    poses: Path


def read_index(path: Path) -> list[Entry]:
    """The entries of an index; relative names are relative to its folder. Raises InputError for a file that is not such a list."""
    content = read_json(path, MOST_INDEX)
    if not isinstance(content, list) or not content or not all(_is_entry(item) for item in content):
        raise InputError(f'{path} must be a list of {{"video_path": ..., "kps_path": ...}} with at least one entry.')
    return [Entry(path.parent / item["video_path"], path.parent / item["kps_path"]) for item in content]


@dataclass(frozen=True)
class Videos:
    """Samples of real clips.

    frames  driven frames of a sample; 1: image pairs at least `margin` apart, more: stretches of every `rate`-th frame
    size    of all pictures. kept `whole` by default; `published` crops as Animate Anyone's published code does, `squash` gives up their
            aspect, as MusePose's does
    scale   smallest and largest fraction of the area that the published crop keeps
    fast    frames a second above which `rate` counts twice; 0: never
    """

    entries: tuple[Entry, ...]
    size: Size
    frames: int = 1
    rate: int = 4
    cut: Cut = "whole"
    scale: tuple[float, float] = (0.9, 1.0)
    margin: int = 30
    fast: float = 0.0

    def draw(self, rng: np.random.Generator) -> Sample:
        entry = self.entries[int(rng.integers(len(self.entries)))]
        video = open_clip(entry.video)
        length = video.length or sum(1 for _ in video)
        if self.frames == 1:
            reference, target = pair(length, rng, self.margin)
            which = np.array([target])
        else:
            twice = self.fast and video.fps > self.fast
            reference, which = stretch(length, self.frames, 2 * self.rate if twice else self.rate, rng)
        return self._sample(entry, video, reference, which, self._box(video.size, rng))

    def _box(self, given: Size, rng: np.random.Generator) -> Box:
        if self.cut == "squash":
            return 0.0, 0.0, float(given[0]), float(given[1])
        return whole_box(given, self.size) if self.cut == "whole" else published_box(given, self.size, self.scale, rng)

    def _sample(self, entry: Entry, video: Clip, reference: int, which: np.ndarray, box: Box) -> Sample:
        whole, *driven = pick(video, [reference, *which])
        pictures = cut(np.stack([whole, *driven]), box, self.size)
        if entry.poses.suffix in (".json", ".npz"):
            poses = load_poses(entry.poses).scaled(video.size)
            given, driven_poses = (self._cut(_frames(poses, part, entry), box) for part in ([reference], which))
            return Sample(whole, pictures[0], pictures[1:], given, driven_poses)
        skeletons = pick(open_clip(entry.poses), [reference, *which])
        drawn = cut(np.stack([fitted(one, video.size) for one in skeletons]), box, self.size)
        return Sample(whole, pictures[0], pictures[1:], unknown(1, self.size), unknown(len(which), self.size), drawn[1:], drawn[:1])

    def _cut(self, poses: PoseSequence, box: Box) -> PoseSequence:
        """Squashed poses keep the shape of their video, so that what is drawn of them can be squashed like its pictures."""
        return poses if self.cut == "squash" else cut_poses(poses, box, self.size)


def pick(clip: Clip, which: Iterable[int]) -> list[np.ndarray]:
    """Frames of these numbers in their order, in one pass over the clip. Raises InputError if the clip ends before."""
    wanted = [int(index) for index in which]
    found = {index: frame for index, frame in zip(range(max(wanted) + 1), clip, strict=False) if index in set(wanted)}
    if set(wanted) - set(found):
        raise InputError(f"A video ends before its frame {max(wanted)}: a video and its poses must have equally many frames.")
    return [found[index] for index in wanted]


def fitted(picture: np.ndarray, size: Size) -> np.ndarray:
    """A picture of skeletons in the size of its video."""
    return (
        picture
        if picture.shape[1::-1] == size
        else cut(picture[None], (0.0, 0.0, float(picture.shape[1]), float(picture.shape[0])), size)[0]
    )


def unknown(frames: int, size: Size) -> PoseSequence:
    """Poses of which no point is known."""
    return PoseSequence(np.zeros((frames, 1, KEYPOINTS, 3)), np.zeros((frames, 1, KEYPOINTS)), size)


def _frames(poses: PoseSequence, which: Iterable[int], entry: Entry) -> PoseSequence:
    index = np.array(list(which))
    if index.max() >= len(poses):
        raise InputError(f"{entry.poses} has {len(poses)} frames, its video more: a video and its poses must have equally many frames.")
    return replace(poses, points=poses.points[index], score=poses.score[index], mask=None)


def _is_entry(item: Any) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(key), str) for key in ("video_path", "kps_path"))
