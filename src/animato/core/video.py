"""Video files through PyAV: what a file holds, and its frames one at a time, upright, at a constant rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from animato.core.container import fraction, open_container, packets, sound_stream, tick_of, video_streams
from animato.core.errors import InputError
from animato.core.picture import Colour, check_size, over
from animato.core.shapes import Size
from animato.core.timing import Timing, constant_rate, on_screen, one_by_one

_THREADS = 2
_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_LINES = 720  # players take untagged video of at least this height for BT.709, smaller for BT.601


@dataclass(frozen=True)
class Turn:
    """One of the eight ways to lay a picture: its axes are swapped or not, then flipped along `flips` (0 = y, 1 = x)."""

    transposed: bool
    flips: tuple[int, ...]

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        laid = pixels.swapaxes(0, 1) if self.transposed else pixels
        return np.ascontiguousarray(np.flip(laid, self.flips))


@dataclass(frozen=True)
class VideoFile:
    """What is to be known about a video file before its frames are run through.

    size        (width, height) upright, with square pixels
    turn        makes its decoded frames upright
    timing      on the file's own clock
    background  shows where frames are transparent
    sound       whether there is any
    notes       sentences for the user on what is odd
    """

    path: Path
    size: Size
    turn: Turn
    timing: Timing
    background: Colour
    sound: bool
    notes: tuple[str, ...] = ()

    def frames(self) -> Iterator[np.ndarray]:
        """H W 3 uint8, as many as `timing` says, decoded one at a time."""
        with open_container(self.path) as container:
            stream = _video_stream(container, self.path)
            for frame in on_screen(_decoded(container, stream, self.timing), self.timing):
                yield self._upright(frame)

    def _upright(self, frame: av.VideoFrame) -> np.ndarray:
        size = self.size[::-1] if self.turn.transposed else self.size
        return self.turn.apply(_to_rgb(frame, size, self.background))


def probe_video(path: Path, background: Colour) -> VideoFile:
    """Reads the file's packets, decodes its first frames and says what it holds. Raises InputError if that is no usable video."""
    with open_container(path) as container:
        stream = _video_stream(container, path)
        timing, notes = _scan(container, stream, path)
        sound = sound_stream(container) is not None
    with open_container(path) as container:
        stream = _video_stream(container, path)
        first = [frame for _, frame in islice(_decoded(container, stream, timing), 2)]
        if len(first) < (2 if notes else 1):
            raise InputError(f"Nothing of {path} that moves can be decoded: it is damaged or truncated; copy or download it again.")
        turn = _turn_of(first[0])
        size = _square(first[0], fraction(stream.sample_aspect_ratio))
    size = size[::-1] if turn.transposed else size
    check_size(size, path)
    return VideoFile(path, size, turn, timing, background, sound, notes)


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    streams = video_streams(container)
    if not streams:
        found = "only sound" if container.streams.audio else "no moving pictures"
        raise InputError(f"{path} is not a video, it holds {found}: give an MP4, MOV, WebM, MKV, AVI or GIF file.")
    stream = streams[0]
    if stream.codec_context is None:
        raise InputError(f"{path} is packed with a codec that is not known here: convert it to H.264.")
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = _THREADS
    return stream


def _scan(container: av.container.InputContainer, stream: av.VideoStream, path: Path) -> tuple[Timing, tuple[str, ...]]:
    """The timing of all frames, from the packets alone: headers are often wrong about it."""
    stamps = [(packet.pts, packet.is_discard) for packet in packets(container, stream)]
    ticks = [pts for pts, discarded in stamps if pts is not None and not discarded]
    named = [rate for rate in (fraction(stream.guessed_rate), fraction(stream.average_rate)) if rate]
    if any(pts is None for pts, _ in stamps):
        return one_by_one(len(stamps), named), ()
    if not ticks:
        raise InputError(f"{path} holds no frames: it is damaged or truncated; copy or download it again.")
    timing = constant_rate(ticks, tick_of(stream), named)
    return timing, _missing_end(container, stream, timing, path)


def _missing_end(container: av.container.InputContainer, stream: av.VideoStream, timing: Timing, path: Path) -> tuple[str, ...]:
    """A note if the header promises clearly more than was found; where it speaks of all streams together, a longer sound says nothing."""
    if stream.duration:
        promised = stream.duration * tick_of(stream)
    elif container.duration and not container.streams.audio:
        promised = Fraction(container.duration, av.time_base)
    else:
        return ()
    found = timing.length / timing.fps
    if promised - found < max(2 / timing.fps, promised / 50):
        return ()
    return (f"{path} ends early: {float(found):.1f} s of the {float(promised):.1f} s that its header promises could be read.",)


def _decoded(container: av.container.InputContainer, stream: av.VideoStream, timing: Timing) -> Iterator[tuple[Fraction, av.VideoFrame]]:
    """(seconds, frame) in the order of showing; what cannot be decoded is left out."""
    count = 0
    for packet in chain(packets(container, stream), [None]):
        try:
            frames = stream.decode(packet)
        except av.error.FFmpegError:
            continue
        for frame in frames:
            stamp = frame.pts if timing.stamped else None
            yield (timing.due(count) if stamp is None else stamp * tick_of(stream)), frame
            count += 1


def _square(frame: av.VideoFrame, aspect: Fraction | None) -> Size:
    """(width, height) of a frame with its pixels made square."""
    return (round(frame.width * aspect) if aspect else frame.width), frame.height


def _turn_of(frame: av.VideoFrame) -> Turn:
    """What makes a frame upright, by its display matrix. To be asked once a file: a frame whose side data were seen is freed late."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Turn(False, ())
    m = np.frombuffer(matrix, np.int32).reshape(3, 3)  # x' = m00 x + m10 y, y' = m01 x + m11 y
    transposed = bool(abs(m[0, 1]) > abs(m[0, 0]))
    right, down = (m[1, 0], m[0, 1]) if transposed else (m[0, 0], m[1, 1])
    return Turn(transposed, tuple(axis for axis, sign in ((0, down), (1, right)) if sign < 0))


def _to_rgb(frame: av.VideoFrame, size: Size, background: Colour) -> np.ndarray:
    """H W 3 uint8 of a decoded frame of any format, before turning."""
    clear = any(component.is_alpha for component in frame.format.components)
    untagged = frame.colorspace == _UNTAGGED
    pixels = frame.reformat(
        *size,
        format="rgba" if clear else "rgb24",
        src_colorspace=(Colorspace.ITU709 if frame.height >= _HD_LINES else Colorspace.ITU601) if untagged else None,
        dst_color_range=ColorRange.JPEG,
    ).to_ndarray()
    return over(pixels, background) if clear else pixels
