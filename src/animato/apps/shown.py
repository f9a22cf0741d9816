"""What is shown beside a result: a video, or, to a picture's name, its first frame."""

from __future__ import annotations

from pathlib import Path

from animato.core.media import Clip, check_output, write_clip
from animato.core.output import check_target
from animato.core.picture import write_picture
from animato.core.progress import Progress

PICTURES = (".png", ".jpg", ".jpeg")


def check_shown(path: Path) -> None:
    """The name of a video, or of a picture, which gets the first frame. Raises InputError, OutputError."""
    if path.suffix.lower() in PICTURES:
        check_target(path, PICTURES)
    else:
        check_output(path)


def write_shown(clip: Clip, path: Path, progress: Progress) -> None:
    """A video or, to a picture's name, the first frame."""
    if path.suffix.lower() in PICTURES:
        write_picture(next(iter(clip)), path)
    else:
        write_clip(clip, path, progress)
