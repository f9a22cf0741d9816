"""Encoders that take frames one at a time: MP4, GIF, WebP, and a folder of PNG pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, cast

import av
import cv2
import numpy as np
from av.filter import Graph
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image

from animato.core.errors import InputError
from animato.core.output import is_folder_name
from animato.core.shapes import Size
from animato.core.sound import Soundtrack, soundtrack

FRAME_FILES = re.compile(r"\d{6,}\.png")  # the names in a folder of frames

_BT709 = 1  # the same number for primaries, transfer and matrix
_ROUNDED = Interpolation.BILINEAR | Interpolation.ACCURATE_RND  # the default lets chroma drift down
_X264_THREADS = 4  # the number is part of the result, so it must not be that of the machine's cores
_GIF_MOST_FPS = 50  # players show shorter delays at a tenth of their speed


class Encoder(Protocol):
    """Takes H W 3 uint8 frames of one size in order, and counts them.

    `finish` completes the file, also when Ctrl-C came in the midst of `add` or of `finish` itself. `close` lets go of it, finished or not.
    """

    count: int

    def add(self, frame: np.ndarray) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


def encoder_for(path: str | Path, temporary: Path, size: Size, fps: Fraction, sound: Path | None) -> Encoder:
    """The encoder for what the name `path` asks for, writing to `temporary`; only MP4 takes the sound. Raises InputError about it."""
    if is_folder_name(path):
        return Pictures(temporary)
    return FORMATS[Path(path).suffix.lower()](temporary, size, fps, sound)


@dataclass(frozen=True)
class _Kind:
    """One way to pack frames: names and options as FFmpeg has them."""

    container: str
    codec: str
    pixels: str
    container_options: dict[str, str]
    codec_options: dict[str, str]


_X264 = {"crf": "18", "preset": "veryfast", "x264-params": "cpu-independent=1"}
_MP4 = _Kind("mp4", "libx264", "yuv420p", {"movflags": "+faststart"}, _X264)
_GIF = _Kind("gif", "gif", "pal8", {"loop": "0"}, {})
_WEBP = _Kind("webp", "libwebp", "yuv420p", {"loop": "0"}, {"quality": "80"})


class _Packed:
    """A file of one video stream; subclasses say in `add` how a frame goes into it."""

    def __init__(self, path: Path, kind: _Kind, size: Size, fps: Fraction) -> None:
        self.container = av.open(str(path.absolute()), "w", format=kind.container, options=kind.container_options)
        self.stream = cast(av.VideoStream, self.container.add_stream(kind.codec, rate=fps, options=kind.codec_options))
        self.stream.width, self.stream.height = size
        self.stream.pix_fmt = kind.pixels
        self.fps = fps
        self.count = 0

    def picture(self, frame: np.ndarray) -> av.VideoFrame:
        """The next H W 3 uint8 frame as PyAV wants it, with its time."""
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base = self.count, 1 / self.fps
        self.count += 1
        return picture

    def encode(self, picture: av.VideoFrame | None) -> None:
        self.container.mux(self.stream.encode(picture))

    def finish(self) -> None:
        with suppress(av.error.EOFError):  # the frames that wait in the codec were fetched before
            self.encode(None)
        self.container.close()

    def close(self) -> None:
        self.container.close()


class Mp4(_Packed):
    """H.264, 4:2:0, BT.709, limited range: what browsers play. Odd sizes gain a row or column, a repeat of the last.

    Equal frames give the same file, however many cores there are. Without "cpu-independent", x264 takes functions for processors with
    AVX-512 that read memory nobody has written (in its macroblock tree, where a width is no multiple of 16): the files differed at random.
    """

    def __init__(self, path: Path, size: Size, fps: Fraction, sound: Path | None) -> None:
        self._odd = (size[0] % 2, size[1] % 2)
        super().__init__(path, _MP4, (size[0] + self._odd[0], size[1] + self._odd[1]), fps)
        context = self.stream.codec_context
        context.thread_count = _X264_THREADS
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = ColorRange.MPEG
        self._sound: Soundtrack | None = None
        try:
            if sound:
                self._sound = soundtrack(sound, self.container)
        except InputError:
            self.container.close()
            raise

    def add(self, frame: np.ndarray) -> None:
        if any(self._odd):
            frame = cv2.copyMakeBorder(frame, 0, self._odd[1], 0, self._odd[0], cv2.BORDER_REPLICATE)
        if self._sound:
            self._sound.write_until(self.count / self.fps)
        self.encode(_yuv(self.picture(frame), Colorspace.ITU709))

    def finish(self) -> None:
        with suppress(av.error.EOFError):  # as below
            if self._sound:
                self._sound.finish(self.count / self.fps)
        super().finish()

    def close(self) -> None:
        super().close()
        if self._sound:
            self._sound.close()


class Gif(_Packed):
    """256 colours chosen anew for each frame, so that none waits for others; endless. Above 50 frames a second some are left out."""

    def __init__(self, path: Path, size: Size, fps: Fraction) -> None:
        super().__init__(path, _GIF, size, fps)
        self._every = math.ceil(fps / _GIF_MOST_FPS)
        self._palette = _palette_graph(size, fps)

    def add(self, frame: np.ndarray) -> None:
        wanted = self.count % self._every == 0
        picture = self.picture(frame)
        if wanted:
            self._palette.vpush(picture)
            self.encode(self._palette.vpull())


class Webp(_Packed):
    """Animated lossy WebP, endless; each frame is whole, for an encoder that seeks what changed keeps all it has made in memory."""

    def __init__(self, path: Path, size: Size, fps: Fraction) -> None:
        super().__init__(path, _WEBP, size, fps)

    def add(self, frame: np.ndarray) -> None:
        self.encode(_yuv(self.picture(frame), Colorspace.ITU601))


class Pictures:
    """A folder of PNG pictures 000000.png, 000001.png ..."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self.count = folder, 0

    def add(self, frame: np.ndarray) -> None:
        Image.fromarray(frame).save(self._next(), compress_level=3)
        self.count += 1

    def finish(self) -> None:
        """Removes the picture at which Ctrl-C came, whole or not."""
        self._next().unlink(missing_ok=True)

    def _next(self) -> Path:
        return self._folder / f"{self.count:06d}.png"

    def close(self) -> None:
        """Nothing is open."""


FORMATS: Mapping[str, Callable[[Path, Size, Fraction, Path | None], Encoder]] = {
    ".mp4": Mp4,
    ".gif": lambda path, size, fps, sound: Gif(path, size, fps),
    ".webp": lambda path, size, fps, sound: Webp(path, size, fps),
}
"""Ending -> what writes such a file: (file, size, frames a second, the file with the sound) -> its encoder. docs/adding.md adds one."""

ENDINGS = tuple(FORMATS)


def _yuv(picture: av.VideoFrame, matrix: Colorspace) -> av.VideoFrame:
    return picture.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=ColorRange.MPEG, interpolation=_ROUNDED)


def _palette_graph(size: Size, fps: Fraction) -> Graph:
    """A filter that turns each RGB frame into one with a palette of its own."""
    graph = Graph()
    source = graph.add_buffer(width=size[0], height=size[1], format=av.VideoFormat("rgb24"), time_base=1 / fps)
    split, sink = graph.add("split"), graph.add("buffersink")
    palette, use = graph.add("palettegen", "stats_mode=single"), graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph
