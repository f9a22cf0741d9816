"""Whether what is handed in or asked for is too much: looked at before anything is decoded or estimated, told with figures."""

from __future__ import annotations

from pathlib import Path

from animato import api
from animato.apps.commands import Request
from animato.apps.options import size_of
from animato.apps.web.limits import Limits
from animato.apps.web.store import Store
from animato.core.errors import InputError
from animato.core.media import Clip
from animato.core.picture import open_image
from animato.core.shapes import Size

MILLION = 1_000_000


def check_picture(path: str, limits: Limits) -> None:
    """Raises InputError for a picture with too many pixels; its header alone is read."""
    if Path(path).is_file():
        with open_image(Path(path)) as image:
            _check(image.size, limits.picture, f"{path} has", "a picture")


def check_motion(driving: str, limits: Limits) -> None:
    """Raises InputError for a motion that is too large or too long; of a video only the packets are looked through."""
    opened = api.open_driving(driving)
    if isinstance(opened, Clip):
        _check(opened.size, limits.frame, f"A frame of {driving} has", "a frame")
        seconds = (opened.length or 0) / opened.fps
        if seconds > limits.seconds:
            raise InputError(f"{driving} lasts {float(seconds):.0f} s: at most {limits.seconds} s can be handed in; cut it before.")
    length = (opened.length or 0) if isinstance(opened, Clip) else len(opened.poses)
    if length > limits.frames:
        raise InputError(f"{driving} has {length} frames: at most {limits.frames} can be handed in; cut it before.")


def check_work(request: Request, store: Store, visitor: str) -> None:
    """Raises InputError, OutputError for work that would be too large, or whose result might find no room on the disk."""
    limits = store.limits
    check_picture(request.picture, limits)
    check_motion(request.driving, limits)
    (width, height), length = api.extent(request.character, request.driving, size=size_of(request.size), frames=request.frames)
    frames = length or request.frames or limits.frames
    most = limits.result // (width * height)
    if frames > most:
        raise InputError(
            f"{frames} frames of {width}x{height} pixels are too much for this page: at this size "
            f"ask for at most {most} frames, or choose a smaller size."
        )
    store.check_result(visitor, frames * width * height)


def _check(size: Size, most: int, whose: str, what: str) -> None:
    width, height = size
    if width * height > most:
        raise InputError(
            f"{whose} {width}x{height} pixels, {width * height / MILLION:.1f} million: this page takes at most {most / MILLION:.1f} "
            f"million in {what}; make it smaller."
        )
