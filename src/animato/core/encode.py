"""Encoders that take frames one at a time: MP4, GIF, WebP, and a folder of PNG pictures."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from animato.core.shapes import Size
from animato.core.sound import Soundtrack, soundtrack

ENDINGS = (".mp4", ".gif", ".webp")

FRAME_FILES = re.compile(r"\d{6,}\.png")  # the names in a folder of frames

_BT709 = 1  # the same number for primaries, transfer and matrix
_GIF_MOST_FPS = 50  # players show shorter delays five times too long


class Encoder(Protocol):
    """Takes H W 3 uint8 frames of one size in order; `finish` completes the file, `close` lets go of it, finished or not."""

    def add(self, frame: np.ndarray) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


class Mp4:
    """H.264, 4:2:0, BT.709, limited range: what browsers play. Odd sizes gain a row or column, a repeat of the last."""

    def __init__(self, path: Path, size: Size, fps: Fraction, sound: Path | None) -> None:
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._odd = (size[0] % 2, size[1] % 2)
        self._stream = self._container.add_stream("libx264", rate=fps, options={"crf": "18", "preset": "veryfast"})
        self._stream.width, self._stream.height = size[0] + self._odd[0], size[1] + self._odd[1]
        self._stream.pix_fmt = "yuv420p"
        _tag_bt709(self._stream.codec_context)
        self._fps, self._count = fps, 0
        self._sound: Soundtrack | None = soundtrack(sound, self._container) if sound else None

    def add(self, frame: np.ndarray) -> None:
        if any(self._odd):
            frame = cv2.copyMakeBorder(frame, 0, self._odd[1], 0, self._odd[0], cv2.BORDER_REPLICATE)
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        picture.pts, picture.time_base = self._count, 1 / self._fps
        if self._sound:
            self._sound.write_until(self._count / self._fps)
        self._container.mux(self._stream.encode(picture))
        self._count += 1

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))
        if self._sound:
            self._sound.finish(self._count / self._fps)
        self._container.close()

    def close(self) -> None:
        self._container.close()
        if self._sound:
            self._sound.close()


def _tag_bt709(context: av.VideoCodecContext) -> None:
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = ColorRange.MPEG
