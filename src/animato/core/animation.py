"""Animated WebP files and folders of numbered pictures: frames from what Pillow reads, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image

from animato.core.errors import InputError
from animato.core.folder import PICTURE_ENDINGS, numbered_files
from animato.core.picture import Colour, decoding, open_image, read_picture, to_rgb, upright_size
from animato.core.shapes import Size
from animato.core.timing import Timing, constant_rate, on_screen

_TICK = Fraction(1, 1000)  # seconds; the unit of Pillow's durations
_LEAST_DURATION, _DEFAULT_DURATION = 11, 100  # ms; players show a frame that is to last less than the one for the other


@dataclass(frozen=True)
class Animation:
    """What is to be known about an animated WebP before its frames are run through; `starts` are the times of its pictures in ms.

    Pillow keeps the file in memory, compressed; the frames come one at a time.
    """

    path: Path
    size: Size
    timing: Timing
    background: Colour
    starts: tuple[int, ...]

    def frames(self) -> Iterator[np.ndarray]:
        """H W 3 uint8, decoded one at a time. Raises InputError where the file is damaged."""
        with open_image(self.path) as image:
            times = (start * _TICK for start in self.starts)
            shown = zip(times, self._pictures(image), strict=True)
            for picture in on_screen(shown, self.timing):
                yield picture.copy()  # one that is shown twice must not be the same array twice

    def _pictures(self, image: Image.Image) -> Iterator[np.ndarray]:
        for index in range(len(self.starts)):
            with decoding(self.path):
                image.seek(index)
                picture = to_rgb(image, self.background)
            yield picture


def probe_animation(path: Path, background: Colour) -> Animation:
    """Runs once through an animated WebP, which tells the durations of its frames only then. Raises InputError if it is damaged."""
    with open_image(path) as image, decoding(path):
        durations = [_duration(image, index) for index in range(getattr(image, "n_frames", 1))]
        size = image.size
    starts = tuple(accumulate(durations[:-1], initial=0))
    return Animation(path, size, constant_rate(starts, _TICK, []), background, starts)


@dataclass(frozen=True)
class PictureFolder:
    """Numbered pictures of one size, each a frame."""

    files: tuple[Path, ...]
    size: Size
    background: Colour

    def frames(self) -> Iterator[np.ndarray]:
        """H W 3 uint8, read one at a time. Raises InputError for a damaged picture."""
        return (read_picture(file, self.background) for file in self.files)


def probe_folder(folder: Path, background: Colour) -> PictureFolder:
    """Lists the pictures and reads their headers. Raises InputError if there are none, or of different sizes."""
    files = numbered_files(folder, PICTURE_ENDINGS)
    if not files:
        raise InputError(f"The folder {folder} holds no numbered pictures: name them like 000001.png, 000002.png.")
    sizes = [_header_size(file) for file in files]
    for file, size in zip(files, sizes, strict=True):
        if size != sizes[0]:
            due = f"{sizes[0][0]}x{sizes[0][1]} as {files[0].name}"
            raise InputError(f"{file} is {size[0]}x{size[1]} pixels, not {due}: the pictures of a clip must be of one size.")
    return PictureFolder(tuple(files), sizes[0], background)


def _header_size(file: Path) -> Size:
    with open_image(file) as image:
        return upright_size(image)


def _duration(image: Image.Image, index: int) -> int:
    image.seek(index)
    image.load()
    duration = round(image.info.get("duration", 0))
    return duration if duration >= _LEAST_DURATION else _DEFAULT_DURATION
