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

from animato.core.container import LIMITS, MAX_PIXELS, fraction, open_container, packets, sound_stream, tick_of, video_streams
from animato.core.errors import InputError
from animato.core.picture import Colour, check_not_too_large, check_size, over
from animato.core.scan import Scan, scan
from animato.core.shapes import Size
from animato.core.timing import on_screen

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
    scan        the times of its frames, on the file's own clock
    background  shows where frames are transparent
    sound       whether there is any
    """

    path: Path
    size: Size
    turn: Turn
    scan: Scan
    background: Colour
    sound: bool

    def frames(self) -> Iterator[np.ndarray]:
        """H W 3 uint8, as many as its timing says, decoded one at a time."""
        with open_container(self.path) as container:
            stream = _video_stream(container, self.path)
            for frame in on_screen(_decoded(container, stream, self.scan), self.scan.timing):
                yield self._upright(frame)

    def _upright(self, frame: av.VideoFrame) -> np.ndarray:
        size = self.size[::-1] if self.turn.transposed else self.size
        return self.turn.apply(_to_rgb(frame, size, self.background))


def probe_video(path: Path, background: Colour) -> VideoFile:
    """Reads the file's packets, decodes its first frames and says what it holds. Raises InputError if that is no usable video."""
    with open_container(path) as container:
        stream = _video_stream(container, path)
        found = scan(container, stream, path)
        sound = sound_stream(container) is not None
    with open_container(path) as container:
        stream = _video_stream(container, path)
        first = [frame for _, frame in islice(_decoded(container, stream, found), 2)]
        if len(first) < (2 if found.notes else 1):
            raise InputError(
                f"Nothing of {path} that moves can be decoded: it is damaged or truncated, or larger than {MAX_PIXELS // 1_000_000} "
                "million pixels; copy or download it again."
            )
        turn = _turn_of(first[0])
        size = _square(first[0], fraction(stream.sample_aspect_ratio))
    size = size[::-1] if turn.transposed else size
    check_size(size, path)
    return VideoFile(path, size, turn, found, background, sound)


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    streams = video_streams(container)
    if not streams:
        found = "only sound" if container.streams.audio else "no moving pictures"
        raise InputError(f"{path} is not a video, it holds {found}: give an MP4, MOV, WebM, MKV, AVI or GIF file.")
    stream = streams[0]
    if stream.codec_context is None:
        raise InputError(f"{path} is packed with a codec that is not known here: convert it to H.264.")
    check_not_too_large((stream.codec_context.width, stream.codec_context.height), path)  # before room is made for the first frame
    stream.codec_context.options = LIMITS
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = _THREADS
    return stream


def _decoded(container: av.container.InputContainer, stream: av.VideoStream, found: Scan) -> Iterator[tuple[Fraction, av.VideoFrame]]:
    """(seconds, frame) in the order of showing; what cannot be decoded is left out."""
    count = 0
    for packet in chain(packets(container, stream), [None]):
        try:
            frames = stream.decode(packet)
        except av.error.FFmpegError:
            continue
        for frame in frames:
            yield _time(frame, count, tick_of(stream), found), frame
            count += 1


def _time(frame: av.VideoFrame, count: int, tick: Fraction, found: Scan) -> Fraction:
    """When the frame that comes out of the decoder after `count` others is to be shown, in seconds."""
    if found.times is not None and count < len(found.times):
        return found.times[count]
    if found.times is not None or not found.timing.stamped or frame.pts is None:
        return found.timing.due(count)
    return frame.pts * tick


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
