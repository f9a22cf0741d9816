"""What the web page shows besides results: figures of the shipped motions, the driving motion, the people of a video to choose from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from animato.api import Motion
from animato.core.fit import fit, fit_frame
from animato.core.media import Clip, open_clip
from animato.core.shapes import Size
from animato.core.timing import usual_rate
from animato.people.shipped import motion_path
from animato.pose.draw import draw_overlay
from animato.pose.estimator.estimate import people_in
from animato.pose.estimator.people import Someone
from animato.pose.io import load_poses
from animato.pose.keypoints import BODY, PoseSequence

BESIDE: Size = (768, 768)  # px, largest size of the driving video shown beside a result
FIGURE: Size = (384, 384)  # px, largest size of a figure
THUMBNAIL = 160  # px, side of a shipped motion's picture
FIRST_FRAMES = 24  # of a video, among which people are looked for
GROUND = (24, 27, 38)
MARGIN = 0.12  # around a person, as a fraction of their picture


@dataclass(frozen=True, eq=False)
class Choice:
    """The people of a video, each H W 3 uint8, from left to right, and which is the largest; empty if there is no choice."""

    faces: tuple[np.ndarray, ...] = ()
    largest: int = 0


def driving_clip(motion: Motion) -> Clip:
    """What a motion looks like, small enough for a page and as long as its poses: its video, or the figure of poses that came alone."""
    if motion.clip is None:
        return figure_clip(motion.poses)
    size = fit(motion.clip.size, BESIDE).size
    return motion.clip.take(len(motion.poses)).map(lambda frame: fit_frame(frame, size), size)


def figure_clip(poses: PoseSequence) -> Clip:
    """The figure of a motion on a dark ground."""
    size = fit(poses.size, FIGURE).size
    ground = np.full((size[1], size[0], 3), GROUND, np.uint8)
    rate = usual_rate(poses.fps or 24)
    return Clip(lambda: (draw_overlay(ground, poses, frame) for frame in range(len(poses))), size, rate, len(poses))


def shipped_poses(motion: str) -> PoseSequence:
    """The poses of a shipped motion."""
    path = motion_path(motion)
    assert path is not None
    return load_poses(path)


def thumbnail(motion: str) -> np.ndarray:
    """A square H W 3 uint8: the frame of a shipped motion that is farthest from its first one."""
    poses = shipped_poses(motion)
    farthest = int(np.abs(poses.points[:, 0, BODY, :2] - poses.points[:1, 0, BODY, :2]).sum(axis=(1, 2)).argmax())
    one = poses.frames(slice(farthest, farthest + 1))
    seen = one.points[0, 0, one.score[0, 0] > 0, :2]
    corner = seen.min(axis=0)
    extent = np.ptp(seen, axis=0)
    scale = THUMBNAIL * (1 - 2.2 * MARGIN) / extent.max()
    middle = THUMBNAIL * np.array([0.5, 0.5 - MARGIN / 2])  # a little high: the motion's name stands at its feet
    offset = np.append(middle - scale * (corner + extent / 2), 0)
    ground = np.full((THUMBNAIL, THUMBNAIL, 3), GROUND, np.uint8)
    return draw_overlay(ground, replace(one, points=one.points * scale + offset, size=(THUMBNAIL, THUMBNAIL)))


def choice_of_people(video: str | Path) -> Choice:
    """Who can be followed in a video: the people of the first frame that shows anybody. Raises InputError."""
    for frame in islice(open_clip(video), FIRST_FRAMES):
        if people := people_in(frame):
            if len(people) == 1:
                return Choice()
            sizes = [one.size for one in people]
            return Choice(tuple(_cut_out(frame, one) for one in people), sizes.index(max(sizes)))
    return Choice()


def _cut_out(frame: np.ndarray, one: Someone) -> np.ndarray:
    """The part of a frame that shows one person."""
    x0, y0, x1, y1 = one.box
    room = MARGIN * max(x1 - x0, y1 - y0)
    left = max(0, round(x0 - room))
    top = max(0, round(y0 - room))
    return frame[top : max(top + 1, round(y1 + room)), left : max(left + 1, round(x1 + room))]
