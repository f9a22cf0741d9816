"""Clip: the only opener and writer of pixel files, streaming both ways."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, repeat
from pathlib import Path

import numpy as np

from animato.core.animation import probe_animation, probe_folder
from animato.core.apart import check_apart
from animato.core.encode import ENDINGS, FRAME_FILES, Encoder, encoder_for
from animato.core.errors import InputError, Interrupted
from animato.core.output import check_target, explained, put_in_place, put_under_free_name, temporary_beside
from animato.core.picture import WHITE, Colour, check_readable, picture_kind
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.core.timing import usual_rate
from animato.core.video import probe_video

_LONGEST = 200  # bytes of a name to which something is added


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames that can be run through in order any number of times, decoded or computed only when asked for.

    open    -> a new iterator over H W 3 uint8 frames from the first one on
    size    (width, height)
    fps     frames per second, constant
    length  number of frames; None while unknown
    sound   the file whose sound belongs to the clip, or None
    notes   sentences for the user on what is odd about its source
    sources the files and folders that it is read or made from; it is never written over one of them
    """

    open: Callable[[], Iterator[np.ndarray]]
    size: Size
    fps: Fraction
    length: int | None = None
    sound: Path | None = None
    notes: tuple[str, ...] = ()
    sources: tuple[Path, ...] = ()

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.open()

    @staticmethod
    def of(frames: np.ndarray | list[np.ndarray], fps: float | Fraction) -> Clip:
        """A clip of frames in memory, F H W 3 uint8 or a list of H W 3."""
        height, width = frames[0].shape[:2]
        return Clip(lambda: iter(frames), (width, height), usual_rate(fps), len(frames))

    @staticmethod
    def still(frame: np.ndarray, length: int, fps: float | Fraction) -> Clip:
        """One H W 3 uint8 frame shown `length` times."""
        return Clip(lambda: repeat(frame, length), (frame.shape[1], frame.shape[0]), usual_rate(fps), length)

    def take(self, count: int) -> Clip:
        """The first `count` frames, or all if there are fewer."""
        length = None if self.length is None else min(count, self.length)
        return replace(self, open=lambda: islice(self.open(), count), length=length)

    def every(self, step: int) -> Clip:
        """Every `step`-th frame from the first on, at a rate so much lower that the clip lasts as long."""
        length = None if self.length is None else -(-self.length // step)
        return replace(self, open=lambda: islice(self.open(), 0, None, step), fps=self.fps / step, length=length)

    def map(self, function: Callable[[np.ndarray], np.ndarray], size: Size | None = None) -> Clip:
        """Every frame sent through `function` when it is asked for; `size` (width, height) is what comes out, if that is another."""
        return replace(self, open=lambda: map(function, self.open()), size=size or self.size)


def open_clip(path: str | Path, background: Colour = WHITE, fps: float | Fraction = 25) -> Clip:
    """A video, an animated GIF, WebP or PNG, or a folder of numbered pictures.

    Frames come upright, with square pixels, at a constant rate: that of the file or, if it has none, its average; each shows what stands
    on the screen at its time. `fps` is the rate of a folder of pictures; `background` shows where they are transparent. Raises InputError.
    """
    path = Path(path)
    check_readable(path)
    if path.is_dir():
        folder = probe_folder(path, background)
        return Clip(folder.frames, folder.size, usual_rate(fps), len(folder.files), sources=(path,))
    kind = picture_kind(path)
    if kind and not kind.moving:
        raise InputError(f"{path} is a picture, where a video is due: give a video, an animation or a folder of numbered pictures.")
    if kind and kind.format == "WEBP":
        animation = probe_animation(path, background)
        return Clip(animation.frames, animation.size, animation.timing.fps, animation.timing.length, sources=(path,))
    file = probe_video(path, background)
    timing = file.scan.timing
    return Clip(file.frames, file.size, timing.fps, timing.length, path if file.sound else None, file.scan.notes, (path,))


def check_output(path: str | Path) -> Path:
    """The path a clip is to be written to, checked before any work is done for it. Raises OutputError."""
    return check_target(path, ENDINGS, FRAME_FILES)


def write_clip(clip: Clip, path: str | Path, progress: Progress = silent, sound: bool = True, keep_partial: bool = False) -> Path:
    """Writes a clip as MP4, GIF, WebP or a folder of PNG pictures, by the path's ending, and returns the path.

    The result takes the place of an older one only when it is finished. The clip's sound goes along into MP4, cut to the length of the
    frames. If Ctrl-C comes and `keep_partial` is set, the frames so far are finished as <name>.partial<ending>, or, where that is
    somebody's, as <name>.partial-2<ending> ..., and Interrupted is raised. Raises OutputError, and InputError, also for a path from which
    the clip itself is read. Equal frames give the same file, to the bit, on machines of one kind.
    """
    target = check_output(path)
    check_apart([*clip.sources, *([clip.sound] if clip.sound else [])], [target])
    with temporary_beside(target) as temporary:
        with explained(target):
            encoder = encoder_for(path, temporary, clip.size, clip.fps, clip.sound if sound else None)
        try:
            _draw(clip, encoder, target, progress)
            _finish(encoder, target)
        except KeyboardInterrupt:
            if keep_partial and encoder.count:
                _finish(encoder, target)
                raise _kept(temporary, target, encoder.count) from None
            raise
        finally:
            with explained(target):
                encoder.close()
        put_in_place(temporary, target, FRAME_FILES)
    return target


def _draw(clip: Clip, encoder: Encoder, target: Path, progress: Progress) -> None:
    """Runs the clip through the encoder."""
    done = 0
    for frame in clip:
        if frame.shape != (clip.size[1], clip.size[0], 3):
            raise ValueError(f"frame {done} of a clip of {clip.size[0]}x{clip.size[1]} has the shape {frame.shape}")
        with explained(target):
            encoder.add(frame)
        done += 1
        progress("write", done, clip.length or 0)
    if not done:
        raise InputError(f"There are no frames to write to {target}: the clip is empty.")


def _finish(encoder: Encoder, target: Path) -> None:
    """Completes the file, and lets go of it."""
    with explained(target):
        encoder.finish()
        encoder.close()


def _kept(temporary: Path, target: Path, count: int) -> Interrupted:
    """Gives what is finished a name that nobody has, and says how many frames it holds: Ctrl-C may have come in the midst of counting."""
    wanted = target.with_name(f"{_cut(target.stem)}.partial{target.suffix}")
    with suppress(InputError):  # a single frame may be a picture and no clip
        count = open_clip(temporary).length or count
    there = put_under_free_name(temporary, wanted)
    other = f" ({wanted.name} was there already)" if there != wanted else ""
    frames = "1 frame that was finished is" if count == 1 else f"{count} frames that were finished are"
    return Interrupted(f"Stopped: the {frames} in {there}{other}.")


def _cut(stem: str) -> str:
    """The beginning of a name that leaves room for more: systems allow 255 bytes in all."""
    return os.fsencode(stem)[:_LONGEST].decode(errors="ignore")
