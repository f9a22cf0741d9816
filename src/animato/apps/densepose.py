"""What `animato pose --kind densepose` does: the body parts of a video's person, as DensePose pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from animato import api
from animato.apps.console import Bars, note, say
from animato.apps.fetchable import densepose_file
from animato.apps.outputs import already_written, make_ready
from animato.apps.shown import check_shown, write_shown
from animato.core.media import Clip
from animato.core.packages import check_installed
from animato.core.progress import Progress
from animato.pose.surface.densepose import coloured, decoded, densepose_clip, is_densepose

_OPAQUE = 0.7  # of the parts over the video


def densepose(video: str, out: Path, overlay: Path | None, frames: int | None, estimation: api.Estimation, network: Path | None) -> None:
    """The body parts of a video or a picture, and on request the same laid over it."""
    if network:
        network = densepose_file(network)
        check_installed("--densepose")
    make_ready([video, *([network] if network else [])], out, overlay)
    for path in (out, overlay):
        if path:
            check_shown(path)
    with Bars() as bars:
        clip = api.open_frames(video, frames)
        parts, notes = parts_of(clip, estimation, network, bars)
        write_shown(parts, out, bars)
        if overlay:
            with already_written(out):
                write_shown(laid_over(clip, parts), overlay, bars)
    for sentence in dict.fromkeys(notes):
        note(sentence)
    say(f"{out}: {parts.size[0]}x{parts.size[1]} pixels of body parts in DensePose's colours")


def parts_of(clip: Clip, estimation: api.Estimation, network: Path | None, progress: Progress) -> tuple[Clip, tuple[str, ...]]:
    """The clip's body parts: read off it if it is a DensePose video, by the network of a file, or of a body fitted to the pose."""
    if is_densepose(next(iter(clip))):
        return clip.map(lambda frame: coloured(decoded(frame))), ("This is a DensePose video already; its colours were cleaned.",)
    if network:
        from animato.encoders.densepose import DensePose

        find = DensePose.load(network)
        return clip.map(lambda frame: coloured(find(frame)[0])), clip.notes
    motion = api.observe(clip, replace(estimation, masks=True), progress)
    return densepose_clip(motion.poses, clip), motion.notes


def laid_over(clip: Clip, parts: Clip) -> Clip:
    """A clip with its body parts drawn over it."""

    def frames() -> Iterator[np.ndarray]:
        for frame, drawn in zip(clip, parts, strict=False):
            person = (drawn != coloured(np.zeros(1, np.uint8))).any(axis=-1, keepdims=True)
            yield np.where(person, cv2.addWeighted(drawn, _OPAQUE, frame, 1 - _OPAQUE, 0), frame)

    return replace(parts, open=frames)
