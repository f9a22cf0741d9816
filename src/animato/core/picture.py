"""Pictures: from any file that Pillow reads to H W 3 uint8 RGB, upright and opaque, and back."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageChops, ImageOps, UnidentifiedImageError

from animato.core.container import MAX_PIXELS, holds_video
from animato.core.errors import InputError
from animato.core.output import check_target, explained, put_in_place, temporary_beside
from animato.core.reading import MB, check_file, is_folder, open_file
from animato.core.shapes import Size

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)

MIN_SIDE = 16  # pixels
MAX_SIDE = 16384
MOST_BYTES = 1000 * MB  # of a picture's file; 100 million pixels of four times 16 bits take 800 MB

WRITTEN_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
_ANIMATED = ("GIF", "WEBP", "PNG")  # of other kinds, further pictures are pages or thumbnails
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)  # what Pillow raises on broken files


def read_picture(path: str | Path, background: Colour = WHITE) -> np.ndarray:
    """H W 3 uint8 RGB of a picture file: turned as its EXIF says, transparency laid over `background`, 16 bits rounded to 8.

    Raises InputError for a missing, empty, truncated, absurdly small or large file, for one that is no picture, and for a video or
    animation.
    """
    path = Path(path)
    _check_picture(path)
    with open_image(path) as image, decoding(path):
        return to_rgb(image, background)


def read_rgba(path: str | Path) -> np.ndarray:
    """The same with its transparency kept beside it: H W 4 uint8, straight alpha; H W 3 of a picture that knows no transparency."""
    path = Path(path)
    _check_picture(path)
    with open_image(path) as image, decoding(path):
        if not image.has_transparency_data or image.mode.startswith("I"):
            return to_rgb(image, WHITE)
        image.load()
        return np.array(ImageOps.exif_transpose(image).convert("RGBA"))


def _check_picture(path: Path) -> None:
    """Raises InputError for what is no single picture."""
    check_readable(path)
    if is_folder(path):
        raise InputError(f"{path} is a folder, where a picture is due: give one of the files in it.")
    kind = picture_kind(path)
    if kind and kind.moving:
        raise InputError(f"{path} is an animation, where a picture is due: save one of its frames as a picture.")


def write_picture(pixels: np.ndarray, path: str | Path) -> Path:
    """Writes H W 3 uint8 RGB as PNG, JPEG or WebP, by the path's ending, in one step. Raises OutputError."""
    target = check_target(path, WRITTEN_ENDINGS)
    with temporary_beside(target) as temporary:
        with explained(target):
            temporary.write_bytes(_packed(pixels, target.suffix.lower()))
        put_in_place(temporary, target)
    return target


def _packed(pixels: np.ndarray, ending: str) -> bytes:
    """A picture file's bytes. Pillow does not notice when a disk takes only some of those that it writes itself."""
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, Image.registered_extensions()[ending], quality=95)
    return packed.getvalue()


def check_readable(path: Path) -> None:
    """Raises InputError unless `path` is a folder or a file with something in it."""
    if is_folder(path):
        return
    if check_file(path) == 0:  # nothing is asked of files that the system makes up while they are read: some never end
        raise InputError(f"{path} is empty (0 bytes): copy or download it again.")
    open_file(path).close()


@dataclass(frozen=True)
class PictureKind:
    """What a file of pixels is: its format as Pillow names it, and whether it is a GIF, WebP or PNG of more than one frame."""

    format: str
    moving: bool


def picture_kind(path: Path) -> PictureKind | None:
    """What kind of picture or animation a file is, None if it is neither. Raises InputError for a decompression bomb or a broken header."""
    image = _open(path)
    if image is None:
        return None
    with image, decoding(path):
        return PictureKind(str(image.format), image.format in _ANIMATED and getattr(image, "is_animated", False))


@contextmanager
def open_image(path: Path) -> Iterator[Image.Image]:
    """A picture or animation, its header read and its size checked, nothing decoded yet. Raises InputError."""
    image = _open(path)
    if image is None and holds_video(path):
        raise InputError(f"{path} is a video, where a picture is due: save one of its frames as a picture.")
    if image is None:
        raise InputError(f"{path} is not a picture that can be read: give a PNG, JPEG, WebP, BMP or TIFF file.")
    with image:
        check_size(image.size, path)
        if image.mode == "F":
            raise InputError(f"{path} holds floating-point pixels: save it with 8 or 16 bits.")
        yield image


def _open(path: Path) -> Image.Image | None:
    """None if it is no picture. Raises InputError for a decompression bomb, a broken header or a giant, and for what is no file."""
    Image.init()
    if check_file(path) > MOST_BYTES and _looks_like_one(path):  # Pillow reads a WebP whole, whatever is in it
        raise InputError(f"{path} is larger than {MOST_BYTES // MB} MB, the most that is read of a picture: make it smaller first.")
    try:
        with _quiet():
            return Image.open(path, formats=_FORMATS)
    except UnidentifiedImageError:
        return None
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} is larger than {MAX_PIXELS // 1_000_000} million pixels: make it smaller first.") from error
    except _DAMAGE as error:
        raise InputError(f"{path} has a broken header and cannot be read: copy or download it again.") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Pillow's own remarks: on sizes check_size has the say below the hard limit, on damage we speak ourselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _looks_like_one(path: Path) -> bool:
    """Whether a file begins like a picture."""
    with open_file(path) as file:
        begin = file.read(16)
    accepts = (Image.OPEN[kind][1] for kind in _FORMATS)
    return any(accept(begin) is True for accept in accepts if accept)


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turns Pillow's complaints while the pixels of `path` are decoded into an InputError."""
    try:
        with _quiet():
            yield
    except _DAMAGE as error:
        raise InputError(f"{path} is damaged or truncated and cannot be decoded: copy or download it again.") from error


def check_size(size: Size, path: Path) -> None:
    """Raises InputError if a picture or video is too small to show anybody or too large to be worked on."""
    width, height = size
    if min(size) < MIN_SIDE:
        raise InputError(f"{path} is {width}x{height} pixels: at least {MIN_SIDE} are needed on each side.")
    check_not_too_large(size, path)


def check_not_too_large(size: Size, path: Path) -> None:
    """Raises InputError if a picture or video is too large to be worked on."""
    width, height = size
    if max(size) > MAX_SIDE or width * height > MAX_PIXELS:
        limit = f"{MAX_SIDE} a side and {MAX_PIXELS // 1_000_000} million in all"
        raise InputError(f"{path} is {width}x{height} pixels: at most {limit} can be worked on; make it smaller first.")


def to_rgb(image: Image.Image, background: Colour) -> np.ndarray:
    """H W 3 uint8 of an opened image of any mode."""
    image.load()
    inverted = image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info
    image = ImageOps.exif_transpose(image)
    if inverted:  # Adobe stores CMYK inverted and marks it; Pillow takes every CMYK JPEG for Adobe's
        image = ImageChops.invert(image)
    if image.mode.startswith("I"):
        return _from_16_bit(image)
    if image.has_transparency_data:
        return over(np.asarray(image.convert("RGBA")), background)
    return np.array(image.convert("RGB"))


def upright_size(image: Image.Image) -> Size:
    """(width, height) of an opened image once it is turned as its EXIF says."""
    if image.format == "PNG" and "exif" not in image.info:  # Pillow would decode the whole picture in search of it
        return image.size
    with _quiet():
        sideways = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return image.size[::-1] if sideways else image.size


def over(rgba: np.ndarray, background: Colour) -> np.ndarray:
    """H W 4 uint8, straight alpha, laid over one colour -> H W 3 uint8."""
    alpha = rgba[..., 3:].astype(np.uint16)
    mixed = rgba[..., :3] * alpha + np.array(background, np.uint16) * (255 - alpha)  # at most 255 * 255
    return ((mixed + 127) // 255).astype(np.uint8)


def _from_16_bit(image: Image.Image) -> np.ndarray:
    grey = np.clip(np.asarray(image).astype(np.int64), 0, 65535)  # Pillow gives 16-bit grey as I;16 or I, depending on the file
    grey = ((grey + 128) // 257).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
